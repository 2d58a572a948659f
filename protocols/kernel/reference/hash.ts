import { createHasher, type H2CHasher } from '@noble/curves/abstract/hash-to-curve.js'
import { secp256k1_hasher } from '@noble/curves/secp256k1.js'
import type { CHash } from '@noble/curves/utils.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { keyedBlock } from './blake3-block.ts'
import { Curve, type Point } from './curve.ts'

/** The domains of `KH` (02 §1.4). */
export type Code = 'TREE' | 'LEAF' | 'ROWX' | 'COLH' | 'GADG' | 'ZETA'

const CODE_BYTES = 4
const MAX_BODY_BYTES = 60 // with the code one block of BLAKE3

/** The code as the first word of the block. */
export function codeWord(code: Code): number {
  const bytes = utf8ToBytes(code)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
}

/** Little-endian words of a byte string whose length is a multiple of four (a copy). */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(bytes.length / 4)
  bytesOf(words).set(bytes)
  return words
}

/** The bytes of words (a view). */
export const bytesOf = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

/** `KH(key, CODE, length; body)` (02 §1.3): BLAKE3 keyed hash of CODE ‖ body. */
export function keyedHash(
  key: Uint8Array,
  code: Code,
  length: number,
  ...body: readonly Uint8Array[]
): Uint8Array {
  const message = new Uint32Array(16)
  message[0] = codeWord(code)
  const joined = concatBytes(...body)
  if (joined.length > MAX_BODY_BYTES) throw new Error('bug: body longer than a block')
  bytesOf(message).set(joined, CODE_BYTES)
  const out = new Uint32Array(Math.ceil(length / 4))
  keyedBlock(wordsOf(key), 0, message, CODE_BYTES + joined.length, out, 0, out.length)
  return bytesOf(out).slice(0, length)
}

/** SSWU and the isogeny of noble; with m = 1 the code takes one number and returns a point, whatever its type says. */
const mapToCurve = secp256k1_hasher.mapToCurve as unknown as (u: bigint) => Point

/** hash_to_curve of RFC 9380 with the maps of the secp256k1 suite, random-oracle variant, k = 128, L = 48. */
export const curveHasher = (
  DST: string,
  expand: 'xmd' | 'xof',
  hash: CHash,
): H2CHasher<typeof Curve> =>
  createHasher(Curve, ([u]) => mapToCurve(u as bigint).toAffine(), {
    DST,
    p: Curve.Fp.ORDER,
    m: 1,
    k: 128,
    expand,
    hash,
  })

const hasher = curveHasher('HOLDFAST-V1-OT-with-secp256k1_XOF:BLAKE3_SSWU_RO_', 'xof', blake3)

/** `H2C(sid ‖ u16 i ‖ u8 c ‖ point)` of 02 §2.3. */
export const hashToCurve = (...message: readonly Uint8Array[]): Point =>
  hasher.hashToCurve(concatBytes(...message))
