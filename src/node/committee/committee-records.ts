import { toString as textOf } from 'uint8arrays/to-string'
import type { SignedRecord } from '../discovery/directory.ts'
import { type RecordKeeper, RecordRefused } from '../discovery/record-memory.ts'
import {
  compare,
  compareLists,
  type KnownCommittee,
  type ListOrder,
  type NotTaken,
  orderOf,
  type Published,
} from './known-committee.ts'

/** Namespaces of what a committee publishes (03 §3.1). */
export const NET_NAMESPACE = 'hf-net'
export const COMMITTEE_NAMESPACE = 'hf-committee'
const MAX_RECORD_BYTES = 64 * 1024 // before anything else looks at it (07 §3.2)

export const netKey = (networkId: Uint8Array): string => `/${NET_NAMESPACE}/${hex(networkId)}`
export const committeeKey = (committeeId: Uint8Array): string =>
  `/${COMMITTEE_NAMESPACE}/${hex(committeeId)}`

export interface CommitteeRecordEvents {
  refused(namespace: string, reason: string): void
  /** Somebody has less than this host. */
  stale(): void
  /** Somebody has a newer committee than this host: its certificate is to be found. */
  behind(): void
}

/**
 * The records of the own network and its committee in the DHT: nothing is taken that is less than what was verified
 * before (07 §3.2, §3.3), and records of other networks are not kept here.
 */
export class CommitteeRecords implements RecordKeeper {
  readonly #known: KnownCommittee
  readonly #netKey: string
  readonly #committeeKey: string
  readonly #events: CommitteeRecordEvents

  constructor(
    known: KnownCommittee,
    names: { readonly networkId: Uint8Array; readonly committeeId: Uint8Array },
    events: CommitteeRecordEvents,
  ) {
    this.#known = known
    this.#netKey = netKey(names.networkId)
    this.#committeeKey = committeeKey(names.committeeId)
    this.#events = events
  }

  /** Whether a key is one of these namespaces. */
  owns(key: string): boolean {
    return key.startsWith(`/${NET_NAMESPACE}/`) || key.startsWith(`/${COMMITTEE_NAMESPACE}/`)
  }

  /** What this host would publish: both records while their stamp lives. */
  own(): readonly SignedRecord[] {
    const { newest, list } = this.#known
    if (newest === undefined || list === undefined) return []
    return [
      { key: this.#committeeKey, bytes: newest.bytes },
      { key: this.#netKey, bytes: list },
    ]
  }

  best(key: string): { readonly record: SignedRecord } | undefined {
    const record = this.own().find((own) => own.key === key)
    return record === undefined ? undefined : { record }
  }

  /** Checks and remembers. Throws `RecordRefused`. */
  async accept({ key, bytes }: SignedRecord): Promise<void> {
    const taken =
      bytes.length > MAX_RECORD_BYTES
        ? { reason: 'size' }
        : key === this.#committeeKey
          ? await this.#known.take(bytes)
          : key === this.#netKey
            ? await this.#known.takeList(bytes)
            : { reason: 'key' }
    if ('reason' in taken) {
      this.#events.refused(key.split('/')[1] ?? '', taken.reason)
      if (taken.reason === 'stale') this.#events.stale()
      throw new RecordRefused(taken.reason)
    }
    const e = this.#known.newest?.committee.cert.record.e ?? 0
    if ('issuedAt' in taken && taken.e > e) this.#events.behind()
  }

  /** For kad-dht: throws = refused. */
  readonly validate = async (key: Uint8Array, value: Uint8Array): Promise<void> => {
    await this.accept({ key: textOf(key), bytes: new Uint8Array(value) })
  }

  /** For kad-dht: the index of the valid record of the highest order. */
  readonly select = (key: Uint8Array, values: readonly Uint8Array[]): number => {
    const isNet = textOf(key) === this.#netKey
    let best = 0
    let highest: Published | ListOrder | undefined
    for (const [i, value] of values.entries()) {
      if (value.length > MAX_RECORD_BYTES) continue
      const bytes = new Uint8Array(value)
      const judged: Published | ListOrder | NotTaken = isNet
        ? this.#known.judgeList(bytes)
        : this.#known.judge(bytes)
      if ('reason' in judged || (highest !== undefined && !isAbove(judged, highest))) continue
      highest = judged
      best = i
    }
    return best
  }
}

function isAbove(a: Published | ListOrder, b: Published | ListOrder): boolean {
  if ('issuedAt' in a) return 'issuedAt' in b && compareLists(a, b) > 0
  return !('issuedAt' in b) && compare(orderOf(a), orderOf(b)) > 0
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
