import { RequestError } from '../../../protocols/request/errors.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'

const HOUR_MS = 3_600_000
/** Ten a minute: more than a member's registrations (05 §4.4), less than what fills a disk in days. */
const MAX_RUNS_PER_HOUR = 600
/** Runs that left a pending key, which nothing but an epoch change drops. Honest ones are rare. */
const MAX_LOST_PER_HOUR = 20
/** Pending keys of all members: each is a record in memory, and asked about. */
export const MAX_PENDING_KEYS = 1_000

/** Keys of one member that are no account's yet: pending, ready, or named for an account that is open. */
export const MAX_UNASSIGNED_PER_OWNER = 128
/** Of all members: their ready keys are in memory and under the head. */
const MAX_UNASSIGNED = 1_024

/** How many key generations each member may open here, and how many keys it may keep ready. */
export class KeygenLimits {
  readonly #monotonicMs: () => number
  readonly #pending: () => number
  readonly #unassigned: (owner?: PartyIndex) => number
  readonly #runs = new Map<PartyIndex, number[]>()
  readonly #lost = new Map<PartyIndex, number[]>()

  /** `unassigned`: keys of this member, or of all, that are no account's. */
  constructor(
    monotonicMs: () => number,
    pending: () => number,
    unassigned: (owner?: PartyIndex) => number = () => 0,
  ) {
    this.#monotonicMs = monotonicMs
    this.#pending = pending
    this.#unassigned = unassigned
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

  /** As `assertOpen`, for a batch of keys that belong to no account. */
  assertBatch(owner: PartyIndex, count: number): void {
    this.assertOpen(owner)
    const full =
      this.#unassigned(owner) + count > MAX_UNASSIGNED_PER_OWNER ||
      this.#unassigned() + count > MAX_UNASSIGNED
    if (full) throw new RequestError('LIMIT_EXCEEDED', 'too many keys that no account has')
  }

  allowsBatch(owner: PartyIndex, count: number): boolean {
    try {
      this.assertBatch(owner, count)
      return true
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      return false
    }
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
