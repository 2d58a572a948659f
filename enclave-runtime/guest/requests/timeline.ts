import type { GuestPhase, PhaseTimes } from '../../port/phases.ts'

/**
 * Where the time of one request went in this guest (10 §6.4): each moment from the first phase on belongs to
 * exactly one. `monotonicMs` is the injected clock.
 */
export class Timeline {
  readonly #monotonicMs: () => number
  readonly #spent = new Map<GuestPhase, number>()
  #phase: GuestPhase
  #since: number

  constructor(monotonicMs: () => number, first: GuestPhase) {
    this.#monotonicMs = monotonicMs
    this.#phase = first
    this.#since = monotonicMs()
  }

  /** From now on time belongs to `phase`. */
  enter(phase: GuestPhase): void {
    this.#settle()
    this.#phase = phase
  }

  /** As long as `work` runs, time belongs to `phase`; afterwards to the one before. */
  async during<T>(phase: GuestPhase, work: () => Promise<T>): Promise<T> {
    const before = this.#phase
    this.enter(phase)
    try {
      return await work()
    } finally {
      if (this.#phase === phase) this.enter(before)
    }
  }

  /** Whole microseconds until now, by phase. */
  times(): PhaseTimes {
    this.#settle()
    return Object.fromEntries(
      [...this.#spent].flatMap(([phase, ms]) => {
        const us = Math.round(ms * 1000)
        return us > 0 ? [[phase, us]] : []
      }),
    )
  }

  #settle(): void {
    const now = this.#monotonicMs()
    this.#spent.set(this.#phase, (this.#spent.get(this.#phase) ?? 0) + now - this.#since)
    this.#since = now
  }
}
