import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { b32, increasing, index, list, MAX_MEMBERS, ordinal, uint } from './items.ts'
import { type Signed, type SignedCodec, signed, signedObject } from './signed.ts'

/** The initiator asks the old members to make no more keys of e (03 §4.1 S6). */
export interface Freeze {
  readonly committeeId: Uint8Array
  /** The old epoch. */
  readonly e: number
  /** The attempt at e+1. */
  readonly k: number
  /** Chunks that every new member holds. */
  readonly chunks: number
  /** The initiator. */
  readonly index: number
}

export const Freeze: SignedCodec<Freeze> = signedObject<Freeze>('freeze', {
  committeeId: b32,
  e: uint,
  k: ordinal,
  chunks: uint,
  index,
})

/** An old member signs no more K4 nor `held` of e, and names the keys that are not under the cut (03 §4.1 S6). */
export interface Frozen {
  readonly committeeId: Uint8Array
  /** The old epoch. */
  readonly e: number
  readonly k: number
  readonly count: number
  /** `listRoot` of the `keyCertHash` of these keys in order of keyId; the list itself goes in pages. */
  readonly root: Uint8Array
  readonly index: number
}

export const Frozen: SignedCodec<Frozen> = signedObject<Frozen>('frozen', {
  committeeId: b32,
  e: uint,
  k: ordinal,
  count: uint,
  root: b32,
  index,
})

/** The union of these lists is the end of the key set; signed by the initiator (03 §4.1 S6). */
export interface Tail {
  readonly committeeId: Uint8Array
  /** The old epoch. */
  readonly e: number
  readonly k: number
  /** q signed FROZEN, strictly increasing by index. */
  readonly frozen: readonly Signed<Frozen>[]
  readonly initiator: number
}

export const Tail: SignedCodec<Tail> = signedObject<Tail>('tail', {
  committeeId: b32,
  e: uint,
  k: ordinal,
  frozen: increasing(list(signed(Frozen), MAX_MEMBERS), ({ object }) => object.index),
  initiator: index,
})

/** A member stores the certificate of a key (03 §1.2, §6.1). */
export interface Held {
  readonly committeeId: Uint8Array
  readonly keyId: Uint8Array
  /** See `keyCertHash`. */
  readonly keyCertHash: Uint8Array
  readonly index: number
}

export const Held: SignedCodec<Held> = signedObject<Held>('held', {
  committeeId: b32,
  keyId: b32,
  keyCertHash: b32,
  index,
})

/** H(held; keyCert), 32 bytes; `keyCert` is the encoded certificate. */
export const keyCertHash = (keyCert: Uint8Array): Uint8Array => objectHash(objectTags.held, keyCert)
