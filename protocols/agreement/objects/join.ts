import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../session/codec.ts'
import { bytesField, listField } from '../fields.ts'
import { b16, b32, bytesUpTo, index, peerId, text, uint } from './items.ts'
import { MAX_LABEL_CHARS } from './member.ts'
import { type SignedCodec, signedObject } from './signed.ts'

/**
 * A candidate that wants to become a member, or a member that wants its entry changed (an *update*:
 * `guestSig` is a member's, and `guestEnc` and `operatorKey` are those of its entry) (03 §1.2).
 */
export interface Join {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  /** Ed25519 key of the guest, 32 bytes. */
  readonly guestSig: Uint8Array
  /** X25519 key of the guest, 32 bytes. */
  readonly guestEnc: Uint8Array
  readonly peerId: string
  /** Ed25519 key of the operator, 32 bytes. */
  readonly operatorKey: Uint8Array
  /** SHA-256 of the guest bundle. */
  readonly measurement: Uint8Array
  /** At most 32 KiB; empty where the platform has none. */
  readonly evidence: Uint8Array
  readonly label: string
  /** 16 bytes. */
  readonly nonce: Uint8Array
  /** Unix milliseconds. */
  readonly expiresAt: number
}

const MAX_EVIDENCE_BYTES: number = 32 * 1024
const MAX_JOIN_BYTES: number = 40 * 1024
/** Heads and both signatures. */
const SIGNED_OVERHEAD_BYTES = 160

export const Join: SignedCodec<Join> = signedObject<Join>(
  'join',
  {
    networkId: b32,
    committeeId: b32,
    guestSig: b32,
    guestEnc: b32,
    peerId,
    operatorKey: b32,
    measurement: b32,
    evidence: bytesUpTo(MAX_EVIDENCE_BYTES),
    label: text(MAX_LABEL_CHARS),
    nonce: b16,
    expiresAt: uint,
  },
  { maxBytes: MAX_JOIN_BYTES },
)

/** A join with the signatures of its guest and of its operator, both over the same bytes. */
export interface SignedJoin {
  readonly object: Join
  readonly objectBytes: Uint8Array
  readonly guestSignature: Uint8Array
  readonly operatorSignature: Uint8Array
}

/** `[object bytes, signature of guestSig, signature of operatorKey]`; it verifies nothing. */
export const SignedJoin: Codec<SignedJoin> = {
  encode: (join) => {
    const items = [join.objectBytes, join.guestSignature, join.operatorSignature]
    readSignedJoin(items)
    return encodeCanonical(items)
  },
  decode: (bytes) => readSignedJoin(decodeCanonical(bytes, MAX_JOIN_BYTES + SIGNED_OVERHEAD_BYTES)),
}

function readSignedJoin(item: unknown): SignedJoin {
  const [objectBytes, guestSignature, operatorSignature] = listField(item, 'join', 3)
  if (!(objectBytes instanceof Uint8Array)) throw new DecodeError('not a signed join')
  return {
    object: Join.decode(objectBytes),
    objectBytes,
    guestSignature: bytesField(guestSignature, 'guestSignature', 64),
    operatorSignature: bytesField(operatorSignature, 'operatorSignature', 64),
  }
}

/** H(join; signed join), 32 bytes: how a proposal names a join (03 §1.2). */
export const joinHash = (join: SignedJoin): Uint8Array =>
  objectHash(objectTags.join, SignedJoin.encode(join))

/** What the entry of a member says about its evidence: 32 zero bytes for none, else H(evidence; bytes). */
export const evidenceHash = (evidence: Uint8Array): Uint8Array =>
  evidence.length === 0
    ? new Uint8Array(32)
    : objectHash(objectTags.evidence, encodeCanonical(evidence))

/** A member's wish to go (03 §1.2), signed by its guest or by its operator. */
export interface Leave {
  readonly committeeId: Uint8Array
  /** The epoch it is a member of. */
  readonly e: number
  readonly index: number
}

export const Leave: SignedCodec<Leave> = signedObject<Leave>('leave', {
  committeeId: b32,
  e: uint,
  index,
})
