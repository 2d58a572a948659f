import { decodeCanonical, encodeCanonical } from '../session/canonical-cbor.ts'
import { DecodeError } from '../session/codec.ts'
import { bytesField, listField, objectFields, textField, uintField } from './fields.ts'
import { signedMessage, verifySigned } from './signed-object.ts'

/** Where a guest is reached, signed by it: object `node` of 03 §1.2. */
export interface NodeRecord {
  readonly guestSig: Uint8Array
  readonly peerId: string
  readonly multiaddrs: readonly string[]
  /** Address of its gateway, or null. */
  readonly gateway: string | null
  /** Greater in each newer record of the same guest. */
  readonly seq: number
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** A record with the bytes it was signed in. */
export interface SignedNodeRecord {
  readonly record: NodeRecord
  readonly objectBytes: Uint8Array
  readonly signature: Uint8Array
}

/** Objects without a larger cap of their own (03 §1.1). */
export const MAX_NODE_RECORD_BYTES: number = 16 * 1024
/** Longest life of a record (03 §3.1). */
export const NODE_RECORD_TTL_MS: number = 2 * 60 * 60 * 1000
/** By how much the clock of an honest publisher may be ahead of the reader's (maxSkew, 05 §1.1). */
export const NODE_RECORD_SKEW_MS: number = 30 * 1000
const MAX_MULTIADDRS = 8
const MAX_TEXT_CHARS = 512

/** The object that is signed. Throws `DecodeError` for a record that could not be read again. */
export function encodeNodeRecord(record: NodeRecord): Uint8Array {
  const bytes = encodeCanonical([
    'node',
    1,
    record.guestSig,
    record.peerId,
    record.multiaddrs,
    record.gateway,
    record.seq,
    record.expiresAt,
  ])
  decodeNodeRecord(bytes)
  return bytes
}

/** The record of which `objectBytes` is the only encoding; anything else is a `DecodeError`. */
export function decodeNodeRecord(objectBytes: Uint8Array): NodeRecord {
  const [guestSig, peerId, multiaddrs, gateway, seq, expiresAt] = objectFields(
    decodeCanonical(objectBytes, MAX_NODE_RECORD_BYTES),
    'node',
    6,
  )
  return {
    guestSig: bytesField(guestSig, 'guestSig', 32),
    peerId: textField(peerId, 'peerId', MAX_TEXT_CHARS),
    multiaddrs: listField(multiaddrs, 'multiaddrs', MAX_MULTIADDRS).map((address) =>
      textField(address, 'multiaddr', MAX_TEXT_CHARS),
    ),
    gateway: gateway === null ? null : textField(gateway, 'gateway', MAX_TEXT_CHARS),
    seq: uintField(seq, 'seq'),
    expiresAt: uintField(expiresAt, 'expiresAt'),
  }
}

/** What a guest signs to publish a record. */
export const nodeRecordMessage = (networkId: Uint8Array, objectBytes: Uint8Array): Uint8Array =>
  signedMessage('node', networkId, objectBytes)

/** The form in which records travel: [object bytes, signature] (03 §1.1). */
export const encodeSignedNodeRecord = (
  objectBytes: Uint8Array,
  signature: Uint8Array,
): Uint8Array => encodeCanonical([objectBytes, signature])

/** Decodes the travelling form without verifying it; other bytes are a `DecodeError`. */
export function decodeSignedNodeRecord(bytes: Uint8Array): SignedNodeRecord {
  const value = decodeCanonical(bytes, MAX_NODE_RECORD_BYTES)
  if (!Array.isArray(value) || value.length !== 2 || !(value[0] instanceof Uint8Array))
    throw new DecodeError('not a signed node record')
  const [objectBytes, signature] = value as [Uint8Array, unknown]
  return {
    record: decodeNodeRecord(objectBytes),
    objectBytes,
    signature: bytesField(signature, 'signature', 64),
  }
}

/**
 * The record of a travelling form that its own guest signed for this network and that lives at `now`
 * (unix ms): not expired, and not for longer than two hours. Otherwise a `DecodeError`.
 */
export function verifyNodeRecord(
  bytes: Uint8Array,
  networkId: Uint8Array,
  now: number,
): NodeRecord {
  const { record, objectBytes, signature } = decodeSignedNodeRecord(bytes)
  if (record.expiresAt <= now) throw new DecodeError('the node record has expired')
  if (record.expiresAt > now + NODE_RECORD_TTL_MS + NODE_RECORD_SKEW_MS)
    throw new DecodeError('the node record lives too long')
  if (!verifySigned('node', networkId, objectBytes, record.guestSig, signature))
    throw new DecodeError('the node record is not signed by its guest')
  return record
}
