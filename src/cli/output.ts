import { createColors } from 'picocolors'

/** The one door through which commands speak: JSON lines, or text for people. */
export interface Output {
  readonly json: boolean
  /** Whether a person watches: colours and moving progress make sense. */
  readonly terminal: boolean
  /** The result of the command: one JSON line, or these lines of text. */
  result(value: object, lines: readonly string[]): void
  /** News under way; silent under --json, where stdout holds results only. */
  note(line: string): void
  /** What went wrong and what to do; one JSON line on stderr under --json. */
  problem(error: { message: string; hint?: string | undefined; id?: string | undefined }): void
  readonly paint: Paint
}

export type Paint = Pick<ReturnType<typeof createColors>, 'bold' | 'dim' | 'green' | 'red' | 'cyan'>

interface Stream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** An output on two streams. Colours only where a person watches stdout and did not ask for JSON. */
export function createOutput(streams: { stdout: Stream; stderr: Stream }, json: boolean): Output {
  const { stdout, stderr } = streams
  const terminal = stdout.isTTY === true && !json
  const paint = createColors(terminal)
  const warn = createColors(stderr.isTTY === true && !json)
  return {
    json,
    terminal,
    paint,
    result: (value, lines) => {
      if (json) stdout.write(`${JSON.stringify(value)}\n`)
      else for (const line of lines) stdout.write(`${line}\n`)
    },
    note: (line) => {
      if (!json) stdout.write(`${line}\n`)
    },
    problem: ({ message, hint, id }) => {
      if (json) {
        stderr.write(`${JSON.stringify({ error: { message, hint, id } })}\n`)
        return
      }
      const [first = '', ...rest] = message.split('\n')
      const tag = id === undefined ? '' : ` (${id})`
      stderr.write(`${warn.red('error:')} ${first}${tag}\n`)
      for (const line of rest) stderr.write(`       ${line}\n`)
      if (hint !== undefined) stderr.write(`${warn.dim('  what to do:')} ${hint}\n`)
    },
  }
}
