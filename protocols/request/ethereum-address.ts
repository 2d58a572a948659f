import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../session/codec.ts'

/** An ECDSA signature over secp256k1 as a signing session returns it: 32 bytes each, `recovery` 0..3. */
export interface RecoverableSignature {
  readonly r: Uint8Array
  readonly s: Uint8Array
  readonly recovery: number
}

/** A point of secp256k1 as noble has it. */
export type PublicPoint = InstanceType<typeof secp256k1.Point>

const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** The EIP-55 address of a compressed or uncompressed secp256k1 key. Throws `DecodeError` for no key. */
export function addressOf(publicKey: Uint8Array): string {
  try {
    return addressOfPoint(secp256k1.Point.fromBytes(publicKey))
  } catch (cause) {
    throw new DecodeError('not a secp256k1 key', { cause })
  }
}

/** The same of a point. */
export const addressOfPoint = (point: PublicPoint): string =>
  addressText(keccak_256(point.toBytes(false).subarray(1)).slice(12))

/** Twenty bytes as text with the checksum of EIP-55. */
export function addressText(address: Uint8Array): string {
  if (address.length !== 20) throw new DecodeError('an address has 20 bytes')
  const hex = bytesToHex(address)
  const hash = bytesToHex(keccak_256(utf8ToBytes(hex)))
  const chars = Array.from(hex, (char, i) =>
    Number.parseInt(hash.charAt(i), 16) >= 8 ? char.toUpperCase() : char,
  )
  return `0x${chars.join('')}`
}

/** The bytes of an address, written all lower-case or with its right EIP-55 checksum; otherwise undefined. */
export function addressBytes(text: string): Uint8Array | undefined {
  if (!ADDRESS.test(text)) return undefined
  const bytes = hexToBytes(text.slice(2))
  return text === text.toLowerCase() || text === addressText(bytes) ? bytes : undefined
}

/** The address whose key made `signature`, of low s, over the 32-byte digest. Throws `DecodeError` where there is none. */
export const recoverAddress = (digest: Uint8Array, signature: RecoverableSignature): string =>
  addressOfPoint(recoverPoint(digest, signature))

/** The key that made `signature`, of low s, over the 32-byte digest. Throws `DecodeError` where there is none. */
export function recoverPoint(digest: Uint8Array, signature: RecoverableSignature): PublicPoint {
  const { r, s, recovery } = signature
  try {
    const compact = secp256k1.Signature.fromBytes(concatBytes(r, s), 'compact')
    if (compact.hasHighS()) throw new Error('a high s') // EIP-2
    return compact.addRecoveryBit(recovery).recoverPublicKey(digest)
  } catch (cause) {
    throw new DecodeError('no key made this signature', { cause })
  }
}

/**
 * Whether `recoverPoint` would give this key. R = s⁻¹(zG + rP) is computed instead of P = r⁻¹(sR − zG), and is
 * the point that r and the recovery id name: the same equation, without a root, and with tables of P where
 * `P.precompute` made some.
 */
export function isBy(
  point: PublicPoint,
  digest: Uint8Array,
  { r, s, recovery }: RecoverableSignature,
): boolean {
  const { Fn, Fp, BASE } = secp256k1.Point
  if (digest.length !== 32 || r.length !== 32 || s.length !== 32) return false
  if (!Number.isInteger(recovery) || recovery < 0 || recovery > 3) return false
  const [rn, sn] = [bytesToNumberBE(r), bytesToNumberBE(s)]
  if (!Fn.isValidNot0(rn) || !Fn.isValidNot0(sn) || sn > Fn.ORDER >> 1n) return false // EIP-2
  const inverse = Fn.inv(sn)
  const u = Fn.mul(Fn.create(bytesToNumberBE(digest)), inverse)
  const sum = BASE.multiplyUnsafe(u).add(point.multiplyUnsafe(Fn.mul(rn, inverse)))
  if (sum.is0()) return false
  const { x, y } = sum.toAffine()
  const named = recovery < 2 ? rn : rn + Fn.ORDER
  return Fp.eql(x, named) && Fp.isOdd?.(y) === ((recovery & 1) === 1)
}
