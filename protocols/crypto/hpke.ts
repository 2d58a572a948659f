import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Random } from './random.ts'

/** HPKE of RFC 9180, base mode, one message: X25519, HKDF-SHA256, ChaCha20-Poly1305 (05 §3.1). */
export const KEM_KEY_BYTES = 32
export const TAG_BYTES = 16
const KEY_BYTES = 32
const NONCE_BYTES = 12
const [KEM, KDF, AEAD] = [0x0020, 0x0001, 0x0003] // RFC 9180 §7
const MODE_BASE = Uint8Array.of(0)
const VERSION = utf8ToBytes('HPKE-v1')
const NOTHING = new Uint8Array()

/** Big-endian, as RFC 9180 writes numbers. */
const i2osp = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)
const KEM_SUITE = concatBytes(utf8ToBytes('KEM'), i2osp(KEM))
const SUITE = concatBytes(utf8ToBytes('HPKE'), i2osp(KEM), i2osp(KDF), i2osp(AEAD))

/** Secrets that both sides derive beside the message (RFC 9180 §5.3). */
export type Exporter = (context: Uint8Array, length: number) => Uint8Array

export interface Sealed {
  /** The fresh public key, 32 bytes. */
  readonly encapsulated: Uint8Array
  /** 16 bytes longer than the plaintext. */
  readonly ciphertext: Uint8Array
  readonly exporter: Exporter
}

/** Seals one message under a fresh key; undefined for a recipient's key of low order. */
export function hpkeSeal(
  random: Random,
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Sealed | undefined {
  const secret = random(KEM_KEY_BYTES)
  const encapsulated = x25519.getPublicKey(secret)
  const dh = sharedSecret(secret, publicKey)
  secret.fill(0)
  if (dh === undefined) return undefined
  const { key, nonce, exporter } = schedule(extractAndExpand(dh, encapsulated, publicKey), info)
  const ciphertext = chacha20poly1305(key, nonce, aad).encrypt(plaintext)
  key.fill(0)
  return { encapsulated, ciphertext, exporter }
}

/** The message and its secrets; undefined for whatever was not sealed to this key, info and aad. */
export function hpkeOpen(
  secretKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  { encapsulated, ciphertext }: Pick<Sealed, 'encapsulated' | 'ciphertext'>,
): { plaintext: Uint8Array; exporter: Exporter } | undefined {
  if (encapsulated.length !== KEM_KEY_BYTES || ciphertext.length < TAG_BYTES) return undefined
  const dh = sharedSecret(secretKey, encapsulated)
  if (dh === undefined) return undefined
  const recipient = x25519.getPublicKey(secretKey)
  const { key, nonce, exporter } = schedule(extractAndExpand(dh, encapsulated, recipient), info)
  try {
    return { plaintext: chacha20poly1305(key, nonce, aad).decrypt(ciphertext), exporter }
  } catch {
    return undefined // noble throws where the tag does not fit
  } finally {
    key.fill(0)
  }
}

/** Undefined for a key of low order, where noble throws. */
function sharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    return x25519.getSharedSecret(secretKey, publicKey)
  } catch {
    return undefined
  }
}

/** ExtractAndExpand of DHKEM (RFC 9180 §4.1). */
function extractAndExpand(
  dh: Uint8Array,
  encapsulated: Uint8Array,
  recipient: Uint8Array,
): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, NOTHING, 'eae_prk', dh)
  dh.fill(0)
  const context = concatBytes(encapsulated, recipient)
  return labeledExpand(KEM_SUITE, prk, utf8ToBytes('shared_secret'), context, KEY_BYTES)
}

/** KeySchedule in base mode (RFC 9180 §5.1), for the message of number 0. */
function schedule(
  shared: Uint8Array,
  info: Uint8Array,
): { key: Uint8Array; nonce: Uint8Array; exporter: Exporter } {
  const context = concatBytes(
    MODE_BASE,
    labeledExtract(SUITE, NOTHING, 'psk_id_hash', NOTHING),
    labeledExtract(SUITE, NOTHING, 'info_hash', info),
  )
  const secret = labeledExtract(SUITE, shared, 'secret', NOTHING)
  const derive = (label: string, length: number): Uint8Array =>
    labeledExpand(SUITE, secret, utf8ToBytes(label), context, length)
  const exporterSecret = derive('exp', KEY_BYTES)
  return {
    key: derive('key', KEY_BYTES),
    nonce: derive('base_nonce', NONCE_BYTES),
    exporter: (exporterContext, length) =>
      labeledExpand(SUITE, exporterSecret, utf8ToBytes('sec'), exporterContext, length),
  }
}

const labeledExtract = (
  suite: Uint8Array,
  salt: Uint8Array,
  label: string,
  ikm: Uint8Array,
): Uint8Array => extract(sha256, concatBytes(VERSION, suite, utf8ToBytes(label), ikm), salt)

const labeledExpand = (
  suite: Uint8Array,
  prk: Uint8Array,
  label: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array =>
  expand(sha256, prk, concatBytes(i2osp(length), VERSION, suite, label, info), length)
