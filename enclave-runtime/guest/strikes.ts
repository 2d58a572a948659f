import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { Tell } from './events.ts'

const HOUR_MS = 3_600_000
/** 02 §12: five an hour, and leaders avoid the peer. */
export const MAX_STRIKES_PER_HOUR = 5

/** Malformed or contradictory messages, counted per party. They cost trust, never a ban. */
export class Strikes {
  readonly #times = new Map<PartyIndex, number[]>()
  readonly #tell: Tell

  constructor(tell: Tell) {
    this.#tell = tell
  }

  add(party: PartyIndex, now: number): void {
    const times = this.#recent(party, now)
    times.push(now)
    this.#times.set(party, times.slice(-MAX_STRIKES_PER_HOUR)) // older ones no longer matter
    this.#tell('STRIKE', party, times.length)
  }

  /** Whether leaders should do without this party for now. */
  avoided(party: PartyIndex, now: number): boolean {
    return this.#recent(party, now).length >= MAX_STRIKES_PER_HOUR
  }

  #recent(party: PartyIndex, now: number): number[] {
    return (this.#times.get(party) ?? []).filter((time) => time > now - HOUR_MS)
  }
}
