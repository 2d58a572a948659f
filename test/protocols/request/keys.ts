import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type PublicKey, proofMessage } from '../../../protocols/request/proofs.ts'
import { encodeSpki, type SignatureAlgorithm } from '../../../protocols/request/spki.ts'
import { seeded } from '../../support/seeded.ts'

export const ALGORITHMS: readonly SignatureAlgorithm[] = ['ES256', 'EdDSA', 'ES256K']

export interface TestKey {
  readonly key: PublicKey
  /** Signs the `key` proof of a digest. */
  readonly prove: (digest: Uint8Array) => Uint8Array
}

/** A key of a client, the same in every run. */
export function testKey(alg: SignatureAlgorithm, name: string): TestKey {
  const secret = seeded(`${alg} ${name}`)(32)
  const point = {
    ES256: () => p256.getPublicKey(secret, false),
    ES256K: () => secp256k1.getPublicKey(secret, false),
    EdDSA: () => ed25519.getPublicKey(secret),
  }[alg]()
  const prove = (digest: Uint8Array): Uint8Array => {
    const message = proofMessage(digest)
    if (alg === 'EdDSA') return ed25519.sign(message, secret)
    const curve = alg === 'ES256' ? p256 : secp256k1
    return curve.sign(sha256(message), secret, { prehash: false, lowS: true })
  }
  return { key: { kid: name, alg, spki: encodeSpki(alg, point) }, prove }
}
