import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../session/codec.ts'
import { parseSpki, type SignatureAlgorithm } from './spki.ts'

/** A key that may sign requests (05 §1.2). `kid` names it, at most 128 characters. */
export interface PublicKey {
  readonly kid: string
  readonly alg: SignatureAlgorithm
  readonly spki: Uint8Array
}

/** A signature of a credential over one request digest (spec "Proofs", 05 §2.2). */
export interface KeyProof {
  readonly kind: 'key'
  readonly kid: string
  /** 64 bytes: r ‖ s, or an Ed25519 signature. */
  readonly signature: Uint8Array
}

/** Texts of the data model (05 §1). */
export const MAX_TEXT_CHARS = 128
export const SIGNATURE_BYTES = 64
const PROOF_HEAD = utf8ToBytes('holdfast/proof/key/1\0')

/** What a `key` proof signs: the tag, a zero byte, the 32-byte digest (05, `sign(tag, b)`). */
export function proofMessage(digest: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw new DecodeError('a request digest has 32 bytes')
  return concatBytes(PROOF_HEAD, digest)
}

/**
 * Whether `signature` is this key's over the request digest. Strict and total: any malformed key or
 * signature is false. ES256 and ES256K sign SHA-256 of the message, 64 raw bytes, ES256K with low s
 * only; EdDSA by RFC 8032 without the leniency of ZIP 215, small-order keys refused.
 */
export function verifyKeyProof(
  { alg, spki }: PublicKey,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifyMessage(alg, spki, proofMessage(digest), signature)
}

/** The verification behind `verifyKeyProof`, over any message. */
export function verifyMessage(
  alg: SignatureAlgorithm,
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false
  let point: Uint8Array
  try {
    point = parseSpki(alg, spki)
  } catch {
    return false // a key that is none has signed nothing
  }
  if (alg === 'EdDSA') return ed25519.verify(signature, message, point, { zip215: false })
  const hash = sha256(message)
  const options = { prehash: false, format: 'compact' } as const
  return alg === 'ES256'
    ? p256.verify(signature, hash, point, { ...options, lowS: false })
    : secp256k1.verify(signature, hash, point, { ...options, lowS: true })
}
