import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'

/** A public RSA key (05 §1.2): 2048 to 4096 bits, an odd exponent from 3 to 2^32-1. */
export interface RsaKey {
  readonly n: bigint
  readonly e: bigint
}

export const MIN_RSA_BITS = 2048
/** Verification stays under a few milliseconds (05 §1.2). */
export const MAX_RSA_BITS = 4096
/** The exponents in use are 3 and 65537; a longer one only costs the verifier time. */
const MAX_EXPONENT_BYTES = 4
const HASH_BYTES = 32
/** RFC 7518 §3.5: the salt of PS256 has the length of the hash. */
const SALT_BYTES = 32

/** AlgorithmIdentifier of rsaEncryption with NULL (RFC 3279 §2.3.1). */
const RSA_ALGORITHM = hexToBytes('300d06092a864886f70d0101010500')
/** DigestInfo of SHA-256 up to the hash (RFC 8017 §9.2). */
const SHA256_INFO = hexToBytes('3031300d060960864801650304020105000420')

const SEQUENCE = 0x30
const BIT_STRING = 0x03
const INTEGER = 0x02

/** A key of these numbers, big-endian without leading zeros. Throws `DecodeError` outside the bounds. */
export function rsaKey(modulus: Uint8Array, exponent: Uint8Array): RsaKey {
  if (modulus[0] === 0 || exponent[0] === 0) throw new DecodeError('a number with leading zeros')
  if (modulus.length * 8 > MAX_RSA_BITS || exponent.length > MAX_EXPONENT_BYTES)
    throw new DecodeError('an RSA key that is too large')
  const [n, e] = [bytesToNumberBE(modulus), bytesToNumberBE(exponent)]
  if (bitLength(n) < MIN_RSA_BITS) throw new DecodeError('an RSA key that is too small')
  if (n % 2n === 0n) throw new DecodeError('an even RSA modulus')
  if (e < 3n || e % 2n === 0n) throw new DecodeError('not an RSA exponent')
  return { n, e }
}

/** The key inside a SubjectPublicKeyInfo, of which one DER encoding is accepted (RFC 3279, RFC 8017 A.1.1). */
export function parseRsaSpki(spki: Uint8Array): RsaKey {
  const outer = new DerReader(spki)
  const info = new DerReader(outer.take(SEQUENCE))
  outer.end()
  info.exactly(RSA_ALGORITHM)
  const bits = info.take(BIT_STRING)
  info.end()
  if (bits[0] !== 0) throw new DecodeError('a bit string with unused bits')
  const inner = new DerReader(bits.subarray(1))
  const pair = new DerReader(inner.take(SEQUENCE))
  inner.end()
  const key = rsaKey(positive(pair.take(INTEGER)), positive(pair.take(INTEGER)))
  pair.end()
  return key
}

/** The one SubjectPublicKeyInfo of a key. */
export function encodeRsaSpki({ n, e }: RsaKey): Uint8Array {
  const pair = der(SEQUENCE, concatBytes(der(INTEGER, signed(n)), der(INTEGER, signed(e))))
  const bits = der(BIT_STRING, concatBytes(Uint8Array.of(0), pair))
  return der(SEQUENCE, concatBytes(RSA_ALGORITHM, bits))
}

/** RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2.2): the one encoding of the hash is compared, none is parsed. */
export function verifyRs256(key: RsaKey, message: Uint8Array, signature: Uint8Array): boolean {
  const length = byteLength(key.n)
  const opened = rsaPublic(key, signature, length)
  if (opened === undefined) return false
  const tail = concatBytes(Uint8Array.of(0), SHA256_INFO, sha256(message))
  const padding = new Uint8Array(length - 2 - tail.length).fill(0xff)
  return sameBytes(opened, concatBytes(Uint8Array.of(0, 1), padding, tail))
}

/** RSASSA-PSS with SHA-256, MGF1 of it and a salt of 32 bytes (RFC 8017 §8.1.2, RFC 7518 §3.5). */
export function verifyPs256(key: RsaKey, message: Uint8Array, signature: Uint8Array): boolean {
  const bits = bitLength(key.n) - 1
  const length = Math.ceil(bits / 8)
  const encoded = rsaPublic(key, signature, length)
  if (encoded === undefined || encoded[length - 1] !== 0xbc) return false
  const masked = encoded.subarray(0, length - HASH_BYTES - 1)
  const hash = encoded.subarray(length - HASH_BYTES - 1, length - 1)
  const unused = 0xff & ~(0xff >> (8 * length - bits))
  if (((masked[0] ?? 0) & unused) !== 0) return false
  const mask = mgf1(hash, masked.length)
  const block = masked.map((byte, i) => byte ^ (mask[i] ?? 0))
  block[0] = (block[0] ?? 0) & ~unused
  const saltAt = block.length - SALT_BYTES
  if (block[saltAt - 1] !== 1 || block.subarray(0, saltAt - 1).some((byte) => byte !== 0))
    return false
  const salt = block.subarray(saltAt)
  return sameBytes(hash, sha256(concatBytes(new Uint8Array(8), sha256(message), salt)))
}

/** RSAVP1 (RFC 8017 §5.2.2) as `length` bytes; undefined for a signature of another size or out of range. */
function rsaPublic(
  { n, e }: RsaKey,
  signature: Uint8Array,
  length: number,
): Uint8Array | undefined {
  if (signature.length !== byteLength(n)) return undefined
  const s = bytesToNumberBE(signature)
  if (s >= n) return undefined
  let result = 1n
  for (let bit = bitLength(e) - 1; bit >= 0; bit--) {
    result = (result * result) % n
    if ((e >> BigInt(bit)) & 1n) result = (result * s) % n
  }
  return bitLength(result) > length * 8 ? undefined : numberToBytesBE(result, length)
}

function mgf1(seed: Uint8Array, length: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / HASH_BYTES) }, (_, i) =>
    sha256(concatBytes(seed, Uint8Array.of(0, 0, i >> 8, i & 0xff))),
  )
  return concatBytes(...blocks).subarray(0, length)
}

/** Definite, minimal lengths only (X.690 §10.1). */
class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The contents of the next value, which must have this tag. */
  take(tag: number): Uint8Array {
    if (this.#bytes[this.#at] !== tag) throw new DecodeError('another DER tag')
    const first = this.#bytes[this.#at + 1] ?? 0xff
    const size = first < 0x80 ? 0 : first & 0x7f
    if (size > 2) throw new DecodeError('a DER length beyond any key')
    const digits = this.#bytes.subarray(this.#at + 2, this.#at + 2 + size)
    const length = size === 0 ? first : Number(bytesToNumberBE(digits))
    if (size > 0 && (digits[0] === 0 || length < 0x80)) throw new DecodeError('not minimal DER')
    this.#at += 2 + size + length
    if (digits.length !== size || this.#at > this.#bytes.length)
      throw new DecodeError('truncated DER')
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  exactly(expected: Uint8Array): void {
    const found = this.#bytes.subarray(this.#at, this.#at + expected.length)
    if (!sameBytes(found, expected)) throw new DecodeError('not an RSA key')
    this.#at += expected.length
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new DecodeError('bytes after a DER value')
  }
}

/** A DER integer above zero, without its sign byte. */
function positive(contents: Uint8Array): Uint8Array {
  const [first = 0x80, second = 0] = contents
  if (first >= 0x80) throw new DecodeError('a negative integer')
  if (first !== 0) return contents
  if (contents.length < 2 || second < 0x80) throw new DecodeError('not the minimal integer')
  return contents.subarray(1)
}

function signed(value: bigint): Uint8Array {
  return numberToBytesBE(value, Math.floor(bitLength(value) / 8) + 1)
}

function der(tag: number, contents: Uint8Array): Uint8Array {
  const { length } = contents
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return concatBytes(Uint8Array.of(tag, ...head), contents)
}

const bitLength = (value: bigint): number => value.toString(2).length
const byteLength = (value: bigint): number => Math.ceil(bitLength(value) / 8)
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
