import { isStampedBy } from '../../../protocols/agreement/chain/root-key.ts'
import { stampFor, stampLifeMs, stampProblem } from '../../../protocols/agreement/chain/stamp.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { type EpochRecord, recordHash } from '../../../protocols/agreement/objects/record.ts'
import { Stamp } from '../../../protocols/agreement/objects/root-signatures.ts'
import { objectTags } from '../../../protocols/crypto/tags.ts'
import { objectHash } from '../../../protocols/crypto/transcript.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { decoded } from '../keys/held-keys.ts'
import type { Records } from '../records.ts'
import type { Clock } from '../sessions/clock.ts'
import { leaderOrder } from '../sessions/live-attempts.ts'
import type { RootView } from './domains.ts'
import { leadWithAny } from './lead-with-any.ts'
import { NotSigned } from './not-signed.ts'
import type { RootRoom } from './root-room.ts'
import type { RootSigner } from './root-signer.ts'

/** The sealed record of the last stamp. */
export const STAMP_RECORD = 'stamp'
/** Who is next in order leads so long after the one before it: a signature in full, and two more tries. */
const TURN_MS = 10_000
const TRIES = 3
/** It is looked again so often, whatever changed meanwhile: a record, the room, the clock. */
const MAX_WAIT_MS = 60_000
/** The same before an epoch serves here. */
const NOT_SERVING_MS = 2_000

export interface StampsInit {
  readonly signer: RootSigner
  readonly view: Omit<RootView, 'lastStampMs'>
  /** The room of the newest epoch; undefined while this guest serves none. */
  readonly room: () => RootRoom | undefined
  /** Members that are *ready* as far as this guest sees, those first that it would ask first (03 §9.4). */
  readonly ready: () => readonly PartyIndex[]
  readonly records: Pick<Records, 'critical' | 'write'>
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>
  /** A newer stamp is durable here: it goes to strangers. */
  readonly kept: (stamp: Stamp) => void
  /** A stamp was made here: the other members get it. */
  readonly made: (stamp: Stamp, room: RootRoom) => void
  /** A defect, or a disk that does not take records. */
  readonly onError: (error: unknown) => void
}

/** What a new stamp is due for, and since when. */
interface Due {
  readonly name: string
  readonly sinceMs: number
}

/**
 * Stamps of the newest record (03 §3.3): one each stampS, and at once when there is none for it. One ready member leads,
 * in an order that the last stamp turns; the next one follows when nothing came of it.
 */
export class Stamps {
  readonly #init: StampsInit
  readonly #over = new AbortController()
  #last: Stamp | null
  #due: Due | undefined
  #disarm: () => void = () => undefined
  #isLeading = false

  constructor(init: StampsInit) {
    this.#init = init
    const record = init.records.critical(STAMP_RECORD)
    this.#last = record === undefined ? null : decoded(STAMP_RECORD, () => Stamp.decode(record))
  }

  /** `issuedAt` of the last stamp of any epoch, unix ms; 0 without one. */
  get lastMs(): number {
    return this.#last?.issuedAt ?? 0
  }

  /** The last stamp of this record, living or not; null if there is none. */
  of(record: EpochRecord): Stamp | null {
    return this.#last !== null && sameBytes(this.#last.recordHash, recordHash(record))
      ? this.#last
      : null
  }

  /** To be called at start, after an activation, and when members became ready: leads, or waits for its turn. */
  consider(): void {
    this.#disarm()
    if (this.#over.signal.aborted) return
    const waitMs = this.#waitMs()
    if (waitMs > 0)
      this.#disarm = this.#init.clock.after(Math.min(waitMs, MAX_WAIT_MS), () => this.consider())
    else if (!this.#isLeading) this.#lead().catch(this.#init.onError)
  }

  /** A stamp from elsewhere; whether it was newer than the own one, and good. Durable when it resolves. */
  async take(stamp: Stamp): Promise<boolean> {
    const { view, records, kept } = this.#init
    const newest = view.newest()
    if (newest === undefined || !isNewer(stamp, this.#last)) return false
    if (stampProblem(stamp, newest, view.unixMs()) !== undefined) return false
    if (!isStampedBy(newest.rootKey, stamp)) return false
    this.#last = stamp
    await records.write({ critical: new Map([[STAMP_RECORD, Stamp.encode(stamp)]]) })
    kept(stamp)
    this.consider()
    return true
  }

  close(): void {
    this.#over.abort()
    this.#disarm()
  }

  /** Until this guest leads, ms; 0 for now. */
  #waitMs(): number {
    const { view, clock, room } = this.#init
    const newest = view.newest()
    const here = room()?.committee
    if (newest === undefined || here === undefined) return NOT_SERVING_MS
    const last = this.of(newest)
    const untilDue = last === null ? 0 : last.issuedAt + stampLifeMs(newest) / 2 - view.unixMs()
    if (untilDue > 0) return untilDue
    const hash = recordHash(newest)
    const turn = objectHash(objectTags.lead, encodeCanonical([hash, last?.issuedAt ?? 0]))
    const name = Buffer.from(turn).toString('hex')
    const now = clock.monotonicMs()
    if (this.#due?.name !== name) this.#due = { name, sinceMs: now }
    const place = leaderOrder(turn, here.guests).indexOf(here.me.index)
    const first = this.#due.sinceMs + place * TURN_MS
    if (now < first) return first - now
    const round = here.guests.length * TURN_MS
    const late = (now - first) % round
    return late < TURN_MS ? 0 : round - late
  }

  async #lead(): Promise<void> {
    const { signer, view, room: roomOf, ready, made } = this.#init
    const [newest, room] = [view.newest(), roomOf()]
    if (newest === undefined || room === undefined) return
    this.#isLeading = true
    try {
      const fields = stampFor(newest, view.unixMs())
      const how = { tries: TRIES, signal: this.#over.signal }
      const statement = { domain: 'stamp', fields } as const
      const signature = await leadWithAny(signer, room, statement, ready(), how)
      const stamp = { ...fields, signature }
      if (await this.take(stamp)) made(stamp, room)
    } catch (error) {
      if (!(error instanceof NotSigned)) throw error // the next member has its turn
    } finally {
      this.#isLeading = false
    }
    this.#later()
  }

  /** This turn is spent, whatever came of it. */
  #later(): void {
    this.#disarm()
    if (this.#over.signal.aborted) return
    this.#disarm = this.#init.clock.after(TURN_MS, () => this.consider())
  }
}

/** Never one of an older record, nor an older one of the same. */
function isNewer(stamp: Stamp, last: Stamp | null): boolean {
  if (last === null || stamp.e > last.e) return true
  return (
    stamp.e === last.e &&
    sameBytes(stamp.recordHash, last.recordHash) &&
    stamp.issuedAt > last.issuedAt
  )
}
