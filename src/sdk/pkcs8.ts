import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { equalBytes } from '@noble/curves/utils.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import type { SignatureAlgorithm } from '../../protocols/request/spki.ts'
import { HoldfastError } from './holdfast-error.ts'

interface Form {
  readonly alg: SignatureAlgorithm
  readonly head: Uint8Array
  /** What stands between the 32-byte key and the 65-byte public point; absent where the point is. */
  readonly middle?: Uint8Array
}

const MIDDLE = hexToBytes('a144034200')

const P256_HEAD = hexToBytes(
  '308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420',
)

/**
 * The forms that WebCrypto and OpenSSL write for unencrypted keys (RFC 5208, 5915, 8410): a constant head,
 * the key, and for the curves of ECDSA mostly the public point. Compared to the byte, as no DER reader is
 * needed for seven constants.
 */
const FORMS: readonly Form[] = [
  { alg: 'EdDSA', head: hexToBytes('302e020100300506032b657004220420') },
  {
    alg: 'ES256',
    head: P256_HEAD,
    middle: MIDDLE,
  },
  {
    alg: 'ES256',
    head: hexToBytes('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'),
  },
  {
    alg: 'ES256K',
    head: hexToBytes('308184020100301006072a8648ce3d020106052b8104000a046d306b0201010420'),
    middle: MIDDLE,
  },
  {
    alg: 'ES256K',
    head: hexToBytes('303e020100301006072a8648ce3d020106052b8104000a042730250201010420'),
  },
]

/** A P-256 key as a PKCS8 document that every WebCrypto reads. `point`: its public key, 65 bytes. */
export function encodeP256Pkcs8(
  privateKey: Uint8Array,
  point: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const der = new Uint8Array(P256_HEAD.length + 32 + MIDDLE.length + 65)
  let at = 0
  for (const part of [P256_HEAD, privateKey, MIDDLE, point]) {
    der.set(part, at)
    at += part.length
  }
  return der
}

/** The key inside a PKCS8 document (DER). Throws PARAMS_INVALID for any other form or a wrong public point. */
export function parsePkcs8(der: Uint8Array): { alg: SignatureAlgorithm; privateKey: Uint8Array } {
  for (const { alg, head, middle } of FORMS) {
    const length = head.length + 32 + (middle === undefined ? 0 : middle.length + 65)
    if (der.length !== length || !equalBytes(der.subarray(0, head.length), head)) continue
    const privateKey = der.slice(head.length, head.length + 32)
    const rest = der.subarray(head.length + 32)
    if (middle === undefined || fits(alg, privateKey, middle, rest)) return { alg, privateKey }
  }
  throw new HoldfastError('PARAMS_INVALID', {
    message: 'not an unencrypted PKCS8 key (DER) of P-256, secp256k1 or Ed25519',
  })
}

function fits(
  alg: SignatureAlgorithm,
  privateKey: Uint8Array,
  middle: Uint8Array,
  rest: Uint8Array,
): boolean {
  const curve = alg === 'ES256' ? p256 : secp256k1
  if (!curve.utils.isValidSecretKey(privateKey)) return false
  return (
    equalBytes(rest.subarray(0, middle.length), middle) &&
    equalBytes(rest.subarray(middle.length), curve.getPublicKey(privateKey, false))
  )
}
