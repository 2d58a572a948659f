import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFiles } from '../node/node-files.ts'
import { type RunningFile, readRunning, removeRunning } from '../node/running-file.ts'
import { type ProcessRef, refOf } from './process.ts'

/** A node that could not be started, with the end of what it said. */
export class NodeStartError extends Error {
  override readonly name = 'NodeStartError'
}

export interface SpawnOptions {
  readonly dir: string
  /** Multiaddrs through which it finds the others. */
  readonly bootstrap: readonly string[]
  /** Whether the node is to end when this process does: a pipe is held open for it. */
  readonly lifeline: boolean
  /** A program and its arguments that run the node, such as one that enters a network namespace. */
  readonly within?: readonly string[]
}

export interface SpawnedNode {
  readonly process: ProcessRef
  readonly log: string
  /** Resolves when the process ends, to its exit code or signal. */
  readonly ended: Promise<string>
  /** What it says of itself once it listens. @throws NodeStartError */
  listening(deadlineMs: number): Promise<RunningFile>
}

const HEAP_FLAGS = ['--max-semi-space-size=1', '--heap-growing-percent=100'] // from the first byte on; the reasons: src/cli/heap-flags.ts
const POLL_MS = 25 // a start takes about a second
const SAID_LINES = 6 // the error and what to do
const SAID_BYTES = 4096 // lines of a log are short

// Processes are named by files that are not imported: tsc does not rewrite them (08 §4.1).
const CLI = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../cli/main.ts' : '../cli/main.js', import.meta.url),
)

/** Starts `holdfast start` for one directory as a process of its own; its output goes to `<dir>/node.log`. */
export async function spawnNode(options: SpawnOptions): Promise<SpawnedNode> {
  const { dir, bootstrap, lifeline, within = [] } = options
  const log = join(dir, 'node.log')
  const { running } = nodeFiles({ dir, dataDir: dir })
  await removeRunning(running)
  const output = await open(log, 'a', 0o600)
  let child: ChildProcess
  let offset: number
  try {
    offset = (await output.stat()).size
    const command = [
      process.execPath,
      ...HEAP_FLAGS,
      CLI,
      'start',
      '--dir',
      dir,
      ...(lifeline ? ['--lifeline'] : []),
    ]
    const [program = '', ...args] = [...within, ...command]
    child = spawn(program, args, {
      cwd: dir,
      // A session of its own: Ctrl-C in our terminal reaches us, and we stop the nodes in order.
      detached: true,
      stdio: [lifeline ? 'pipe' : 'ignore', output.fd, output.fd],
      env: { HOLDFAST_BOOTSTRAP: bootstrap.join(',') },
    })
  } finally {
    await output.close()
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`exit ${String(code ?? signal)}`))
  })
  // The pipe breaks when the node ends first; its end is noticed by `ended`.
  child.stdin?.on('error', () => undefined)
  if (child.pid === undefined) throw new NodeStartError(`${dir}: ${await ended}`)
  if (!lifeline) child.unref()
  const pid = child.pid
  return {
    process: await refOf(pid),
    log,
    ended,
    listening: async (deadlineMs) => {
      const end = performance.now() + deadlineMs
      let over: string | undefined
      void ended.then((how) => {
        over = how
      })
      for (;;) {
        const said = await readRunning(running)
        if (said?.pid === pid) return said
        if (over !== undefined)
          throw new NodeStartError(
            `${dir} did not start (${over}):\n${await lastWords(log, offset)}`,
          )
        if (performance.now() > end)
          throw new NodeStartError(`${dir} did not listen within ${deadlineMs} ms, see ${log}`)
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    },
  }
}

/** The last lines that a process wrote to its log after `offset`. */
async function lastWords(log: string, offset: number): Promise<string> {
  const bytes = await readFile(log)
  const said = bytes.subarray(Math.max(offset, bytes.length - SAID_BYTES)).toString('utf8')
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-SAID_LINES).join('\n')
}
