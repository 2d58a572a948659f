import { nodeFiles } from '../node/node-files.ts'
import { connectOperator } from '../node/operator/client.ts'
import { stateOf } from './process.ts'
import { readState, type Testnet, type TestnetNode } from './state.ts'

/**
 * Cuts a local network into groups that hear nothing of each other; nodes that no group names are one more. It lasts
 * until `healNodes`, or a node's restart.
 */
export async function partitionNodes(
  dir: string,
  groups: readonly (readonly number[])[],
  signal: AbortSignal,
): Promise<Testnet> {
  const state = await readState(dir)
  const groupOf = (node: number): number => groups.findIndex((group) => group.includes(node))
  await tellAll(
    state,
    (own) => state.nodes.filter(({ node }) => groupOf(node) !== groupOf(own.node)),
    signal,
  )
  return state
}

/** Lets all nodes hear each other again. */
export async function healNodes(dir: string, signal: AbortSignal): Promise<Testnet> {
  const state = await readState(dir)
  await tellAll(state, () => [], signal)
  return state
}

async function tellAll(
  state: Testnet,
  others: (own: TestnetNode) => readonly TestnetNode[],
  signal: AbortSignal,
): Promise<void> {
  const running: TestnetNode[] = []
  // A frozen node hears it when it thaws, and would hold up the others until then.
  for (const node of state.nodes)
    if (node.host !== null && (await stateOf(node.host)) === 'running') running.push(node)
  await Promise.all(
    running.map(async (own) => {
      const from = others(own).map(({ peerId }) => peerId)
      const door = await connectOperator(
        nodeFiles({ dir: own.dir, dataDir: own.dir }).operatorSocket,
        signal,
      )
      try {
        await door.ask('partition', { from }, signal)
      } finally {
        door.close()
      }
    }),
  )
}
