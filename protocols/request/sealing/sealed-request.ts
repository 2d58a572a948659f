import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { hpkeOpen, hpkeSeal, KEM_KEY_BYTES, TAG_BYTES } from '../../crypto/hpke.ts'
import type { Random } from '../../crypto/random.ts'
import { DecodeError, Reader } from '../../session/codec.ts'
import { sameBytes } from '../credentials/passkey.ts'
import { RequestError } from '../errors.ts'
import { ENTRY_KEY_ID_BYTES, type EntryKey, isInForce } from './entry-key.ts'
import { PADDED_SIZES, pad, unpad } from './padding.ts'
import { RESPONSE_CONTEXT, RESPONSE_SECRET_BYTES } from './sealed-response.ts'

/** A request to one entry guest, of which nobody else can read a byte (05 §3.1). */
export interface RequestFrame {
  readonly entryKeyId: Uint8Array
  readonly encapsulated: Uint8Array
  readonly ciphertext: Uint8Array
}

const FRAME_VERSION = 1
const INFO = utf8ToBytes('holdfast/rpc/1')
const HEAD_BYTES: number = 1 + ENTRY_KEY_ID_BYTES + KEM_KEY_BYTES
const FRAME_SIZES: ReadonlySet<number> = new Set(
  PADDED_SIZES.map((size) => HEAD_BYTES + size + TAG_BYTES),
)
/** The largest frame: what a stream or a body may carry. */
export const MAX_FRAME_BYTES: number = Math.max(...FRAME_SIZES)

const aadOf = (networkId: Uint8Array, entryKeyId: Uint8Array): Uint8Array =>
  concatBytes(networkId, entryKeyId)

/**
 * Seals an encoded request to an entry key, under a fresh key each time. The secret opens the answer, and
 * this frame's answer alone.
 */
export function sealRequest(
  random: Random,
  entry: Pick<EntryKey, 'network' | 'entryKeyId' | 'pub'>,
  request: Uint8Array,
): { frame: Uint8Array; responseSecret: Uint8Array } {
  const { network, entryKeyId, pub } = entry
  const aad = aadOf(network, entryKeyId)
  const sealed = hpkeSeal(random, pub, INFO, aad, pad(request))
  if (sealed === undefined) throw new DecodeError('not a public key of X25519')
  const { encapsulated, ciphertext, exporter } = sealed
  return {
    frame: concatBytes(Uint8Array.of(FRAME_VERSION), entryKeyId, encapsulated, ciphertext),
    responseSecret: exporter(RESPONSE_CONTEXT, RESPONSE_SECRET_BYTES),
  }
}

/** The parts of a frame (row 1 of 05 §3.3). Throws BAD_REQUEST for another version or any other size. */
export function readFrame(bytes: Uint8Array): RequestFrame {
  if (!FRAME_SIZES.has(bytes.length))
    throw new RequestError('BAD_REQUEST', 'not the size of a frame')
  const reader = new Reader(bytes)
  if (reader.u8() !== FRAME_VERSION) throw new RequestError('BAD_REQUEST', 'another frame version')
  return {
    entryKeyId: reader.take(ENTRY_KEY_ID_BYTES),
    encapsulated: reader.take(KEM_KEY_BYTES),
    ciphertext: reader.take(bytes.length - HEAD_BYTES),
  }
}

/** An entry key of this guest with its secret half. */
export type OwnEntryKey = Pick<EntryKey, 'network' | 'entryKeyId' | 'notBefore' | 'notAfter'> & {
  readonly secretKey: Uint8Array
}

/** The own key that a frame names, while it is in force (row 1 of 05 §3.3). Throws ENTRY_KEY_EXPIRED. */
export function keyOfFrame(
  { entryKeyId }: RequestFrame,
  keys: readonly OwnEntryKey[],
  nowMs: number,
): OwnEntryKey {
  const key = keys.find((one) => sameBytes(one.entryKeyId, entryKeyId))
  if (key === undefined || !isInForce(key, nowMs)) throw new RequestError('ENTRY_KEY_EXPIRED')
  return key
}

/**
 * The encoded request of a frame and the secret of its answer (row 3 of 05 §3.3). Throws DECRYPT_FAILED for
 * what was not sealed to this key of this network, BAD_REQUEST for padding of another form.
 */
export function openRequest(
  frame: RequestFrame,
  key: OwnEntryKey,
): { request: Uint8Array; responseSecret: Uint8Array } {
  const opened = hpkeOpen(key.secretKey, INFO, aadOf(key.network, key.entryKeyId), frame)
  if (opened === undefined) throw new RequestError('DECRYPT_FAILED')
  const responseSecret = opened.exporter(RESPONSE_CONTEXT, RESPONSE_SECRET_BYTES)
  try {
    return { request: unpad(opened.plaintext), responseSecret }
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new RequestError('BAD_REQUEST', cause.message, { cause })
  }
}
