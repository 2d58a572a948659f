import type { PartyIndex } from '../../protocols/session/faults.ts'

const SHORTEST_DELAY_MS = 50 // a party that says "now" would be asked without pause

/**
 * What one request has learned of the members, for as long as it runs: from the own guest alone, but for
 * which leaders failed. Times are monotonic ms.
 */
export class Tries {
  /** Number of the next attempt. */
  attempt = 0
  /** Attempts that ended with a fault. */
  failures = 0
  /** The last fault, for the operator and for the caller's details. */
  lastFault: string | undefined
  /** Who led the attempt before. */
  lastLeader: PartyIndex | undefined
  /** Named by a failure: asked only where it does not work without. */
  readonly avoid: Set<PartyIndex> = new Set()
  /** Refused, with the id. */
  readonly refused: Map<PartyIndex, string> = new Map()
  /** Named by a check that only a cheat fails. */
  readonly blamed: Set<PartyIndex> = new Set()
  readonly #failed: (readonly PartyIndex[])[] = []
  readonly #later = new Map<PartyIndex, number>()
  readonly #failedToLead = new Set<PartyIndex>()
  readonly #cannotLead = new Set<PartyIndex>()

  /** After an attempt: the next number. `avoid` are asked only where it does not work without. */
  next(avoid: readonly PartyIndex[] = []): void {
    this.attempt += 1
    for (const party of avoid) this.avoid.add(party)
    this.#cannotLead.clear()
  }

  postpone(party: PartyIndex, delayMs: number, now: number): void {
    this.#later.set(party, now + Math.max(delayMs, SHORTEST_DELAY_MS))
  }

  /** These signed together under the own guest's lead, and it failed. */
  failedTogether(signers: readonly PartyIndex[]): void {
    this.#failed.push(signers)
  }

  /** How often exactly these have failed. */
  timesFailed(signers: readonly PartyIndex[]): number {
    return this.#failed.filter((failed) => covers(failed, signers)).length
  }

  /** In how many failed attempts all of these took part: the fewer, the more the next one differs. */
  timesTogether(parties: readonly PartyIndex[]): number {
    return this.#failed.filter((failed) => parties.every((party) => failed.includes(party))).length
  }

  /** It was asked to lead and brought nothing: it is not asked a second time. */
  failedToLead(party: PartyIndex): void {
    this.#failedToLead.add(party)
  }

  cannotLead(party: PartyIndex): void {
    this.#cannotLead.add(party)
  }

  /** All may be asked to lead again: a while has passed. */
  pause(): void {
    this.#cannotLead.clear()
  }

  mayLead(party: PartyIndex, now: number): boolean {
    if (this.#cannotLead.has(party) || this.#failedToLead.has(party)) return false
    return !this.excluded(now).has(party)
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

const covers = (a: readonly PartyIndex[], b: readonly PartyIndex[]): boolean =>
  a.length === b.length && b.every((party) => a.includes(party))
