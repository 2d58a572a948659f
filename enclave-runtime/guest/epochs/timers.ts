import type { Clock } from '../sessions/clock.ts'

/** The longest wait of one timer of Node; beyond it they ring at once. */
const MAX_MS = 2 ** 31 - 1

/** Named timers: a later one of a name takes the place of an earlier one, and none rings after the end. */
export class Timers {
  readonly #clock: Pick<Clock, 'after'>
  readonly #ring: (name: string) => void
  readonly #cancels = new Map<string, () => void>()

  constructor(clock: Pick<Clock, 'after'>, ring: (name: string) => void) {
    this.#clock = clock
    this.#ring = ring
  }

  set(name: string, ms: number): void {
    this.#cancels.get(name)?.()
    const wait = Math.max(0, Math.min(ms, MAX_MS))
    this.#cancels.set(
      name,
      this.#clock.after(wait, () => {
        if (ms > wait) {
          this.set(name, ms - wait)
          return
        }
        this.#cancels.delete(name)
        this.#ring(name)
      }),
    )
  }

  close(): void {
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
  }
}
