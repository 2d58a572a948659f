import { setTimeout as pause } from 'node:timers/promises'
import type { OperatorStatus } from '../node/operator/messages.ts'
import type { OwnNode } from './actions.ts'
import { adviceOf } from './epoch-advice.ts'
import type { Output } from './output.ts'

const LOOK_MS = 1_000 // beats come each second

/** Looks at the own node each second until `isOver` says so; new lines are told as they come. @throws what `isOver` throws, or the signal's reason. */
export async function watchEpoch(
  { node }: OwnNode,
  out: Output,
  isOver: (status: OperatorStatus) => boolean,
  { now, signal }: { now: () => number; signal: AbortSignal },
): Promise<OperatorStatus> {
  let told = ''
  for (;;) {
    const status = await node.ask('status', {}, signal)
    if (isOver(status)) return status
    const lines = adviceOf(status, now()).map(({ reason, todo }) => `${reason} (${todo})`)
    const text = lines.join('\n').replaceAll(/\d+ s left/g, '')
    if (text !== told) for (const line of lines) out.note(line)
    told = text
    await pause(LOOK_MS, undefined, { signal })
  }
}
