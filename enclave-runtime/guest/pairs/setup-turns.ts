import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Pair } from './pair.ts'

/** At most two at a time per guest (02 §2.7). */
const MAX_AT_ONCE = 2
const HOUR_MS = 3_600_000

/** How many setups this guest makes at once, and begins with one peer in an hour, whichever epoch they are for (02 §2.7). */
export class SetupTurns {
  /** Who has one of the places: counted from the accept on, but for a short wait for it. */
  readonly #taken = new Set<Pair>()
  readonly #starts = new Map<PartyIndex, readonly number[]>()
  readonly #rooms = new Set<() => void>()

  /** `next` is called whenever a place is free again; what is returned ends that. */
  join(next: () => void): () => void {
    this.#rooms.add(next)
    return () => this.#rooms.delete(next)
  }

  get isFull(): boolean {
    return this.#taken.size >= MAX_AT_ONCE
  }

  has(pair: Pair): boolean {
    return this.#taken.has(pair)
  }

  take(pair: Pair): void {
    this.#taken.add(pair)
  }

  leave(pair: Pair): void {
    if (this.#taken.delete(pair)) for (const next of [...this.#rooms]) next()
  }

  /** Counts a start with this peer. Monotonic ms. */
  started(peer: PartyIndex, now: number): void {
    const recent = (this.#starts.get(peer) ?? []).filter((time) => time > now - HOUR_MS)
    this.#starts.set(peer, [...recent, now])
  }

  /** No start with this peer before, in monotonic ms. */
  notBefore(peer: PartyIndex, perHour: number): number {
    const starts = this.#starts.get(peer) ?? []
    const oldest = starts.at(-perHour)
    return starts.length >= perHour && oldest !== undefined ? oldest + HOUR_MS : 0
  }
}
