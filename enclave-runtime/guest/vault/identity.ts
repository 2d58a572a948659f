import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { NoiseKeyPair } from '../../../protocols/session/noise-kk.ts'
import { rawPublicKey } from '../noise-suite.ts'

const SEED_BYTES = 32
const PKCS8_ED25519 = '302e020100300506032b657004220420' // RFC 8410, before the seed
const PKCS8_X25519 = '302e020100300506032b656e04220420'
const MAX_IDENTITY_BYTES = 128

/** GI and GC (04 §5): the keys that make this guest a member. Private halves are key objects only. */
export interface Identity {
  /** Ed25519, 32 bytes. */
  readonly guestSig: Uint8Array
  /** X25519, 32 bytes. */
  readonly guestEnc: Uint8Array
  /** Ed25519 by GI, 64 bytes. */
  sign(message: Uint8Array): Uint8Array
  /** GC for the handshakes with other guests. */
  readonly channelKey: NoiseKeyPair<KeyObject>
}

/** The plaintext of the record `identity`; the seeds are wiped. */
export function encodeIdentity(sigSeed: Uint8Array, encSeed: Uint8Array): Uint8Array {
  const plaintext = encodeCanonical([1, sigSeed, encSeed])
  sigSeed.fill(0)
  encSeed.fill(0)
  return plaintext
}

/** Throws `DecodeError`. The plaintext is the caller's to wipe. */
export function identityFrom(plaintext: Uint8Array): Identity {
  const fields = decodeCanonical(plaintext, MAX_IDENTITY_BYTES)
  if (!Array.isArray(fields) || fields.length !== 3) throw new DecodeError('identity')
  const [format, sigSeed, encSeed]: unknown[] = fields
  if (format !== 1 || !isSeed(sigSeed) || !isSeed(encSeed)) throw new DecodeError('identity')
  const signing = privateKey(PKCS8_ED25519, sigSeed)
  const channel = privateKey(PKCS8_X25519, encSeed)
  const guestEnc = rawPublicKey(createPublicKey(channel))
  return {
    guestSig: rawPublicKey(createPublicKey(signing)),
    guestEnc,
    sign: (message) => new Uint8Array(sign(null, message, signing)),
    channelKey: { privateKey: channel, publicKey: guestEnc },
  }
}

/** The seed is wiped; the key object keeps it where JavaScript does not reach. */
function privateKey(prefix: string, seed: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from(prefix, 'hex'), seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  seed.fill(0)
  return key
}

const isSeed = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length === SEED_BYTES
