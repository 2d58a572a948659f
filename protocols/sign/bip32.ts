import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'

/** A key below a generated one: P' = P + εG (02 §7). Everything here is public. */
export interface DerivedKey {
  readonly path: readonly number[]
  /** The sum of all tweaks, 32 bytes; zero for the empty path. */
  readonly epsilon: Uint8Array
  /** P', 33 bytes. */
  readonly publicKey: Uint8Array
  readonly chainCode: Uint8Array
}

/** A path that names no key; anyone may ask for one, so it is no defect. */
export class PathError extends Error {
  override readonly name = 'PathError'
}

const MAX_DEPTH = 16 // indices of a path (02 §7)
const HARDENED = 0x8000_0000 // from here on the parent's secret is needed, and nobody has it

const { Point } = secp256k1
const { Fn } = Point

/**
 * BIP32's public derivation, non-hardened only. Throws `PathError` for a path that is too deep, hardened,
 * or (with probability 2^-127 per step) without a child.
 */
export function derive(
  publicKey: Uint8Array,
  chainCode: Uint8Array,
  path: readonly number[],
): DerivedKey {
  if (path.length > MAX_DEPTH) throw new PathError(`a path has at most ${MAX_DEPTH} indices`)
  if (chainCode.length !== 32) throw new Error('bug: a chain code has 32 bytes')
  if (publicKey.length !== 33) throw new Error('bug: a public key has 33 bytes')
  if (path.length === 0)
    // P itself: no point to compute, and whoever signs looks at P anyway
    return { path: [], epsilon: new Uint8Array(32), publicKey: publicKey.slice(), chainCode }
  let point = Point.fromBytes(publicKey)
  let code = chainCode
  let epsilon = Fn.ZERO
  for (const index of path) {
    if (!Number.isInteger(index) || index < 0 || index >= HARDENED)
      throw new PathError(`${index} is no index of a non-hardened key`)
    const I = hmac(sha512, code, withIndex(point.toBytes(true), index))
    const tweak = bytesToNumberBE(I.subarray(0, 32))
    if (tweak >= Fn.ORDER) throw new PathError(`index ${index} has no key`)
    if (tweak !== 0n) point = point.add(Point.BASE.multiplyUnsafe(tweak))
    if (point.is0()) throw new PathError(`index ${index} has no key`)
    epsilon = Fn.add(epsilon, tweak)
    code = I.slice(32)
  }
  return {
    path: [...path],
    epsilon: Fn.toBytes(epsilon),
    publicKey: point.toBytes(true),
    chainCode: code,
  }
}

/** P ‖ u32 index, big-endian here alone: this is BIP32's layout, not ours. */
function withIndex(point: Uint8Array, index: number): Uint8Array {
  const bytes = new Uint8Array(37)
  bytes.set(point)
  new DataView(bytes.buffer).setUint32(33, index)
  return bytes
}
