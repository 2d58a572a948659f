import { bytesField, objectFields, uintField } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError, Reader } from '../../../protocols/session/codec.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { type Signatures, signaturesField } from '../keys/held-keys.ts'
import { type SubAttempt, subAttemptField } from './chunk-letters.ts'

const MAX_BYTES = 4 * 1024
const MAX_KEYS = 256

/** What a member promised or has of a chunk; each stage is durable before what rests on it leaves (02 §8). */
export type ChunkRecord = SubAttempt &
  (
    | { readonly stage: 'marked' }
    | ({ readonly stage: 'pending' | 'proved' } & Made)
    | ({ readonly stage: 'done'; readonly signatures: Signatures } & Made)
  )

export interface Made {
  /** T, 32 bytes. */
  readonly transcript: Uint8Array
  /** 32 bytes. */
  readonly pub: Uint8Array
  /** Keys of which this member has shares: none when it only dealt. */
  readonly count: number
}

const STAGES = ['marked', 'pending', 'proved', 'done'] as const
const NOTHING = new Uint8Array()

/** `chunk/<e>/<k>/<c>`: critical, how far it is; bulk, its keys. */
export const chunkName = ({ e, k }: EpochName, chunk: number): string => `chunk/${e}/${k}/${chunk}`
/** Bulk: the proofs of K3. */
export const proofsName = ({ e, k }: EpochName, chunk: number): string =>
  `proofs/${e}/${k}/${chunk}`
export const chunkPrefix = ({ e, k }: EpochName): string => `chunk/${e}/${k}/`

export function encodeChunkRecord(record: ChunkRecord): Uint8Array {
  const { a, failed, lost, stage } = record
  const made = stage === 'marked' ? undefined : record
  return encodeCanonical([
    'chunk',
    1,
    a,
    failed,
    lost,
    STAGES.indexOf(stage),
    made?.transcript ?? NOTHING,
    made?.pub ?? NOTHING,
    made?.count ?? 0,
    stage === 'done' ? record.signatures : [],
  ])
}

/** Throws `DecodeError`. */
export function decodeChunkRecord(bytes: Uint8Array): ChunkRecord {
  const fields = objectFields(decodeCanonical(bytes, MAX_BYTES), 'chunk', 8)
  const [a, failed, lost, at, transcript, pub, count, signatures] = fields
  const stage = STAGES[uintField(at, 'stage', STAGES.length - 1)]
  const with_ = subAttemptField(a, failed, lost)
  if (stage === undefined || stage === 'marked') return { ...with_, stage: 'marked' }
  const made = {
    transcript: bytesField(transcript, 'transcript', 32),
    pub: bytesField(pub, 'pub', 32),
    count: uintField(count, 'count', MAX_KEYS),
  }
  return stage === 'done'
    ? { ...with_, stage, ...made, signatures: signaturesField(signatures) }
    : { ...with_, stage, ...made }
}

/** The bulk record: ids of the keys in order of b, 32 bytes each. Throws `DecodeError`. */
export function decodeKeyIds(bytes: Uint8Array, count: number): readonly Uint8Array[] {
  if (bytes.length !== 32 * count) throw new DecodeError('keys of a chunk')
  const reader = new Reader(bytes)
  return reader.end(reader.list(count, 32))
}
