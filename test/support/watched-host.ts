import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nodeFiles } from '../../src/node/node-files.ts'
import { type RunningFile, readRunning } from '../../src/node/running-file.ts'
import { createHoldfast, type Holdfast } from '../../src/sdk/client.ts'
import { keySigner } from '../../src/sdk/key-signer.ts'
import { untilReady } from '../../src/testnet/readiness.ts'
import type { RealNetwork } from './network.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const START_MS = 60_000
const SNAPSHOT_MS = 60_000
const CHUNK = 16 << 20
const OVERLAP = 256 // longer than any form of a secret

/** A host that a test may look into. */
export interface WatchedHost {
  client(pkcs8: Uint8Array): Holdfast
  /** V8's heap, as its own debugger would show it. */
  heapSnapshot(): Promise<Buffer>
  /** All readable memory of the process, a piece at a time; undefined where the system does not allow it. */
  memory(): Promise<(<T>(look: (bytes: Uint8Array) => T[]) => T[]) | undefined>
  stop(): Promise<void>
}

/** Starts node `number` with a door for the heap snapshot; the other nodes run already. */
export async function startWatchedHost(network: RealNetwork, number: number): Promise<WatchedHost> {
  const { dir } = await network.node(number)
  const others = (await network.state()).nodes.filter(({ node }) => node !== number)
  const entrance = await runningOf(others[0]?.dir ?? '')
  const child = spawn(
    process.execPath,
    ['--heapsnapshot-signal=SIGUSR2', CLI, 'start', '--dir', dir],
    {
      cwd: dir,
      stdio: 'ignore',
      env: { HOLDFAST_BOOTSTRAP: entrance?.multiaddrs[0] ?? '' },
    },
  )
  const said = await listening(dir, child)
  const signal = AbortSignal.timeout(START_MS)
  await untilReady([said.rpc], { deadlineMs: START_MS, signal, complete: true })
  return {
    client: (pkcs8) =>
      createHoldfast({ nodes: said.rpc, signer: keySigner({ pkcs8 }), deadlineMs: 60_000 }),
    heapSnapshot: () => heapSnapshot(child, dir),
    memory: () => memoryOf(said.pid),
    stop: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      for (const file of globSync(join(dir, '*.heapsnapshot'))) await rm(file)
    },
  }
}

const runningOf = (dir: string): Promise<RunningFile | undefined> =>
  readRunning(nodeFiles({ dir, dataDir: dir }).running)

async function listening(dir: string, child: ChildProcess): Promise<RunningFile> {
  const end = performance.now() + START_MS
  while (performance.now() < end && child.exitCode === null) {
    const said = await runningOf(dir)
    if (said !== undefined && said.pid === child.pid) return said
    await pause(50)
  }
  throw new Error(`the watched host did not start: ${child.exitCode}`)
}

/** The snapshot is complete when its last brace is written. */
async function heapSnapshot(child: ChildProcess, dir: string): Promise<Buffer> {
  child.kill('SIGUSR2')
  const end = performance.now() + SNAPSHOT_MS
  while (performance.now() < end) {
    const [file] = globSync(join(dir, '*.heapsnapshot'))
    if (file !== undefined) {
      const bytes = await readFile(file)
      if (bytes.subarray(-8).toString().trimEnd().endsWith('}')) return bytes
    }
    await pause(100)
  }
  throw new Error('the host wrote no heap snapshot')
}

/** Linux shows the memory of processes of the same user, unless it is told not to. */
async function memoryOf(pid: number): ReturnType<WatchedHost['memory']> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => undefined)
  const memory = await open(`/proc/${pid}/mem`).catch(() => undefined)
  if (maps === undefined || memory === undefined) return undefined
  const pieces: Buffer[] = []
  for (const [, from = '', to = ''] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
    const last = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < last; at += CHUNK) {
      const length = Math.min(CHUNK + OVERLAP, last - at)
      const read = await memory.read(Buffer.alloc(length), 0, length, at).catch(() => undefined) // a region may be gone, or a guard page
      if (read !== undefined && read.bytesRead > 0)
        pieces.push(read.buffer.subarray(0, read.bytesRead))
    }
  }
  await memory.close()
  return (look) => pieces.flatMap((piece) => look(piece))
}
