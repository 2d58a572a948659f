import { nodeFiles } from '../node/node-files.ts'
import { type RunningFile, readRunning } from '../node/running-file.ts'
import { childrenOf, stateOf } from './process.ts'
import { type Readiness, untilReady } from './readiness.ts'
import { type SpawnedNode, spawnNode } from './spawn-node.ts'
import { readState, type Testnet, type TestnetNode, writeState } from './state.ts'
import { endNodes } from './stop.ts'

export interface UpOptions {
  /** The nodes to start; absent: all that do not run. */
  readonly only?: readonly number[]
  /** Whether the nodes end when this process does. */
  readonly lifeline: boolean
  readonly signal: AbortSignal
  /** A program and its arguments in which a node runs (`SpawnOptions.within`). */
  readonly within?: (node: number) => readonly string[]
  /** Told of each node that was started and listens. */
  readonly onListening?: (node: number, running: RunningFile) => void
}

const LISTEN_TIMEOUT_MS = 30_000 // five processes on two busy cores; one alone needs about a second

/**
 * Starts the nodes of the local network in `dir` that do not run, each as a process of its own, and waits
 * until they listen. The first finds no one; every other one knows its address and nothing else. When one
 * does not start, those that were started are ended again.
 */
export async function startNodes(dir: string, options: UpOptions): Promise<Testnet> {
  const before = await readState(dir)
  const running = await runningNodes(before)
  const chosen = before.nodes.filter(
    ({ node }) => !running.has(node) && (options.only?.includes(node) ?? true),
  )
  const started: TestnetNode[] = []
  const start = async (node: TestnetNode, bootstrap: readonly string[]): Promise<RunningFile> => {
    options.signal.throwIfAborted()
    const { lifeline, within } = options
    const spawned = await spawnNode({
      dir: node.dir,
      bootstrap,
      lifeline,
      ...(within && { within: within(node.node) }),
    })
    const at = started.push({ ...node, host: spawned.process, guest: null, rpc: null }) - 1
    const said = await listening(spawned, options.signal)
    const [guest = null] = await childrenOf(spawned.process.pid)
    started[at] = { ...node, host: spawned.process, guest, rpc: said.rpc }
    options.onListening?.(node.node, said)
    return said
  }
  try {
    let entrance = [...running.values()][0]?.multiaddrs
    const [first, ...others] = chosen
    if (entrance === undefined && first !== undefined) {
      entrance = (await start(first, [])).multiaddrs
      await allOf(others.map((node) => start(node, entrance?.slice(0, 1) ?? [])))
    } else await allOf(chosen.map((node) => start(node, entrance?.slice(0, 1) ?? [])))
  } catch (error) {
    await endNodes(started)
    throw error
  }
  const state = {
    ...before,
    nodes: before.nodes.map(
      (old) =>
        started.find(({ node }) => node === old.node) ??
        (running.has(old.node) ? old : { ...old, host: null, guest: null, rpc: null }),
    ),
  }
  await writeState(dir, state)
  return state
}

/**
 * Resolves when every node that was started can sign. With all of them running it waits for every pair,
 * so that new keys, which need all members, can be made at once. @throws NotReadyError
 */
export async function networkReady(
  state: Testnet,
  options: {
    readonly deadlineMs: number
    readonly signal: AbortSignal
    readonly onProgress?: (seen: readonly (Readiness | undefined)[]) => void
  },
): Promise<void> {
  const rpcs = state.nodes.flatMap(({ rpc }) => (rpc === null ? [] : [rpc]))
  await untilReady(rpcs, { ...options, complete: rpcs.length === state.nodes.length })
}

/** What the nodes that run now say about themselves. */
async function runningNodes(state: Testnet): Promise<Map<number, RunningFile>> {
  const running = new Map<number, RunningFile>()
  for (const { node, dir, host } of state.nodes) {
    if (host === null || (await stateOf(host)) === 'gone') continue
    const said = await readRunning(nodeFiles({ dir, dataDir: dir }).running)
    if (said?.pid === host.pid) running.set(node, said)
  }
  return running
}

async function listening(spawned: SpawnedNode, signal: AbortSignal): Promise<RunningFile> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([spawned.listening(LISTEN_TIMEOUT_MS), aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** As Promise.all, but it waits for all of them before it fails: nothing is left starting. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises)
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
