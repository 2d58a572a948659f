import { type FixedCodec, fixed } from '../session/codec.ts'

export const POINT_BYTES = 33
export const SCALAR_BYTES = 32
export const POK_BYTES = 65 // T ‖ z
export const MAX_COEFFICIENTS = 2048 // B·t of one run (02 §5): keeps K2 below 256 KiB

/** K1: a nonce, and a promise of everything public in K2. */
export interface Commit {
  readonly nonce: Uint8Array
  readonly commitment: Uint8Array
}
/** K2 without shares: what was promised, and proofs of it. */
export interface PublicDeal {
  readonly sid: Uint8Array
  readonly blind: Uint8Array
  readonly chainCode: Uint8Array
  /** count × t points. */
  readonly F: Uint8Array
  /** A proof of knowledge per coefficient. */
  readonly proofs: Uint8Array
}
/** K2: with the receiver's shares, which are secret. */
export interface Deal extends PublicDeal {
  /** f_b(x) of the receiver, per key. */
  readonly shares: Uint8Array
}
/** K3: what I believe was dealt, and a proof per key that I hold my share of it. */
export interface Prove {
  readonly sid: Uint8Array
  readonly transcript: Uint8Array
  readonly proofs: Uint8Array
}
/** K4: my guest key's signature over T. */
export interface Certify {
  readonly sid: Uint8Array
  readonly signature: Uint8Array
}

export const Commit: FixedCodec<Commit> = fixed({ nonce: 32, commitment: 32 })

type Lengths<T> = { readonly [Name in keyof T]: number }

const publicLengths = (threshold: number, count: number): Lengths<PublicDeal> => ({
  sid: 32,
  blind: 32,
  chainCode: 32,
  F: POINT_BYTES * threshold * count,
  proofs: POK_BYTES * threshold * count,
})

/** The lengths of K2 follow from the threshold and the number of keys: no other threshold decodes. */
export const dealLengths = (threshold: number, count: number): Lengths<Deal> => ({
  ...publicLengths(threshold, count),
  shares: SCALAR_BYTES * count,
})
export const PublicDeal = (threshold: number, count: number): FixedCodec<PublicDeal> =>
  fixed(publicLengths(threshold, count))
export const Deal = (threshold: number, count: number): FixedCodec<Deal> =>
  fixed(dealLengths(threshold, count))
export const Prove = (count: number): FixedCodec<Prove> =>
  fixed({ sid: 32, transcript: 32, proofs: POK_BYTES * count })
export const Certify: FixedCodec<Certify> = fixed({ sid: 32, signature: 64 })

/** The `index`-th of a field's items of `length` bytes. */
export const item = (field: Uint8Array, index: number, length: number): Uint8Array =>
  field.subarray(length * index, length * (index + 1))
