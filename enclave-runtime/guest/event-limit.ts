import type { GuestEvent } from '../port/messages.ts'

const PER_SECOND = 100 // 04 §2, then counted

/** Lets through so many events a second, and says afterwards how many it kept back. */
export function limitEvents(
  tell: (event: GuestEvent) => void,
  monotonicMs: () => number,
): (event: GuestEvent) => void {
  let second = Number.NEGATIVE_INFINITY
  let told = 0
  let dropped = 0
  return (event) => {
    const now = monotonicMs()
    if (now - second >= 1000) {
      second = now
      told = 0
      if (dropped > 0) tell({ code: 'EVENTS_DROPPED', number: dropped })
      dropped = 0
    }
    if (++told <= PER_SECOND) tell(event)
    else dropped++
  }
}
