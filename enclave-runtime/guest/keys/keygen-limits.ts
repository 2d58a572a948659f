import { RequestError } from '../../../protocols/request/errors.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'

const HOUR_MS = 3_600_000
/** Ten a minute: more than a member's registrations (05 §4.4), less than what fills a disk in days. */
const MAX_RUNS_PER_HOUR = 600
/** Runs that left a pending key, which nothing but an epoch change drops. Honest ones are rare. */
const MAX_LOST_PER_HOUR = 20
/** Pending keys of all members: each is a record in memory, and asked about. */
export const MAX_PENDING_KEYS = 1_000

/** How many key generations each member may open here. */
export class KeygenLimits {
  readonly #monotonicMs: () => number
  readonly #pending: () => number
  readonly #runs = new Map<PartyIndex, number[]>()
  readonly #lost = new Map<PartyIndex, number[]>()

  constructor(monotonicMs: () => number, pending: () => number) {
    this.#monotonicMs = monotonicMs
    this.#pending = pending
  }

  /** Throws `RequestError` LIMIT_EXCEEDED when this member may open no further run now. */
  assertOpen(opener: PartyIndex): void {
    const refuse = (why: string): never => {
      throw new RequestError('LIMIT_EXCEEDED', why)
    }
    if (this.#pending() >= MAX_PENDING_KEYS)
      refuse('too many unfinished keys: no new ones until the next epoch')
    if (this.#recent(this.#lost, opener).length >= MAX_LOST_PER_HOUR)
      refuse('too many key generations of this node were not finished')
    if (this.#recent(this.#runs, opener).length >= MAX_RUNS_PER_HOUR)
      refuse('too many key generations in this hour')
  }

  ran(opener: PartyIndex): void {
    this.#recent(this.#runs, opener).push(this.#monotonicMs())
  }

  /** A run ended and left a pending key. */
  lost(opener: PartyIndex): void {
    this.#recent(this.#lost, opener).push(this.#monotonicMs())
  }

  /** The opener's times of the last hour. */
  #recent(all: Map<PartyIndex, number[]>, opener: PartyIndex): number[] {
    const since = this.#monotonicMs() - HOUR_MS
    const recent = (all.get(opener) ?? []).filter((time) => time > since)
    all.set(opener, recent)
    return recent
  }
}
