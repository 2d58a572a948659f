import { b32, b64, increasing, index, list, MAX_MEMBERS, ordinal, row, uint } from './items.ts'
import type { Field } from './object-codec.ts'
import { type SignedCodec, signedObject } from './signed.ts'

/** A new member holds all it needs for the epoch; signed by its guest (03 §1.2, §4.1 S8). */
export interface Ready {
  readonly committeeId: Uint8Array
  /** The new epoch. */
  readonly e: number
  readonly k: number
  readonly recordHash: Uint8Array
  /** X25519 key of this member for this epoch, 32 bytes. */
  readonly prekey: Uint8Array
  readonly index: number
}

export const Ready: SignedCodec<Ready> = signedObject<Ready>('ready', {
  committeeId: b32,
  e: uint,
  k: ordinal,
  recordHash: b32,
  prekey: b32,
  index,
})

/** What of a READY stands in a certificate; the rest of it is the record's. */
export interface ReadyEntry {
  readonly index: number
  readonly prekey: Uint8Array
  readonly signature: Uint8Array
}

/** Strictly increasing by index. */
export const readyList: Field<readonly ReadyEntry[]> = increasing(
  list(row<ReadyEntry>({ index, prekey: b32, signature: b64 }), MAX_MEMBERS),
  (entry) => entry.index,
)
