import { DecodeError } from '../../session/codec.ts'
import { b32, ordinal, text, uint } from './items.ts'
import { type Field, MAX_LARGE_OBJECT_BYTES, type ObjectCodec, object } from './object-codec.ts'
import { type ReadyEntry, readyList } from './ready.ts'
import { EpochRecord } from './record.ts'
import { type SignatureList, signatureList } from './signed.ts'

/** READY of all new members for one record: what lets old members vote COMMIT (03 §5). Not yet a decision. */
export interface ReadyCert {
  readonly record: EpochRecord
  /** All n'. */
  readonly ready: readonly ReadyEntry[]
}

export const ReadyCert: ObjectCodec<ReadyCert> = object<ReadyCert>(
  'readyCert',
  { record: EpochRecord, ready: readyList },
  { maxBytes: MAX_LARGE_OBJECT_BYTES },
)

/** Why an epoch is: READY of all new members and COMMIT of a quorum of the old ones (03 §1.2). */
export interface EpochCert {
  readonly record: EpochRecord
  /** All n'. */
  readonly ready: readonly ReadyEntry[]
  /** The round of the decision, from 1. */
  readonly round: number
  /** COMMIT(round, recordHash) of at least q old members. */
  readonly commits: SignatureList
  /** Empty: nothing makes a recovery yet. */
  readonly recovery: readonly never[]
}

const nothing: Field<readonly never[]> = {
  write: (values) => values,
  read: (item, name) => {
    if (Array.isArray(item) && item.length === 0) return []
    throw new DecodeError(`${name} is not empty`)
  },
}

export const EpochCert: ObjectCodec<EpochCert> = object<EpochCert>(
  'epochCert',
  {
    record: EpochRecord,
    ready: readyList,
    round: ordinal,
    commits: signatureList,
    recovery: nothing,
  },
  { maxBytes: MAX_LARGE_OBJECT_BYTES },
)

/** Attempt k made no epoch: COMMIT(round, 0) of a quorum of the old members (03 §1.2). */
export interface AbortCert {
  readonly committeeId: Uint8Array
  /** The epoch that was attempted. */
  readonly e: number
  readonly k: number
  /** For people; no vote covers it. At most 128 printable characters. */
  readonly reason: string
  readonly round: number
  readonly commits: SignatureList
}

const MAX_REASON_CHARS = 128

export const AbortCert: ObjectCodec<AbortCert> = object<AbortCert>('abortCert', {
  committeeId: b32,
  e: uint,
  k: ordinal,
  reason: text(MAX_REASON_CHARS),
  round: ordinal,
  commits: signatureList,
})
