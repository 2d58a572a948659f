import { ed25519 } from '@noble/curves/ed25519.js'
import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { decodeCanonical, encodeCanonical } from '../session/canonical-cbor.ts'
import { DecodeError } from '../session/codec.ts'
import type { PartyIndex } from '../session/faults.ts'
import { transcriptOf } from '../sharing/hashes.ts'
import { keyRecordHash } from '../sharing/key-record.ts'

/** Says that a quorum holds a key (02 §5, 03 §1.2 `keyCert`): only it makes a key active. */
export interface KeyCertificate {
  readonly committeeId: Uint8Array
  readonly epochId: Uint8Array
  readonly keyId: Uint8Array
  readonly curve: number
  readonly t: number
  readonly publicKey: Uint8Array
  readonly chainCode: Uint8Array
  /** F, t × 33 bytes. */
  readonly commitment: Uint8Array
  /** X_D; empty for a key without a device. */
  readonly deviceKey: Uint8Array
  readonly pub: Uint8Array
  /** rec of every key of the run: this key's is among them, and T hashes them all. */
  readonly records: readonly Uint8Array[]
  /** K4: index and Ed25519 signature over T, strictly increasing. */
  readonly signatures: readonly (readonly [PartyIndex, Uint8Array])[]
}

export interface CertificateContext {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  /** Without epochs (genesis only) it is the network's id (03 §1.2), which is the default. */
  readonly epochId?: Uint8Array
  readonly members: readonly { readonly index: PartyIndex; readonly guestSig: Uint8Array }[]
  readonly quorum: number
}

const MAX_BYTES = 65_536 // 03 §1.1
const MAX_INDEX = 0xffff
const MAX_THRESHOLD = 16 // no committee is larger
const TYPE = 'keyCert'
const VERSION = 1
const FIELDS = 14

/** What K4 signs (02 §5, in the form of 03 §1.1). */
export const certificateMessage = (networkId: Uint8Array, transcript: Uint8Array): Uint8Array =>
  concatBytes(utf8ToBytes('holdfast/guest/deal/1'), Uint8Array.of(0), networkId, transcript)

export const encodeKeyCertificate = (cert: KeyCertificate): Uint8Array =>
  encodeCanonical([
    TYPE,
    VERSION,
    cert.committeeId,
    cert.epochId,
    cert.keyId,
    cert.curve,
    cert.t,
    cert.publicKey,
    cert.chainCode,
    cert.commitment,
    cert.deviceKey,
    cert.pub,
    cert.records,
    cert.signatures,
  ])

/** At most 64 KiB; anything that is not exactly one certificate is a `DecodeError`. */
export function decodeKeyCertificate(bytes: Uint8Array): KeyCertificate {
  const fields = listOf(decodeCanonical(bytes, MAX_BYTES), 'a certificate')
  const [type, version, committeeId, epochId, keyId, curve, t] = fields
  const [publicKey, chainCode, commitment, deviceKey, pub, records, signatures] = fields.slice(7)
  if (fields.length !== FIELDS || type !== TYPE || version !== VERSION)
    throw new DecodeError('not a key certificate')
  const threshold = uint(t, MAX_THRESHOLD, 't')
  const device = bytesOf(deviceKey, 'deviceKey')
  if (device.length !== 0 && device.length !== 33) throw new DecodeError('deviceKey: length')
  return {
    committeeId: sized(committeeId, 32, 'committeeId'),
    epochId: sized(epochId, 32, 'epochId'),
    keyId: sized(keyId, 32, 'keyId'),
    curve: uint(curve, 0xff, 'curve'),
    t: threshold,
    publicKey: sized(publicKey, 33, 'publicKey'),
    chainCode: sized(chainCode, 32, 'chainCode'),
    commitment: sized(commitment, 33 * threshold, 'commitment'),
    deviceKey: device,
    pub: sized(pub, 32, 'pub'),
    records: listOf(records, 'records').map((record) => sized(record, 32, 'record')),
    signatures: listOf(signatures, 'signatures').map((entry) => {
      const [index, signature, ...rest] = listOf(entry, 'a signature')
      if (rest.length > 0) throw new DecodeError('a signature has two fields')
      return [uint(index, MAX_INDEX, 'index'), sized(signature, 64, 'signature')] as const
    }),
  }
}

/**
 * Whether a quorum of these members certified exactly this key. rec is recomputed from keyId, curve, t,
 * P, cc and F, and T from pub and all rec: a signed T alone says nothing about a key (02 §5).
 */
export function verifyKeyCertificate(cert: KeyCertificate, context: CertificateContext): boolean {
  const { networkId, committeeId, members, quorum } = context
  if (!equalBytes(cert.committeeId, committeeId)) return false
  if (!equalBytes(cert.epochId, context.epochId ?? networkId)) return false
  if (cert.deviceKey.length !== 0) return false // device keys are not in service
  if (!equalBytes(cert.publicKey, cert.commitment.subarray(0, 33))) return false // P = F[0]
  const record = keyRecordHash(cert)
  if (!cert.records.some((other) => equalBytes(other, record))) return false
  const message = certificateMessage(networkId, transcriptOf(cert.pub, cert.records))
  let last = 0
  for (const [index, signature] of cert.signatures) {
    if (index <= last) return false // strictly increasing, so nobody counts twice
    last = index
    const member = members.find((candidate) => candidate.index === index)
    if (member === undefined) return false
    if (!signed(signature, message, member.guestSig)) return false
  }
  return cert.signatures.length >= quorum
}

function signed(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false // noble throws for keys that are no points: nobody signed with those
  }
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new DecodeError(`${name}: not a list`)
  return value
}

function bytesOf(value: unknown, name: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new DecodeError(`${name}: not bytes`)
  return value
}

function sized(value: unknown, length: number, name: string): Uint8Array {
  const bytes = bytesOf(value, name)
  if (bytes.length !== length) throw new DecodeError(`${name}: length`)
  return bytes
}

function uint(value: unknown, max: number, name: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max)
    throw new DecodeError(`${name}: not a number from 1 to ${max}`)
  return value
}
