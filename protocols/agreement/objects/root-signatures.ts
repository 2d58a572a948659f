import { b32, b65, uint } from './items.ts'
import { type ObjectCodec, object } from './object-codec.ts'

/** rootKey says that an epoch is active (03 §1.2). */
export interface RootSig {
  readonly recordHash: Uint8Array
  /** r, s (low), recovery id: 65 bytes. */
  readonly signature: Uint8Array
}

export const RootSig: ObjectCodec<RootSig> = object<RootSig>('rootSig', {
  recordHash: b32,
  signature: b65,
})

/** rootKey says that an epoch was the newest when this was made (03 §1.2, §3.3). */
export interface Stamp {
  readonly committeeId: Uint8Array
  readonly e: number
  readonly recordHash: Uint8Array
  /** Unix milliseconds. */
  readonly issuedAt: number
  /** Unix milliseconds. */
  readonly validUntil: number
  /** r, s (low), recovery id: 65 bytes. */
  readonly signature: Uint8Array
}

export const Stamp: ObjectCodec<Stamp> = object<Stamp>('stamp', {
  committeeId: b32,
  e: uint,
  recordHash: b32,
  issuedAt: uint,
  validUntil: uint,
  signature: b65,
})
