import { b32, bytes, bytesUpTo, index, nullable, uint } from '../../agreement/objects/items.ts'
import {
  isSignedBy,
  type Signed,
  type SignedCodec,
  signed,
  signedObject,
} from '../../agreement/objects/signed.ts'
import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../session/codec.ts'
import { sameBytes } from '../credentials/passkey.ts'

/** The key to which requests for one guest are sealed (05 §3.1, 04 §5). */
export interface EntryKey {
  readonly network: Uint8Array
  readonly epoch: number
  /** Index of the member. */
  readonly party: number
  /** 8 bytes, of the public key. */
  readonly entryKeyId: Uint8Array
  /** X25519, 32 bytes. */
  readonly pub: Uint8Array
  /** Unix milliseconds: from, and before. */
  readonly notBefore: number
  readonly notAfter: number
  /** What the platform says of the guest; null where it says nothing. */
  readonly evidence: Uint8Array | null
}

export const ENTRY_KEY_ID_BYTES = 8
/** A day, and an hour in which the next key is already in force. */
export const MAX_ENTRY_KEY_MS: number = 25 * 3600 * 1000
/** Quotes with their certificates; the whole object has at most 16 KiB. */
const MAX_EVIDENCE_BYTES: number = 15 * 1024

/** The id of an entry key: the first 8 bytes of H(entry key id; pub). */
export const entryKeyIdOf = (pub: Uint8Array): Uint8Array =>
  objectHash(objectTags.entryKeyId, encodeCanonical(pub)).slice(0, ENTRY_KEY_ID_BYTES)

export const EntryKey: SignedCodec<EntryKey> = signedObject<EntryKey>(
  'entryKey',
  {
    network: b32,
    epoch: uint,
    party: index,
    entryKeyId: bytes(ENTRY_KEY_ID_BYTES),
    pub: b32,
    notBefore: uint,
    notAfter: uint,
    evidence: nullable(bytesUpTo(MAX_EVIDENCE_BYTES)),
  },
  {
    check: ({ entryKeyId, pub, notBefore, notAfter }) => {
      if (!sameBytes(entryKeyId, entryKeyIdOf(pub))) throw new DecodeError('the id of another key')
      if (notAfter <= notBefore || notAfter - notBefore > MAX_ENTRY_KEY_MS)
        throw new DecodeError('an entry key is in force for a day')
    },
  },
)

/** An entry key with the signature of its guest, as it is published. */
export const SignedEntryKey: Codec<Signed<EntryKey>> = signed(EntryKey)

/**
 * Whether a client may seal to this key now: signed by the guest key that the epoch record names for this
 * member, of this network and epoch, and in force. Evidence is judged elsewhere.
 */
export const isEntryKeyOf = (
  entry: Signed<EntryKey>,
  member: {
    readonly networkId: Uint8Array
    readonly epoch: number
    readonly party: number
    /** Ed25519, of the epoch record. */
    readonly guestKey: Uint8Array
  },
  nowMs: number,
): boolean =>
  sameBytes(entry.object.network, member.networkId) &&
  entry.object.epoch === member.epoch &&
  entry.object.party === member.party &&
  isInForce(entry.object, nowMs) &&
  isSignedBy(EntryKey, entry, member.networkId, member.guestKey)

export const isInForce = (
  { notBefore, notAfter }: Pick<EntryKey, 'notBefore' | 'notAfter'>,
  nowMs: number,
): boolean => notBefore <= nowMs && nowMs < notAfter
