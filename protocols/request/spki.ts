import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../session/codec.ts'

/** ES256: ECDSA on P-256 with SHA-256. ES256K: the same on secp256k1, low s. EdDSA: Ed25519. */
export type SignatureAlgorithm = 'ES256' | 'EdDSA' | 'ES256K'

/**
 * Each algorithm has one accepted SubjectPublicKeyInfo (RFC 5280, 5480, 8410), so its DER is a constant
 * head and a point of fixed size. The head is compared to the byte; no DER reader exists to be confused.
 * P-256 and secp256k1: `04 ‖ X ‖ Y`, the uncompressed form that WebCrypto and OpenSSL export, only.
 */
const FORMS: Readonly<Record<SignatureAlgorithm, { head: Uint8Array; pointLength: number }>> = {
  ES256: {
    head: hexToBytes('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
    pointLength: 65,
  },
  ES256K: { head: hexToBytes('3056301006072a8648ce3d020106052b8104000a034200'), pointLength: 65 },
  EdDSA: { head: hexToBytes('302a300506032b6570032100'), pointLength: 32 },
}

/**
 * The point inside `spki`, in the form noble takes: 65 bytes uncompressed, or 32 bytes of Ed25519.
 * Throws `DecodeError` for another algorithm, another form, a point off the curve, or one of small order.
 */
export function parseSpki(alg: SignatureAlgorithm, spki: Uint8Array): Uint8Array {
  const { head, pointLength } = FORMS[alg]
  if (spki.length !== head.length + pointLength || !head.every((byte, i) => byte === spki[i]))
    throw new DecodeError(`not the SubjectPublicKeyInfo of an ${alg} key`)
  const point = spki.slice(head.length)
  assertPoint(alg, point)
  return point
}

/** The SubjectPublicKeyInfo of a point: 65 bytes uncompressed, or 32 bytes of Ed25519. Same errors as `parseSpki`. */
export function encodeSpki(alg: SignatureAlgorithm, point: Uint8Array): Uint8Array {
  const spki = concatBytes(FORMS[alg].head, point)
  parseSpki(alg, spki)
  return spki
}

function assertPoint(alg: SignatureAlgorithm, point: Uint8Array): void {
  try {
    if (alg === 'EdDSA') {
      if (ed25519.Point.fromBytes(point, false).isSmallOrder()) throw new Error('of small order')
    } else {
      if (point[0] !== 4) throw new Error('not uncompressed')
      const curve = alg === 'ES256' ? p256 : secp256k1
      curve.Point.fromBytes(point).assertValidity()
    }
  } catch (cause) {
    throw new DecodeError(`not a public key of ${alg}`, { cause })
  }
}
