/** A command that could not do what it was asked: what happened, what to do, and the exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number
  /** What the person at the terminal can do about it. */
  readonly hint: string | undefined
  /** Error id of 05 §3.3 when a node said it. */
  readonly id: string | undefined

  constructor(
    exitCode: number,
    message: string,
    options: { hint?: string; id?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.exitCode = exitCode
    this.hint = options.hint
    this.id = options.id
  }
}
