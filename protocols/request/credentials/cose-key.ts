import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'
import { encodeSpki, parseSpki } from '../spki.ts'
import { encodeRsaSpki, MAX_RSA_BITS, MIN_RSA_BITS, parseRsaSpki, rsaKey } from './rsa.ts'

/** Algorithms of passkeys that are accepted. */
export type PasskeyAlgorithm = 'ES256' | 'EdDSA' | 'RS256'

/** The public key of a passkey. */
export interface PasskeyKey {
  readonly alg: PasskeyAlgorithm
  readonly spki: Uint8Array
}

/** COSE numbers of the algorithms (RFC 9053 §2, RFC 8812 §2). */
export const COSE_ALGORITHMS: Readonly<Record<PasskeyAlgorithm, number>> = {
  ES256: -7,
  EdDSA: -8,
  RS256: -257,
}

/**
 * CTAP2 fixes one encoding of a COSE key (canonical CBOR, no other members), so each form is constant
 * bytes around numbers of fixed size. They are compared to the byte; no CBOR reader exists to be confused.
 */
const ES256_HEAD = hexToBytes('a5010203262001215820') // {1: 2, 3: -7, -1: 1, -2: x
const ES256_MIDDLE = hexToBytes('225820') // -3: y}
const EDDSA_HEAD = hexToBytes('a4010103272006215820') // {1: 1, 3: -8, -1: 6, -2: x}
const RS256_HEAD = hexToBytes('a401030339010020') // {1: 3, 3: -257, -1: n
const COORDINATE_BYTES = 32

/** A COSE key at the start of `bytes` and how many bytes it takes. Throws `DecodeError` for any other form. */
export function readCoseKey(bytes: Uint8Array): { key: PasskeyKey; length: number } {
  const spki = (alg: 'ES256' | 'EdDSA', point: Uint8Array): PasskeyKey => ({
    alg,
    spki: encodeSpki(alg, point),
  })
  const at = (start: number, length: number): Uint8Array => {
    const part = bytes.slice(start, start + length)
    if (part.length !== length) throw new DecodeError('a truncated COSE key')
    return part
  }
  if (startsWith(bytes, ES256_HEAD)) {
    const x = at(ES256_HEAD.length, COORDINATE_BYTES)
    const rest = ES256_HEAD.length + COORDINATE_BYTES
    if (!startsWith(bytes.subarray(rest), ES256_MIDDLE)) throw new DecodeError('not a COSE key')
    const y = at(rest + ES256_MIDDLE.length, COORDINATE_BYTES)
    const length = rest + ES256_MIDDLE.length + COORDINATE_BYTES
    return { key: spki('ES256', concatBytes(Uint8Array.of(4), x, y)), length }
  }
  if (startsWith(bytes, EDDSA_HEAD)) {
    const x = at(EDDSA_HEAD.length, COORDINATE_BYTES)
    return { key: spki('EdDSA', x), length: EDDSA_HEAD.length + COORDINATE_BYTES }
  }
  if (startsWith(bytes, RS256_HEAD)) return readRsa(at)
  throw new DecodeError('not a COSE key of ES256, EdDSA or RS256')
}

/** The key of which `bytes` is all. */
export function parseCoseKey(bytes: Uint8Array): PasskeyKey {
  const { key, length } = readCoseKey(bytes)
  if (length !== bytes.length) throw new DecodeError('bytes after a COSE key')
  return key
}

/** The COSE form of a key, the inverse of `parseCoseKey`. */
export function encodeCoseKey({ alg, spki }: PasskeyKey): Uint8Array {
  if (alg === 'EdDSA') return concatBytes(EDDSA_HEAD, parseSpki(alg, spki))
  if (alg === 'ES256') {
    const point = parseSpki(alg, spki)
    return concatBytes(ES256_HEAD, point.subarray(1, 33), ES256_MIDDLE, point.subarray(33))
  }
  const { n, e } = parseRsaSpki(spki)
  const [modulus, exponent] = [minimal(n), minimal(e)]
  return concatBytes(
    RS256_HEAD,
    Uint8Array.of(0x59, modulus.length >> 8, modulus.length & 0xff),
    modulus,
    Uint8Array.of(0x21, 0x40 | exponent.length),
    exponent,
  )
}

/** `-1: n` is a byte string of 256 to 512 bytes, `-2: e` one of at most four. */
function readRsa(at: (start: number, length: number) => Uint8Array): {
  key: PasskeyKey
  length: number
} {
  const start = RS256_HEAD.length
  const [kind = 0, high = 0, low = 0] = at(start, 3)
  const size = (high << 8) | low
  if (kind !== 0x59 || size < MIN_RSA_BITS / 8 || size > MAX_RSA_BITS / 8)
    throw new DecodeError('a COSE key of another size')
  const [name = 0, head = 0] = at(start + 3 + size, 2)
  const exponentSize = head & 0x1f
  if (name !== 0x21 || head >> 5 !== 2 || exponentSize > 4) throw new DecodeError('not a COSE key')
  const key = rsaKey(at(start + 3, size), at(start + 5 + size, exponentSize))
  return {
    key: { alg: 'RS256', spki: encodeRsaSpki(key) },
    length: start + 5 + size + exponentSize,
  }
}

function minimal(value: bigint): Uint8Array {
  const hex = value.toString(16)
  return hexToBytes(hex.length % 2 === 0 ? hex : `0${hex}`)
}

const startsWith = (bytes: Uint8Array, head: Uint8Array): boolean =>
  head.every((byte, i) => byte === bytes[i])
