import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { encodeP256Pkcs8 } from './pkcs8.ts'

const ECDSA = { name: 'ECDSA', hash: 'SHA-256' } as const
const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const

/**
 * Signs messages with a P-256 key: r ‖ s over their SHA-256. By WebCrypto where there is one (browsers have it in
 * secure contexts only): a part of the time, and of the caller's thread nothing; the key is then where no script can
 * read it, and our copy is wiped. `privateKey` is this function's from then on.
 */
export function p256Key(privateKey: Uint8Array): (message: Uint8Array) => Promise<Uint8Array> {
  const imported = importKey(privateKey).then((key) => {
    if (key !== undefined) privateKey.fill(0)
    return key
  })
  return async (message) => {
    const key = await imported
    if (key === undefined)
      return p256.sign(sha256(message), privateKey, { prehash: false, format: 'compact' })
    return new Uint8Array(await crypto.subtle.sign(ECDSA, key, message.slice()))
  }
}

/** Undefined where WebCrypto is absent, or does not take the key. */
async function importKey(privateKey: Uint8Array): Promise<CryptoKey | undefined> {
  const subtle: typeof crypto.subtle | undefined = globalThis.crypto?.subtle
  if (subtle === undefined) return undefined
  const der = encodeP256Pkcs8(privateKey, p256.getPublicKey(privateKey, false))
  try {
    return await subtle.importKey('pkcs8', der, P256, false, ['sign'])
  } catch {
    return undefined // noble signs then
  } finally {
    der.fill(0)
  }
}
