import { b32, index, uint } from './items.ts'
import { type SignedCodec, signedObject } from './signed.ts'

/** An old member has stopped voting in logs of e, and this is how far they were (03 §1.2). */
export interface Close {
  readonly committeeId: Uint8Array
  /** The old epoch. */
  readonly e: number
  /** Of e+1. */
  readonly recordHash: Uint8Array
  /** `listRoot` of [subject, index, entryHash]. */
  readonly headsRoot: Uint8Array
  /** `listRoot` of [iid, its ROUND-CHANGE state with certificate]. */
  readonly openRoot: Uint8Array
  readonly index: number
}

export const Close: SignedCodec<Close> = signedObject<Close>('close', {
  committeeId: b32,
  e: uint,
  recordHash: b32,
  headsRoot: b32,
  openRoot: b32,
  index,
})

/** A new member serves e (03 §4.1 S10). */
export interface Active {
  readonly committeeId: Uint8Array
  readonly e: number
  /** Of e. */
  readonly recordHash: Uint8Array
  readonly index: number
}

const receipt = { committeeId: b32, e: uint, recordHash: b32, index }

export const Active: SignedCodec<Active> = signedObject<Active>('active', receipt)

/** A member of e can no longer open anything of e (03 §4.1 S12). */
export interface Erased {
  readonly committeeId: Uint8Array
  readonly e: number
  /** Of e. */
  readonly recordHash: Uint8Array
  readonly index: number
}

export const Erased: SignedCodec<Erased> = signedObject<Erased>('erased', receipt)
