import { fromString } from 'uint8arrays/from-string'
import { toString as textOf } from 'uint8arrays/to-string'
import type { PeerName } from '../channels/links.ts'
import type { SignedRecord } from './directory.ts'
import type { NodeRecordFacts, VerifyNodeRecord } from './node-records.ts'

/** Namespace of the records that this build knows. */
export const NODE_NAMESPACE = 'hf-node'
const MAX_RECORD_BYTES = 64 * 1024 // before anything else looks at it (07 §3.2)
const MAX_UNKNOWN = 256 // records of guests that are no members
const MAX_UNKNOWN_BYTES = 1024
const MAX_STORED = 8 // by one peer that nobody knows (03 §3.1)
const MAX_MARKS = 4096 // highest orders of non-members that are remembered
const AHEAD_MS = 600_000 // a later order would block newer records for as long

export interface Verified {
  readonly record: SignedRecord
  readonly facts: NodeRecordFacts
}

/** A record was refused; `reason` is one of a few words, for a metric. */
export class RecordRefused extends Error {
  override readonly name = 'RecordRefused'
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/** Durable highest orders of members; writing may fail without harm but a rollback after a restart. */
export interface HighMarks {
  load(): Promise<ReadonlyMap<string, number>>
  save(key: string, seq: number): Promise<void>
}

/** Checks records of some namespaces, and remembers the best of each key. */
export interface RecordKeeper {
  /** Throws `RecordRefused`. */
  accept(record: SignedRecord): Promise<unknown>
  /** The newest that lives. */
  best(key: string): { readonly record: SignedRecord } | undefined
}

/** Who asks this host to store something now: `peer` is undefined while this host itself looks for records. */
export interface Storing {
  peer(): PeerName | undefined
  /** Whether a peer speaks for a member or a joiner. */
  isKnown(peer: PeerName): boolean
}

export interface RecordEvents {
  /** A newer record of a member. */
  member(verified: Verified): void
  refused(key: string, reason: string): void
}

/**
 * The memory of the DHT's validator (07 §3.2–3.4). kad-dht does not ask the selector when a record is
 * put (libp2p/js-libp2p issue 3377): an older valid record would overwrite a newer one and be answered
 * from then on. So the validator refuses less than the highest order it ever accepted for the key.
 */
export class RecordMemory implements RecordKeeper {
  readonly #verify: VerifyNodeRecord
  readonly #now: () => number
  readonly #marks: HighMarks
  readonly #events: RecordEvents
  readonly #storing: Storing
  readonly #members = new Map<string, Verified>()
  readonly #unknown = new Map<string, Verified & { readonly by: PeerName | undefined }>()
  readonly #memberMarks = new Map<string, number>()
  readonly #otherMarks = new Map<string, number>()

  constructor(
    verify: VerifyNodeRecord,
    now: () => number,
    marks: HighMarks,
    events: RecordEvents,
    storing: Storing = { peer: () => undefined, isKnown: () => false },
  ) {
    this.#storing = storing
    this.#verify = verify
    this.#now = now
    this.#marks = marks
    this.#events = events
  }

  get size(): number {
    return this.#members.size + this.#unknown.size
  }

  async load(): Promise<void> {
    for (const [key, seq] of await this.#marks.load()) this.#memberMarks.set(key, seq)
  }

  /** The highest order accepted for a key, or 0. */
  highest(key: string): number {
    return this.#memberMarks.get(key) ?? this.#otherMarks.get(key) ?? 0
  }

  /** The newest record that lives. */
  best(key: string): Verified | undefined {
    const found = this.#members.get(key) ?? this.#unknown.get(key)
    return found !== undefined && found.facts.expiresAt > this.#now() ? found : undefined
  }

  /** Looks again at who takes part: a record that was kept as a stranger's may be a member's now, and the reverse. */
  async reconsider(): Promise<void> {
    const now = this.#now()
    for (const kept of [...this.#members.values(), ...this.#unknown.values()]) {
      const { key, bytes } = kept.record
      const facts = this.#verify(key, bytes, now)
      if ('reason' in facts || facts.member === kept.facts.member) continue
      this.#members.delete(key)
      this.#unknown.delete(key)
      // Whoever left has one place among the strangers, if it publishes again; its highest order stays.
      if (facts.member) await this.#keepMember({ record: kept.record, facts })
    }
  }

  /** Checks and remembers; the memory is written after every check has passed. Throws `RecordRefused`. */
  async accept(record: SignedRecord): Promise<NodeRecordFacts> {
    try {
      return await this.#accept(record)
    } catch (error) {
      if (error instanceof RecordRefused) this.#events.refused(record.key, error.reason)
      throw error
    }
  }

  async #accept(record: SignedRecord): Promise<NodeRecordFacts> {
    const { key, bytes } = record
    if (bytes.length > MAX_RECORD_BYTES) throw new RecordRefused('size')
    const now = this.#now()
    const facts = this.#verify(key, bytes, now)
    if ('reason' in facts) throw new RecordRefused(facts.reason)
    if (facts.expiresAt <= now) throw new RecordRefused('expired')
    if (facts.seq > now + AHEAD_MS) throw new RecordRefused('future')
    if (facts.seq < this.highest(key)) throw new RecordRefused('stale')
    if (facts.member) await this.#keepMember({ record, facts })
    else this.#keepUnknown({ record, facts }, now)
    return facts
  }

  async #keepMember(verified: Verified): Promise<void> {
    const { key } = verified.record
    const isNewer = verified.facts.seq > this.highest(key) || !this.#members.has(key)
    this.#memberMarks.set(key, verified.facts.seq)
    this.#members.set(key, verified)
    if (!isNewer) return
    this.#events.member(verified)
    await this.#marks.save(key, verified.facts.seq)
  }

  #keepUnknown(verified: Verified, now: number): void {
    const { key, bytes } = verified.record
    if (bytes.length > MAX_UNKNOWN_BYTES) throw new RecordRefused('size')
    for (const [other, { facts }] of this.#unknown)
      if (facts.expiresAt <= now) this.#unknown.delete(other)
    if (!this.#unknown.has(key) && this.#unknown.size >= MAX_UNKNOWN)
      throw new RecordRefused('full')
    const by = this.#storing.peer()
    if (by !== undefined && !this.#storing.isKnown(by)) {
      const others = [...this.#unknown.values()].filter(
        (kept) => kept.by === by && kept.record.key !== key,
      )
      if (others.length >= MAX_STORED) throw new RecordRefused('peer-full')
    }
    this.#unknown.set(key, { ...verified, by })
    this.#otherMarks.delete(key)
    this.#otherMarks.set(key, verified.facts.seq)
    if (this.#otherMarks.size > MAX_MARKS)
      this.#otherMarks.delete(this.#otherMarks.keys().next().value ?? '')
  }

  /** For kad-dht: throws = refused. */
  readonly validate = async (key: Uint8Array, value: Uint8Array): Promise<void> => {
    await this.accept({ key: textOf(key), bytes: new Uint8Array(value) })
  }

  /** For kad-dht: the index of the valid record of the highest order. */
  readonly select = (key: Uint8Array, values: readonly Uint8Array[]): number => {
    const orders = values.map((value) => {
      const facts = this.#verify(textOf(key), value, this.#now())
      return 'reason' in facts ? -1 : facts.seq
    })
    return orders.indexOf(Math.max(...orders))
  }
}

/** The key's bytes in the DHT. */
export const keyBytes = (key: string): Uint8Array => fromString(key)
