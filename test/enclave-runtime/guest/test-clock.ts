import type { Clock } from '../../../enclave-runtime/guest/sessions/clock.ts'

/** Time that stands still until it is told to pass. */
export class TestClock implements Clock {
  /** So many ms before its time every bell of more than one rings, as timers may. */
  early = 0
  #now = 0
  readonly #start: number
  #timers: { readonly at: number; readonly run: () => void }[] = []

  constructor(startSeconds: number) {
    this.#start = startSeconds * 1000
  }

  unixMs(): number {
    return this.#start + this.#now
  }

  monotonicMs(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + (ms > 1 ? ms - this.early : ms), run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Lets `ms` pass, and rings what rings on the way. */
  pass(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next())
      this.#ring(next)
    this.#now = end
  }

  /** Goes to the next bell; false when there is none. */
  skip(): boolean {
    const next = this.#next()
    if (next !== undefined) this.#ring(next)
    return next !== undefined
  }

  #next() {
    return this.#timers.toSorted((a, b) => a.at - b.at)[0]
  }

  #ring(timer: { readonly at: number; readonly run: () => void }): void {
    this.#timers = this.#timers.filter((other) => other !== timer)
    this.#now = Math.max(this.#now, timer.at)
    timer.run()
  }
}
