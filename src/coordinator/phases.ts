import { GUEST_PHASES, type PhaseTimes } from '../../enclave-runtime/port/phases.ts'

/**
 * The way of a request, in order (10 §6.4). `gateway`: until the guest is asked, with the port's crossing.
 * `reply`: from the guest's word to the last byte, with the crossing back.
 */
export const PHASES: readonly ['gateway', ...typeof GUEST_PHASES, 'reply'] = [
  'gateway',
  ...GUEST_PHASES,
  'reply',
]
export type Phase = (typeof PHASES)[number]

/** Where the time of one request went: each moment from the start on belongs to exactly one phase. */
export class PhaseClock {
  readonly #monotonic: () => number
  readonly #ms = new Map<Phase, number>()
  #phase: Phase = 'gateway'
  #since: number

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
    this.#since = monotonic()
  }

  /** From now on time belongs to `phase`. */
  enter(phase: Phase): void {
    this.#settle()
    this.#phase = phase
  }

  /** Of the time since the current phase began, the guest names its own part; what it does not name stays. */
  asGuestSays(times: PhaseTimes | undefined): void {
    this.#settle()
    for (const phase of GUEST_PHASES) {
      const left = this.#ms.get(this.#phase) ?? 0
      const named = Math.min((times?.[phase] ?? 0) / 1000, left) // its clock is another process's
      if (named <= 0) continue
      this.#ms.set(this.#phase, left - named)
      this.#ms.set(phase, (this.#ms.get(phase) ?? 0) + named)
    }
  }

  /** Milliseconds until now, by phase. */
  times(): ReadonlyMap<Phase, number> {
    this.#settle()
    return this.#ms
  }

  #settle(): void {
    const now = this.#monotonic()
    this.#ms.set(this.#phase, (this.#ms.get(this.#phase) ?? 0) + now - this.#since)
    this.#since = now
  }
}
