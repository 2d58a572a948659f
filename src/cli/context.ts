import type { Environment } from '../node/config.ts'
import type { Actions } from './actions.ts'
import { createOutput, type Output } from './output.ts'

interface Stream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** What surrounds a command: everything it touches is here, so that tests can give their own. */
export interface Context {
  readonly stdout: Stream
  readonly stderr: Stream
  /** All of standard input as text. */
  readonly stdin: () => Promise<string>
  /** Puts a question to the person at the terminal; resolves to one line, which `hidden` keeps off the screen. */
  readonly ask: (question: string, hidden?: boolean) => Promise<string>
  /** Unix ms, to say how long something takes. */
  readonly now: () => number
  readonly env: Environment
  /** Where commands without `--dir` keep their files: ~/.holdfast. */
  readonly home: string
  /** Aborted when the person or the system asks the command to stop. */
  readonly signal: AbortSignal
  readonly actions: Actions
}

/** The options every command has. */
export interface CommonOptions {
  readonly json?: boolean
}

export const outputOf = (context: Context, options: CommonOptions): Output =>
  createOutput(context, options.json === true)
