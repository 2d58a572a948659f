import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import type { Pair } from './items.ts'
import {
  b32,
  b33,
  increasing,
  index,
  list,
  MAX_MEMBERS,
  measurements,
  ordinal,
  pairs,
  uint,
  uintUpTo,
} from './items.ts'
import { type EpochKind, epochKind } from './kinds.ts'
import { Member } from './member.ts'
import { MAX_LARGE_OBJECT_BYTES, type ObjectCodec, object } from './object-codec.ts'
import { Params } from './params.ts'
import { Start } from './start.ts'

/** What an epoch is: object `record` of 03 §1.2. Its hash is what READY, COMMIT and rootKey sign. */
export interface EpochRecord {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  /** Counts epochs from 0. */
  readonly e: number
  /** The attempt that made it, from 1. */
  readonly k: number
  readonly kind: EpochKind
  /** recordHash of e-1; networkId for e = 0. */
  readonly prevHash: Uint8Array
  /** networkId for e = 0. */
  readonly proposalHash: Uint8Array
  /** In every session id of this epoch: see `epochIdOf`. */
  readonly epochId: Uint8Array
  readonly t: number
  /** Strictly increasing by index. */
  readonly members: readonly Member[]
  /** The index that the next newcomer gets: above every index ever given. */
  readonly nextIndex: number
  /** Compressed secp256k1 key of the committee, the same in every epoch, 33 bytes. */
  readonly rootKey: Uint8Array
  readonly keyCount: number
  /** See `keySetRoot`. */
  readonly keySetRoot: Uint8Array
  /** Hash of the transcripts of all chunks: see `transcriptHashOf`. */
  readonly transcriptHash: Uint8Array
  /** Bundle hashes that members may run. */
  readonly allow: readonly Uint8Array[]
  readonly unban: readonly Pair[]
  readonly params: Params
  readonly protocol: number
  /** Unix milliseconds, from START. */
  readonly createdAt: number
}

export const EpochRecord: ObjectCodec<EpochRecord> = object<EpochRecord>(
  'record',
  {
    networkId: b32,
    committeeId: b32,
    e: uint,
    k: ordinal,
    kind: epochKind,
    prevHash: b32,
    proposalHash: b32,
    epochId: b32,
    t: uintUpTo(MAX_MEMBERS),
    members: increasing(list(Member, MAX_MEMBERS), (member) => member.index),
    nextIndex: index,
    rootKey: b33,
    keyCount: uint,
    keySetRoot: b32,
    transcriptHash: b32,
    allow: measurements,
    unban: pairs,
    params: Params,
    protocol: uintUpTo(0xffff),
    createdAt: uint,
  },
  { maxBytes: MAX_LARGE_OBJECT_BYTES },
)

/** H(record; record), 32 bytes. */
export const recordHash = (record: EpochRecord): Uint8Array => EpochRecord.hash(record)

/** H(epoch id; [committeeId, e, k, H(start; start)]), 32 bytes: known from START on (03 §1.2). */
export const epochIdOf = (start: Start): Uint8Array =>
  objectHash(
    objectTags.epochId,
    encodeCanonical([start.committeeId, start.e, start.k, Start.hash(start)]),
  )

/** H(transcripts; [T of each chunk, in order]), 32 bytes (03 §1.2). */
export const transcriptHashOf = (transcripts: readonly Uint8Array[]): Uint8Array =>
  objectHash(objectTags.transcripts, encodeCanonical(transcripts))
