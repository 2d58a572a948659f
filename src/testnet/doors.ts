import { join } from 'node:path'
import { nodeFiles } from '../node/node-files.ts'
import { connectOperator, type OperatorNode } from '../node/operator/client.ts'
import { type OperatorKey, readOperatorKey } from '../node/operator-key.ts'
import { stateOf } from './process.ts'
import type { Testnet, TestnetNode } from './state.ts'

/** Speaks with a running node of a local network as its operator. */
export async function atDoor<T>(
  { dir }: TestnetNode,
  signal: AbortSignal,
  work: (door: OperatorNode) => Promise<T>,
): Promise<T> {
  const door = await connectOperator(nodeFiles({ dir, dataDir: dir }).operatorSocket, signal)
  try {
    return await work(door)
  } finally {
    door.close()
  }
}

export const operatorOf = ({ dir }: TestnetNode): Promise<OperatorKey> =>
  readOperatorKey(nodeFiles({ dir, dataDir: dir }).operatorKey)

export const genesisOf = ({ dir }: TestnetNode): string => join(dir, 'genesis.cbor')

/** The nodes whose processes run and are not frozen. */
export async function runningOf({ nodes }: Testnet): Promise<TestnetNode[]> {
  const states = await Promise.all(
    nodes.map(({ host }) => (host === null ? 'gone' : stateOf(host))),
  )
  return nodes.filter((_, at) => states[at] === 'running')
}
