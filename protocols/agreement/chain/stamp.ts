import { sameBytes } from '../compare-bytes.ts'
import { type EpochRecord, recordHash } from '../objects/record.ts'
import type { Stamp } from '../objects/root-signatures.ts'

/** How far from a guest's clock a stamp may be that it helps to sign (03 §3.3). */
export const STAMP_SIGNER_SKEW_MS: number = 60_000
/** By how much a reader's clock may be behind: that of the signers, and 30 s of its own (05 §1.1 maxSkew). */
export const STAMP_READER_SKEW_MS: number = STAMP_SIGNER_SKEW_MS + 30_000

/** A stamp without its signature. */
export type StampFields = Omit<Stamp, 'signature'>

/** How long stamps of this epoch live: 2 × stampS, in ms (03 §3.3). */
export const stampLifeMs = ({ params }: EpochRecord): number => 2 * params.stampS * 1000

/** The stamp of a record that is made at `issuedAt`, unix ms. */
export const stampFor = (record: EpochRecord, issuedAt: number): StampFields => ({
  committeeId: record.committeeId,
  e: record.e,
  recordHash: recordHash(record),
  issuedAt,
  validUntil: issuedAt + stampLifeMs(record),
})

/** Why a stamp says nothing about a record at `now`, unix ms (03 §3.3); undefined if it does. */
export type StampProblem = 'other-record' | 'life' | 'future' | 'expired'

export function stampProblem(
  stamp: StampFields,
  record: EpochRecord,
  now: number,
): StampProblem | undefined {
  const due = stampFor(record, stamp.issuedAt)
  if (
    !sameBytes(stamp.committeeId, due.committeeId) ||
    stamp.e !== due.e ||
    !sameBytes(stamp.recordHash, due.recordHash)
  )
    return 'other-record'
  if (stamp.validUntil > due.validUntil || stamp.validUntil <= stamp.issuedAt) return 'life'
  if (stamp.issuedAt > now + STAMP_READER_SKEW_MS) return 'future'
  return stamp.validUntil > now ? undefined : 'expired'
}

/** Whether a guest may help to sign this stamp: exactly that of its newest record, made about now (03 §3.3). */
export const maySignStamp = (stamp: StampFields, newest: EpochRecord, now: number): boolean =>
  stampProblem(stamp, newest, now) === undefined &&
  stamp.validUntil === stamp.issuedAt + stampLifeMs(newest) &&
  Math.abs(stamp.issuedAt - now) <= STAMP_SIGNER_SKEW_MS
