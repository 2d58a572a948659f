import type { PartyIndex } from '../../../protocols/session/faults.ts'

const SECOND_MS = 1_000

/** How often something may be done for each member within one second. */
export class PerSecond {
  readonly #monotonicMs: () => number
  readonly #limit: number
  readonly #spent = new Map<PartyIndex, { since: number; count: number }>()

  constructor(monotonicMs: () => number, limit: number) {
    this.#monotonicMs = monotonicMs
    this.#limit = limit
  }

  /** Takes so many, or none when that would be too many. */
  take(party: PartyIndex, count: number): boolean {
    const now = this.#monotonicMs()
    const spent = this.#spent.get(party)
    const fresh = spent === undefined || now - spent.since >= SECOND_MS
    const next = fresh ? { since: now, count } : { since: spent.since, count: spent.count + count }
    if (next.count > this.#limit) return false
    this.#spent.set(party, next)
    return true
  }
}
