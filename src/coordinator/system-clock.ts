import { setTimeout as after } from 'node:timers/promises'
import type { Clock } from './collaborators.ts'

/** The machine's own monotonic clock and timers. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wait: (ms, signal) => after(ms, undefined, { signal }),
}
