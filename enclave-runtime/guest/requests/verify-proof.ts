import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import {
  type PublicKey,
  proofMessage,
  SIGNATURE_BYTES,
  verifyKeyProof,
} from '../../../protocols/request/proofs.ts'
import { parseSpki } from '../../../protocols/request/spki.ts'
import { BoundedMap } from '../bounded-map.ts'

/** Credentials in use: reading a key costs as much as verifying under it. About 2 kB each, nothing of it secret. */
const MAX_KEYS = 1_024
const SPKI_BYTES = 91 // of an uncompressed point of P-256, the one form that is taken

const keys = new BoundedMap<KeyObject>(MAX_KEYS)

/**
 * As `verifyKeyProof`, and with the same answer to everything, but twenty times as fast for ES256, the
 * algorithm of browsers and devices: OpenSSL verifies over P-256. Key and signature have one form each, which
 * is checked before; the two others stay as they are, for their strictness (low s, RFC 8032) is ours.
 */
export function verifyProof(key: PublicKey, digest: Uint8Array, signature: Uint8Array): boolean {
  if (key.alg !== 'ES256') return verifyKeyProof(key, digest, signature)
  const message = proofMessage(digest)
  if (signature.length !== SIGNATURE_BYTES) return false
  try {
    const publicKey = read(key.spki)
    return verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    return false // a key that is none has signed nothing
  }
}

/** The key of these bytes. Throws for bytes that are none; those are read, and refused, every time. */
function read(spki: Uint8Array): KeyObject {
  const known = spki.length === SPKI_BYTES ? keys.get(spki) : undefined
  if (known !== undefined) return known
  parseSpki('ES256', spki)
  const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  keys.set(spki, publicKey)
  return publicKey
}
