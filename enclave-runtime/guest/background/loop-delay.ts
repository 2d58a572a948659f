import type { Clock } from '../sessions/clock.ts'

/**
 * So often it looks: what holds the loop for t is seen as at least t less this, and what does so often as nearly t.
 * Each look wakes the guest: a hundred a second cost an idle one a hundredth of a processor.
 */
const PERIOD_MS = 50
const WINDOW_MS = 30_000

/** How long something held the main loop, at most, in the last half to whole minute. */
export class LoopDelay {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>
  #disarm: () => void
  #due = 0
  #windowEnds: number
  #now = 0
  #before = 0

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>) {
    this.#clock = clock
    this.#windowEnds = clock.monotonicMs() + WINDOW_MS
    this.#disarm = this.#arm()
  }

  /** Whole milliseconds. */
  get maxMs(): number {
    return Math.round(Math.max(this.#now, this.#before))
  }

  close(): void {
    this.#disarm()
  }

  #arm(): () => void {
    this.#due = this.#clock.monotonicMs() + PERIOD_MS
    return this.#clock.after(PERIOD_MS, () => this.#look())
  }

  #look(): void {
    const now = this.#clock.monotonicMs()
    this.#now = Math.max(this.#now, now - this.#due)
    if (now >= this.#windowEnds) {
      this.#before = this.#now
      this.#now = 0
      this.#windowEnds = now + WINDOW_MS
    }
    this.#disarm = this.#arm()
  }
}
