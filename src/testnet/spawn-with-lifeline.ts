import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

// Processes are named by files that are not imported: tsc does not rewrite them (08 §4.1).
const LIFELINE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './lifeline.ts' : './lifeline.js', import.meta.url),
)

/**
 * Starts a program that ends when this process does, in whatever way that ends: between the two stands a process
 * that notices the end of the pipe we hold. The child returned is that process: SIGTERM to it ends both.
 */
export function spawnWithLifeline(
  program: string,
  args: readonly string[],
): ChildProcessByStdio<Writable, Readable, null> {
  const child = spawn(process.execPath, [LIFELINE, program, ...args], {
    // A session of its own: Ctrl-C in our terminal reaches us, and we end the program in order.
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
  })
  child.stdin.on('error', () => undefined) // the pipe breaks when the child ends first: its exit says so
  return child
}
