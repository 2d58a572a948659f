import { stateOf } from './process.ts'
import { readiness } from './readiness.ts'
import type { Testnet, TestnetNode } from './state.ts'

/** `ready`: it can sign. `starting`: it answers but cannot yet. `unreachable`: it runs but does not answer. */
export type NodeState = 'ready' | 'starting' | 'unreachable' | 'frozen' | 'stopped'

export interface NodeReport {
  readonly node: number
  /** Of the host process; null when it does not run. */
  readonly pid: number | null
  readonly guestPid: number | null
  readonly rpc: string | null
  readonly peerId: string
  readonly state: NodeState
}

/** What each node of a local network does now. */
export async function report(state: Testnet): Promise<NodeReport[]> {
  return await Promise.all(
    state.nodes.map(async (node) => {
      const seen = await look(node)
      const runs = seen !== 'stopped'
      return {
        node: node.node,
        pid: runs ? (node.host?.pid ?? null) : null,
        guestPid: runs ? (node.guest?.pid ?? null) : null,
        rpc: runs ? node.rpc : null,
        peerId: node.peerId,
        state: seen,
      }
    }),
  )
}

async function look({ host, rpc }: TestnetNode): Promise<NodeState> {
  const process = host === null ? 'gone' : await stateOf(host)
  if (process === 'gone') return 'stopped'
  if (process === 'stopped') return 'frozen'
  const answer = rpc === null ? undefined : await readiness(rpc)
  if (answer === undefined) return 'unreachable'
  return answer.ready ? 'ready' : 'starting'
}
