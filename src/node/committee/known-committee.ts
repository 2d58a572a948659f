import { PublishedCommittee } from '../../../protocols/agreement/chain/published-committee.ts'
import {
  type ListedCommittee,
  PublishedNetwork,
} from '../../../protocols/agreement/chain/published-network.ts'
import { isStampedBy } from '../../../protocols/agreement/chain/root-key.ts'
import { STAMP_READER_SKEW_MS, stampProblem } from '../../../protocols/agreement/chain/stamp.ts'
import { verifyByRootKey } from '../../../protocols/agreement/chain/verify-committee.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { recordHash } from '../../../protocols/agreement/objects/record.ts'
import { baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import {
  brokenEpochCert,
  brokenReadyList,
} from '../../../protocols/agreement/rules/certificate-rules.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

/** A published committee that was verified, and the bytes that it came in. */
export interface Published {
  readonly bytes: Uint8Array
  readonly committee: PublishedCommittee
  readonly hash: Uint8Array
}

/** The highest list of committees that was verified: epoch, and when its stamp was made. */
export interface ListOrder {
  readonly e: number
  readonly issuedAt: number
}

/** What survives a restart (03 §3.1). */
export interface Kept {
  readonly published: Uint8Array | null
  readonly listed: ListOrder | null
}

/** Why something published is not taken, in one word. */
export interface NotTaken {
  readonly reason: string
}

export interface KnownCommitteeInit {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  /** Unix ms. */
  readonly now: () => number
  /** Resolves when it is durable. */
  save(kept: Kept): Promise<void>
  /** A newer one is known. */
  onNewer(published: Published): void
}

/**
 * The newest committee that this host ever verified; less is never taken again, not after a restart either (03 §3.1). The
 * own guest's word is enough, for whoever has no guest's word nothing is. It proves no freshness beyond the stamp.
 */
export class KnownCommittee {
  readonly #init: KnownCommitteeInit
  #newest: Published | undefined
  #listed: ListOrder | null = null

  constructor(init: KnownCommitteeInit) {
    this.#init = init
  }

  get newest(): Published | undefined {
    return this.#newest
  }

  /** Newest list of committees that may be published: of the newest committee, while its stamp lives. */
  get list(): Uint8Array | undefined {
    if (this.#newest === undefined || !this.isAlive) return undefined
    const { cert, stamp } = this.#newest.committee
    const { committeeId, rootKey, e } = cert.record
    const listed = { committeeId, rootKey, e, recordHash: this.#newest.hash, stamp }
    return PublishedNetwork.encode([listed])
  }

  /** Whether the stamp of the newest committee lives. */
  get isAlive(): boolean {
    const newest = this.#newest
    return newest !== undefined && newest.committee.stamp.validUntil > this.#init.now()
  }

  /** What was kept before the process started; throws `DecodeError` for something else. */
  restore({ published, listed }: Kept): void {
    this.#newest = published === null ? undefined : this.#read(published)
    this.#listed = listed
  }

  /** From the own guest. */
  async adopt(bytes: Uint8Array): Promise<'newer' | 'older' | 'fork'> {
    const published = this.#read(bytes)
    const known = this.#newest
    if (known !== undefined) {
      const isSame = sameBytes(known.hash, published.hash)
      const { e } = published.committee.cert.record
      if (!isSame && e === known.committee.cert.record.e) return 'fork'
      if (compare(orderOf(published), orderOf(known)) <= 0) return 'older'
    }
    await this.#keep(published)
    return 'newer'
  }

  /** From anybody: why it is not taken, or what it is. It changes nothing. */
  judge(bytes: Uint8Array): Published | NotTaken {
    const known = this.#newest
    if (known === undefined) return { reason: 'unknown' }
    let published: Published
    try {
      published = this.#read(bytes)
    } catch (error) {
      if (error instanceof DecodeError) return { reason: 'invalid' }
      throw error
    }
    const { cert, rootSig, stamp } = published.committee
    const { networkId, committeeId, now } = this.#init
    const { record } = known.committee.cert
    const newest = { e: record.e, recordHash: known.hash }
    const verdict = verifyByRootKey(
      { networkId, committeeId, rootKey: record.rootKey, newest },
      { record: cert.record, rootSig, stamp },
      now(),
    )
    if (!verdict.verified) return { reason: verdict.why === 'older' ? 'stale' : verdict.why }
    if (compare(orderOf(published), orderOf(known)) < 0) return { reason: 'stale' }
    if (sameBytes(published.hash, known.hash)) return published
    const broken =
      cert.record.e === record.e + 1
        ? brokenEpochCert(baseOfRecord(record), cert)
        : brokenReadyList(cert.record, cert.ready) // what is between is not known here
    return broken === undefined ? published : { reason: 'certificate' }
  }

  /** As `judge`; what is taken is remembered. */
  async take(bytes: Uint8Array): Promise<Published | NotTaken> {
    const judged = this.judge(bytes)
    if ('reason' in judged) return judged
    const known = this.#newest
    if (known === undefined || compare(orderOf(judged), orderOf(known)) > 0)
      await this.#keep(judged)
    return judged
  }

  /** Of a list of committees, from anybody: its order, or why it is not taken. It changes nothing. */
  judgeList(bytes: Uint8Array): ListOrder | NotTaken {
    const known = this.#newest
    if (known === undefined) return { reason: 'unknown' }
    let listed: ListedCommittee | undefined
    try {
      const all = PublishedNetwork.decode(bytes)
      listed = all.length === 1 ? all[0] : undefined // a network of this version has one
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
    if (listed === undefined) return { reason: 'invalid' }
    const why = this.#listProblem(listed, known)
    if (why !== undefined) return { reason: why }
    const order = { e: listed.e, issuedAt: listed.stamp.issuedAt }
    return this.#listed !== null && compareLists(order, this.#listed) < 0
      ? { reason: 'stale' }
      : order
  }

  /** As `judgeList`; what is taken is remembered. */
  async takeList(bytes: Uint8Array): Promise<ListOrder | NotTaken> {
    const judged = this.judgeList(bytes)
    if ('reason' in judged) return judged
    if (this.#listed === null || compareLists(judged, this.#listed) > 0) {
      this.#listed = judged
      await this.#init.save({ published: this.#newest?.bytes ?? null, listed: judged })
    }
    return judged
  }

  #listProblem(listed: ListedCommittee, known: Published): string | undefined {
    const { committeeId, now } = this.#init
    const { record } = known.committee.cert
    const { e, stamp } = listed
    if (
      !sameBytes(listed.committeeId, committeeId) ||
      !sameBytes(listed.rootKey, record.rootKey) ||
      !sameBytes(stamp.committeeId, committeeId)
    )
      return 'other-committee'
    if (stamp.e !== e || !sameBytes(stamp.recordHash, listed.recordHash))
      return 'stamp-other-record'
    if (e < record.e) return 'stale'
    if (e === record.e && !sameBytes(listed.recordHash, known.hash)) return 'fork'
    if (e === record.e) {
      const problem = stampProblem(stamp, record, now())
      if (problem !== undefined) return `stamp-${problem}`
    }
    if (stamp.issuedAt > now() + STAMP_READER_SKEW_MS) return 'stamp-future'
    if (stamp.validUntil <= now()) return 'stamp-expired'
    return isStampedBy(record.rootKey, stamp) ? undefined : 'not-stamped'
  }

  #read(bytes: Uint8Array): Published {
    const committee = PublishedCommittee.decode(bytes)
    const { record } = committee.cert
    const { networkId, committeeId } = this.#init
    if (!sameBytes(record.networkId, networkId) || !sameBytes(record.committeeId, committeeId))
      throw new DecodeError('a committee of another network')
    return { bytes, committee, hash: recordHash(record) }
  }

  /** It counts at once, so that nothing less can come between; the promise says when it is durable. */
  async #keep(published: Published): Promise<void> {
    this.#newest = published
    this.#init.onNewer(published)
    await this.#init.save({ published: published.bytes, listed: this.#listed })
  }
}

/** (e, k, issuedAt) (07 §3.2). */
export type Order = readonly [e: number, k: number, issuedAt: number]

export const orderOf = ({ committee: { cert, stamp } }: Published): Order => [
  cert.record.e,
  cert.record.k,
  stamp.issuedAt,
]

/** Below 0: `a` is older. */
export function compare(a: Order, b: Order): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export const compareLists = (a: ListOrder, b: ListOrder): number =>
  a.e - b.e || a.issuedAt - b.issuedAt
