import { SIGNATURE_BYTES, verifyMessage } from '../../protocols/request/proofs.ts'
import { parseSpki, type SignatureAlgorithm } from '../../protocols/request/spki.ts'

const ECDSA = { name: 'ECDSA', hash: 'SHA-256' } as const
const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const

/**
 * Whether `signature` is the key's over the message, as `verifyMessage` says it. ES256 is verified by WebCrypto
 * where there is one (browsers have it in secure contexts only): a tenth of the time.
 */
export async function fitsKey(
  alg: SignatureAlgorithm,
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const subtle: typeof crypto.subtle | undefined = globalThis.crypto?.subtle
  if (alg !== 'ES256' || subtle === undefined) return verifyMessage(alg, spki, message, signature)
  if (signature.length !== SIGNATURE_BYTES) return false
  try {
    parseSpki(alg, spki)
    const key = await subtle.importKey('spki', spki.slice(), P256, false, ['verify'])
    return await subtle.verify(ECDSA, key, signature.slice(), message.slice())
  } catch {
    return false // a key that is none has signed nothing
  }
}
