import { allGone, childrenOf, type ProcessRef, send, stateOf } from './process.ts'
import { readState, type Testnet, type TestnetNode, writeState } from './state.ts'

/** A process that is still there although it was killed. */
export class StillRunningError extends Error {
  override readonly name = 'StillRunningError'
}

const GRACE_MS = 20_000 // above a node's own deadlines for stopping (07 §2.5)
const KILL_MS = 5_000 // a killed process is gone at once, except under a debugger or a dead disk

/** Ends every node in order; none of their processes is left. */
export async function stopNodes(dir: string): Promise<Testnet> {
  const state = await readState(dir)
  await endNodes(state.nodes)
  return await forget(dir, state, () => true)
}

/** Ends host and guest of these nodes at once (SIGKILL), as a loss of power would. */
export async function killNodes(dir: string, nodes: readonly number[]): Promise<Testnet> {
  const state = await readState(dir)
  const chosen = pick(state, nodes)
  const processes = (await Promise.all(chosen.map(processesOf))).flat()
  // The host first: a guest that ends before it would make it stop in order.
  for (const process of processes) await send(process, 'SIGKILL')
  if (!(await allGone(processes, KILL_MS))) throw stillThere(chosen)
  return await forget(dir, state, ({ node }) => nodes.includes(node))
}

/** Freezes (SIGSTOP) or thaws (SIGCONT) host and guest of these nodes. */
export async function signalNodes(
  dir: string,
  nodes: readonly number[],
  signal: 'SIGSTOP' | 'SIGCONT',
): Promise<Testnet> {
  const state = await readState(dir)
  for (const node of pick(state, nodes))
    for (const process of await processesOf(node)) await send(process, signal)
  return state
}

/** Asks the nodes to stop and kills what does not; resolves when all their processes are gone. */
export async function endNodes(nodes: readonly TestnetNode[]): Promise<void> {
  const processes = (await Promise.all(nodes.map(processesOf))).flat()
  for (const process of processes) await send(process, 'SIGCONT')
  for (const { host } of nodes) if (host !== null) await send(host, 'SIGTERM')
  if (await allGone(processes, GRACE_MS)) return
  for (const process of processes) await send(process, 'SIGKILL')
  if (!(await allGone(processes, KILL_MS))) throw stillThere(nodes)
}

/** Host and guest of a node, those still alive or not. */
async function processesOf({ host, guest }: TestnetNode): Promise<ProcessRef[]> {
  // The id of a process that is gone may be another's by now.
  const alive = host !== null && (await stateOf(host)) !== 'gone'
  const children = alive ? await childrenOf(host.pid) : []
  const known = guest === null ? [] : [guest]
  const guests = [...known, ...children.filter(({ pid }) => pid !== guest?.pid)]
  return host === null ? guests : [host, ...guests]
}

async function forget(
  dir: string,
  state: Testnet,
  which: (node: TestnetNode) => boolean,
): Promise<Testnet> {
  const nodes = state.nodes.map((node) =>
    which(node) ? { ...node, host: null, guest: null, rpc: null } : node,
  )
  const now = { ...state, nodes }
  await writeState(dir, now)
  return now
}

function pick(state: Testnet, nodes: readonly number[]): TestnetNode[] {
  return nodes.map((wanted) => {
    const found = state.nodes.find(({ node }) => node === wanted)
    if (found === undefined)
      throw new RangeError(`there is no node ${wanted}: it has nodes 1 to ${state.nodes.length}`)
    return found
  })
}

const stillThere = (nodes: readonly TestnetNode[]): StillRunningError =>
  new StillRunningError(
    `processes of node ${nodes.map(({ node }) => node).join(', ')} do not end: ${nodes
      .map(({ host }) => host?.pid)
      .join(', ')}`,
  )
