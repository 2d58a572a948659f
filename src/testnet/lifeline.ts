import { type ChildProcess, spawn } from 'node:child_process'

/**
 * A small process of its own: `lifeline.ts <program> [argument…]` runs the program and ends it when standard input
 * ends, which is when whoever started this process is gone, however it went. SIGTERM is passed on. What the
 * program writes goes to standard output; the exit code is the program's.
 */
const [program = '', ...rest] = process.argv.slice(2)
const GRACE_MS = 2_000 // the program ends in milliseconds; after this it is killed

let child: ChildProcess | undefined
const end = (): void => {
  child?.kill('SIGTERM')
  setTimeout(() => child?.kill('SIGKILL'), GRACE_MS).unref()
}
// Before the program starts: a signal in between would end this process alone.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end)
child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit'], env: {} })
child.once('error', () => process.exit(1))
child.once('exit', (code) => process.exit(code ?? 1))
process.stdin.once('end', end).once('error', end).resume()
