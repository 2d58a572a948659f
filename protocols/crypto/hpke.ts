import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Random } from './random.ts'

/**
 * HPKE of RFC 9180, base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
 * ChaCha20-Poly1305 (05 §3.1). What is sealed is 48 bytes longer: the encapsulated key and the tag.
 */
export const HPKE_OVERHEAD = 48

const KEY_BYTES = 32
const NONCE_BYTES = 12
const [KEM, KDF, AEAD] = [0x0020, 0x0001, 0x0003] // RFC 9180 §7
const BASE = Uint8Array.of(0)
const VERSION = utf8ToBytes('HPKE-v1')
const NOTHING = new Uint8Array()

/** Big-endian, as RFC 9180 writes numbers. */
const i2osp = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)
const KEM_SUITE = concatBytes(utf8ToBytes('KEM'), i2osp(KEM))
const SUITE = concatBytes(utf8ToBytes('HPKE'), i2osp(KEM), i2osp(KDF), i2osp(AEAD))

/** Throws for a public key that is none: whoever has a key in hand has checked it before. */
export function hpkeSeal(
  random: Random,
  publicKey: Uint8Array,
  info: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array = NOTHING,
): Uint8Array {
  const secret = random(KEY_BYTES)
  try {
    const encapsulated = x25519.getPublicKey(secret)
    const { key, nonce } = schedule(
      decapsulated(x25519.getSharedSecret(secret, publicKey), encapsulated, publicKey),
      info,
    )
    return concatBytes(encapsulated, chacha20poly1305(key, nonce, aad).encrypt(plaintext))
  } finally {
    secret.fill(0)
  }
}

/** `undefined` for whatever was not sealed to this key under this info. */
export function hpkeOpen(
  secretKey: Uint8Array,
  info: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array = NOTHING,
): Uint8Array | undefined {
  if (sealed.length < HPKE_OVERHEAD) return undefined
  const encapsulated = sealed.subarray(0, KEY_BYTES)
  try {
    const { key, nonce } = schedule(
      decapsulated(
        x25519.getSharedSecret(secretKey, encapsulated),
        encapsulated,
        x25519.getPublicKey(secretKey),
      ),
      info,
    )
    return chacha20poly1305(key, nonce, aad).decrypt(sealed.subarray(KEY_BYTES))
  } catch {
    return undefined // a key of low order, or bytes that do not authenticate: noble throws for both
  }
}

/** ExtractAndExpand of DHKEM (RFC 9180 §4.1). */
function decapsulated(dh: Uint8Array, encapsulated: Uint8Array, recipient: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, NOTHING, 'eae_prk', dh)
  const context = concatBytes(encapsulated, recipient)
  return labeledExpand(KEM_SUITE, prk, 'shared_secret', context, KEY_BYTES)
}

/** Key and first nonce of the base mode (RFC 9180 §5.1). */
function schedule(shared: Uint8Array, info: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const context = concatBytes(
    BASE,
    labeledExtract(SUITE, NOTHING, 'psk_id_hash', NOTHING),
    labeledExtract(SUITE, NOTHING, 'info_hash', info),
  )
  const secret = labeledExtract(SUITE, shared, 'secret', NOTHING)
  return {
    key: labeledExpand(SUITE, secret, 'key', context, KEY_BYTES),
    nonce: labeledExpand(SUITE, secret, 'base_nonce', context, NONCE_BYTES),
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
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array =>
  expand(sha256, prk, concatBytes(i2osp(length), VERSION, suite, utf8ToBytes(label), info), length)
