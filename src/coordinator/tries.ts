import type { PartyIndex } from '../../protocols/session/faults.ts'

const SHORTEST_DELAY_MS = 50 // a party that says "now" would be asked without pause

/** What one request has learned of the members, for as long as it runs. Times are monotonic ms. */
export class Tries {
  /** Number of the next attempt. */
  attempt = 0
  /** Attempts that ended with a fault. */
  failures = 0
  /** The last fault, for the operator and for the caller's details. */
  lastFault: string | undefined
  /** Failed in the attempt before. */
  avoid: ReadonlySet<PartyIndex> = new Set()
  /** Refused, with the id. */
  readonly refused: Map<PartyIndex, string> = new Map()
  /** Named by a check that only a cheat fails. */
  readonly blamed: Set<PartyIndex> = new Set()
  readonly #later = new Map<PartyIndex, number>()
  readonly #cannotLead = new Set<PartyIndex>()

  /** After a failed attempt: the next number, without these parties. */
  next(avoid: readonly PartyIndex[] = []): void {
    this.attempt += 1
    this.avoid = new Set(avoid)
    this.#cannotLead.clear()
  }

  postpone(party: PartyIndex, delayMs: number, now: number): void {
    this.#later.set(party, now + Math.max(delayMs, SHORTEST_DELAY_MS))
  }

  cannotLead(party: PartyIndex): void {
    this.#cannotLead.add(party)
  }

  /** All may be asked to lead again: a while has passed. */
  pause(): void {
    this.#cannotLead.clear()
  }

  mayLead(party: PartyIndex, now: number): boolean {
    return !this.#cannotLead.has(party) && !this.excluded(now).has(party)
  }

  /** Who cannot take part now. */
  excluded(now: number): Set<PartyIndex> {
    return new Set([...this.refused.keys(), ...this.#waiting(now).map(([party]) => party)])
  }

  /** When the first of those that said "not yet" may be asked again. */
  earliest(now: number): number | undefined {
    const times = this.#waiting(now).map(([, until]) => until)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** The most frequent id of the refusals; of equals the first. */
  commonRefusal(): string | undefined {
    const counts = new Map<string, number>()
    for (const id of this.refused.values()) counts.set(id, (counts.get(id) ?? 0) + 1)
    const [first] = [...counts].sort((a, b) => b[1] - a[1])
    return first?.[0]
  }

  #waiting(now: number): [PartyIndex, number][] {
    return [...this.#later].filter(([, until]) => until > now)
  }
}
