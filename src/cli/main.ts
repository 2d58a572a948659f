import './heap-flags.ts' // first
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { environment } from '../node/config.ts'
import { realActions } from './real-actions.ts'
import { run } from './run.ts'

const INTERRUPTED = 130 // what a shell gives a program that Ctrl-C ended

/** A first signal asks the command to stop in order; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED)
      controller.abort(new Error(`stopped by ${name}`))
    })
  return controller.signal
}

/** The question goes to stderr: stdout holds results only. */
async function ask(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question(question, { signal })
  } finally {
    terminal.close()
  }
}

const signal = stopSignal()
const code = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: () => text(process.stdin),
  ask: (question) => ask(question, signal),
  now: Date.now,
  env: environment(),
  home: join(homedir(), '.holdfast'),
  signal,
  actions: realActions,
})
// Nothing that a command left open (a socket kept alive, a pipe) may keep the process: it said what it did.
process.exit(code)
