import { connectOperator, OperatorGone, type OperatorNode } from '../node/operator/client.ts'
import { OperatorError, type OperatorErrorCode } from '../node/operator/messages.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

const EXITS: Readonly<Record<OperatorErrorCode, number>> = {
  refused: EXIT.refused,
  waiting: EXIT.waiting,
  operators: EXIT.needsOperators,
  failed: EXIT.failed,
}

const HINTS: Readonly<Record<OperatorGone['code'], string>> = {
  ABSENT: 'start it with "holdfast start", or name its directory with --dir',
  DENIED: 'run this as the user that runs the node',
  LOST: 'look at its log, and use the holdfast that runs it',
  SILENT: 'look at its log; a node that hangs is started again',
}

/** As `connectOperator`, for commands: what goes wrong has an exit code and says what to do. */
export async function commandOperator(file: string, signal: AbortSignal): Promise<OperatorNode> {
  const node = await explained(() => connectOperator(file, signal))
  return {
    ask: (method, params, within) => explained(() => node.ask(method, params, within)),
    close: () => node.close(),
  }
}

/** The error of a node's door as a command's; undefined for any other. */
export function asCommandError(cause: unknown): CommandError | undefined {
  if (cause instanceof OperatorError) {
    const hint = cause.hint === undefined ? {} : { hint: cause.hint }
    return new CommandError(EXITS[cause.code], cause.message, { ...hint, cause })
  }
  if (!(cause instanceof OperatorGone)) return undefined
  const exitCode = cause.code === 'DENIED' ? EXIT.refused : EXIT.unreachable
  return new CommandError(exitCode, cause.message, { hint: HINTS[cause.code], cause })
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw asCommandError(cause) ?? cause
  }
}
