import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Clock } from './clock.ts'

/** Whoever finished nothing with this guest for longer is judged not to contribute (03 §9.4). */
const LATELY_MS = 120_000

/** With whom this guest finished signatures, its own or those of the root key, and when. */
export class WorkedWith {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #last = new Map<PartyIndex, number>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  note(parties: readonly PartyIndex[]): void {
    for (const party of parties) this.#last.set(party, this.#clock.monotonicMs())
  }

  has(party: PartyIndex): boolean {
    const at = this.#last.get(party)
    return at !== undefined && this.#clock.monotonicMs() - at <= LATELY_MS
  }
}
