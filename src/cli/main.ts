import './heap-flags.ts' // first
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
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
async function ask(question: string, hidden: boolean, signal: AbortSignal): Promise<string> {
  if (hidden) process.stderr.write(question)
  const nowhere = new Writable({ write: (_, __, done) => done() })
  const terminal = createInterface({
    input: process.stdin,
    output: hidden ? nowhere : process.stderr,
    terminal: process.stdin.isTTY === true,
  })
  try {
    return await terminal.question(hidden ? '' : question, { signal })
  } finally {
    terminal.close()
    if (hidden) process.stderr.write('\n')
  }
}

const signal = stopSignal()
const code = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: () => text(process.stdin),
  ask: (question, hidden = false) => ask(question, hidden, signal),
  now: Date.now,
  env: environment(),
  home: join(homedir(), '.holdfast'),
  signal,
  actions: realActions,
})
// Nothing that a command left open (a socket kept alive, a pipe) may keep the process: it said what it did.
process.exit(code)
