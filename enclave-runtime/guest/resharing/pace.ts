import type { Breathe } from '../../../protocols/crypto/breathe.ts'
import { nextTurn } from '../pairs/next-turn.ts'
import type { Clock } from '../sessions/clock.ts'

/** While requests are live, work on chunks has a quarter of a core (03 §6.4): after each step a pause three times as long. */
const PAUSE = 3
/** Between two pauses a step may add up to this. */
const STEP_MS = 5

/**
 * Lets other work have its turn between the steps of chunks. One for all chunks, whose steps run one at a time; at a
 * quarter of a core they also stay below the 20 Mbit/s of 03 §6.4, for a key costs about a millisecond and 330 bytes
 * for each receiver.
 */
export function pace(
  clock: Pick<Clock, 'monotonicMs' | 'after'>,
  isSigning: () => boolean,
): Breathe {
  let busyMs = 0
  let resumedAt = clock.monotonicMs()
  return async () => {
    busyMs += clock.monotonicMs() - resumedAt
    if (busyMs >= STEP_MS && isSigning())
      await new Promise<void>((resolve) => clock.after(PAUSE * busyMs, resolve))
    else await nextTurn()
    if (busyMs >= STEP_MS) busyMs = 0
    resumedAt = clock.monotonicMs()
  }
}
