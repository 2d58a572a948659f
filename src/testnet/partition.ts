import { atDoor, runningOf } from './doors.ts'
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
  // A frozen node would hold up the others; it hears nothing anyway.
  const running = await runningOf(state)
  await Promise.all(
    running.map((own) =>
      atDoor(own, signal, async (door) => {
        await door.ask('partition', { from: others(own).map(({ peerId }) => peerId) }, signal)
      }),
    ),
  )
}
