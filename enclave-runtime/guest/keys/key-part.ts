import { concatBytes } from '@noble/hashes/utils.js'
import type { KeyRecord } from '../../../protocols/keygen/generate-keys.ts'
import { Reader, u8 } from '../../../protocols/session/codec.ts'

const MAX_GUESTS = 16

/** Where the part of a ready key lies as it was made, once its epoch is over: that beside its share is another in every epoch. */
export const madeName = (keyId: Uint8Array): string => `made/${Buffer.from(keyId).toString('hex')}`
const BATCH_ID_BYTES = 16

/** The first half of T. */
export const batchIdOf = (transcript: Uint8Array): Uint8Array => transcript.slice(0, BATCH_ID_BYTES)

/**
 * What lies beside the share of a key: `curve | t | batch id 16 | chain code 32 | F 33t`. With the name, which
 * is the key's id, it is all that is public of a key; the rest of its certificate is its batch's.
 */
export const keyPart = (
  { curve, t, chainCode, commitment }: Pick<KeyRecord, 'curve' | 't' | 'chainCode' | 'commitment'>,
  transcript: Uint8Array,
): Uint8Array => concatBytes(u8(curve), u8(t), batchIdOf(transcript), chainCode, commitment)

/** Throws `DecodeError`. */
export function decodeKeyPart(part: Uint8Array): Pick<
  KeyRecord,
  'curve' | 't' | 'publicKey' | 'chainCode' | 'commitment'
> & {
  readonly batchId: Uint8Array
} {
  const reader = new Reader(part)
  const curve = reader.u8()
  const t = reader.u8(MAX_GUESTS)
  const batchId = reader.take(BATCH_ID_BYTES)
  const chainCode = reader.take(32)
  const commitment = reader.take(33 * t)
  return reader.end({
    curve,
    t,
    batchId,
    publicKey: commitment.slice(0, 33),
    chainCode,
    commitment,
  })
}
