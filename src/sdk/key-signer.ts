import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { toBase64url } from '../../protocols/request/base64url.ts'
import { type PublicKey, proofMessage } from '../../protocols/request/proofs.ts'
import { encodeSpki, type SignatureAlgorithm } from '../../protocols/request/spki.ts'
import { fitsKey } from './fits-key.ts'
import { HoldfastError } from './holdfast-error.ts'
import { p256Key } from './p256-key.ts'
import { parsePkcs8 } from './pkcs8.ts'
import type { Signer } from './signer.ts'

/** A private key of 32 bytes, or one in PKCS8 DER, or a function that signs with a key kept elsewhere. */
export type KeySignerOptions = { readonly kid?: string } & (
  | { readonly alg: SignatureAlgorithm; readonly privateKey: Uint8Array }
  | { readonly pkcs8: Uint8Array }
  | {
      readonly alg: SignatureAlgorithm
      readonly spki: Uint8Array
      /** Signs the message (hashing it with SHA-256 for ES256 and ES256K): 64 bytes, ES256K with low s. */
      readonly sign: (message: Uint8Array) => Promise<Uint8Array>
    }
)

const KID_BYTES = 12 // enough that no two keys of an account share it

/** A signer with a developer key: P-256 (ES256), Ed25519 (EdDSA) or secp256k1 (ES256K). */
export function keySigner(options: KeySignerOptions): Signer {
  if ('sign' in options) {
    const { alg, spki, sign, kid } = options
    return signer(alg, spki, (message) => checked(alg, spki, message, sign), kid)
  }
  const { alg, privateKey } = 'pkcs8' in options ? parsePkcs8(options.pkcs8) : options
  const own = privateKey.slice()
  const spki = encodeSpki(alg, publicPoint(alg, own))
  const sign = alg === 'ES256' ? p256Key(own) : signWith(alg, own)
  return signer(alg, spki, sign, options.kid)
}

function signer(
  alg: SignatureAlgorithm,
  spki: Uint8Array,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
  kid: string = toBase64url(sha256(spki).subarray(0, KID_BYTES)),
): Signer {
  const credential: PublicKey = { kid, alg, spki }
  return {
    kind: 'key',
    credential,
    async prove(digest) {
      const message = proofMessage(digest)
      return [{ kind: 'key', kid, signature: await sign(message) }]
    },
  }
}

/** What somebody else signed: a wrong one is found here, and not by every node. */
async function checked(
  alg: SignatureAlgorithm,
  spki: Uint8Array,
  message: Uint8Array,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const signature = await sign(message)
  if (!(await fitsKey(alg, spki, message, signature)))
    throw new HoldfastError('AUTH_FAILED', {
      message: 'the signer made a signature that does not fit its key',
    })
  return signature
}

function publicPoint(alg: SignatureAlgorithm, privateKey: Uint8Array): Uint8Array {
  if (alg === 'EdDSA') return ed25519.getPublicKey(privateKey)
  return (alg === 'ES256' ? p256 : secp256k1).getPublicKey(privateKey, false)
}

const signWith =
  (alg: 'EdDSA' | 'ES256K', privateKey: Uint8Array) =>
  async (message: Uint8Array): Promise<Uint8Array> => {
    if (alg === 'EdDSA') return ed25519.sign(message, privateKey)
    const options = { prehash: false, format: 'compact', lowS: true } as const
    return secp256k1.sign(sha256(message), privateKey, options)
  }
