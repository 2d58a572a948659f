import { b32, index, peerId, text } from './items.ts'
import { type ObjectCodec, object } from './object-codec.ts'

/** One member of a committee (03 §1.2). `index` is its x in every polynomial and never reused. */
export interface Member {
  readonly index: number
  /** Ed25519 key of the guest, 32 bytes. */
  readonly guestSig: Uint8Array
  /** X25519 key of the guest, 32 bytes. */
  readonly guestEnc: Uint8Array
  /** libp2p peer id, base58. */
  readonly peerId: string
  /** Ed25519 key of the operator, 32 bytes. */
  readonly operatorKey: Uint8Array
  /** SHA-256 of the guest bundle. */
  readonly measurement: Uint8Array
  /** 32 zero bytes where there is no evidence. */
  readonly evidenceHash: Uint8Array
  /** At most 64 characters. */
  readonly label: string
}

export const MAX_LABEL_CHARS = 64

export const Member: ObjectCodec<Member> = object<Member>('member', {
  index,
  guestSig: b32,
  guestEnc: b32,
  peerId,
  operatorKey: b32,
  measurement: b32,
  evidenceHash: b32,
  label: text(MAX_LABEL_CHARS),
})
