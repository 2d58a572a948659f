import { createPublicKey, verify } from 'node:crypto'
import {
  type PublicKey,
  proofMessage,
  SIGNATURE_BYTES,
  verifyKeyProof,
} from '../../../protocols/request/proofs.ts'
import { parseSpki } from '../../../protocols/request/spki.ts'

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
    parseSpki(key.alg, key.spki)
    const publicKey = createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' })
    return verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    return false // a key that is none has signed nothing
  }
}
