import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { SECP256K1 } from '../../../../protocols/sharing/key-record.ts'
import { seeded } from '../../../support/seeded.ts'

const { Point } = secp256k1
const q: bigint = Point.Fn.ORDER

/** A key as a trusted dealer makes it, with everybody's share. */
export interface DealtKey {
  readonly keyId: Uint8Array
  readonly curve: number
  readonly t: number
  readonly publicKey: Uint8Array
  readonly chainCode: Uint8Array
  readonly commitment: Uint8Array
  /** What nobody ever has. */
  readonly secret: bigint
  shareOf(index: number): Uint8Array
}

/** In order of their ids, as a cut lists them. */
export function dealtKeys(seed: string, count: number, t: number): DealtKey[] {
  const random = seeded(seed)
  const scalar = (): bigint => bytesToNumberBE(random(48)) % q
  const keys = Array.from({ length: count }, (): DealtKey => {
    const coefficients = Array.from({ length: t }, scalar)
    const points = coefficients.map((each) => Point.BASE.multiply(each).toBytes(true))
    const shareOf = (index: number) => {
      const at = coefficients.reduceRight((sum, each) => (sum * BigInt(index) + each) % q, 0n)
      return numberToBytesBE(at, 32)
    }
    const commitment = concatBytes(...points)
    const [secret = 0n] = coefficients
    return {
      ...{
        keyId: random(32),
        curve: SECP256K1,
        t,
        chainCode: random(32),
        commitment,
        secret,
        shareOf,
      },
      publicKey: commitment.slice(0, 33),
    }
  })
  return keys.sort((a, b) => Buffer.compare(a.keyId, b.keyId))
}

/** The value at 0 of the polynomial through these. */
export function interpolate(
  shares: readonly (readonly [index: number, share: Uint8Array])[],
): bigint {
  let sum = 0n
  for (const [i, share] of shares) {
    let lambda = 1n
    for (const [j] of shares)
      if (i !== j) lambda = mod(lambda * BigInt(j) * inverse(BigInt(j) - BigInt(i)))
    sum = mod(sum + lambda * bytesToNumberBE(share))
  }
  return sum
}

const mod = (value: bigint): bigint => ((value % q) + q) % q
const inverse = (value: bigint): bigint => Point.Fn.inv(mod(value))

export const publicOf = (secret: bigint): Uint8Array => Point.BASE.multiply(secret).toBytes(true)
