import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import type { KeyRecord } from '../../../protocols/keygen/generate-keys.ts'
import type { PublicKey } from '../../../protocols/request/proofs.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { decodeCredential, encodeCredential } from '../accounts/account.ts'

const MAX_PENDING_BYTES = 16 * 1024 // 16 coefficients, 16 proofs of 65 bytes, a credential
const MAX_GUESTS = 16
const MAX_INDEX = 0xffff

/** A key between K2 and its certificate (02 §5): sealed here, perhaps relied upon elsewhere, never erased by time. */
export interface PendingKey {
  readonly accountId: Uint8Array
  /** Digest of the request that asked for it. */
  readonly digest: Uint8Array
  readonly credential: PublicKey
  readonly sid: Uint8Array
  readonly pub: Uint8Array
  /** T. */
  readonly transcript: Uint8Array
  readonly key: KeyRecord
  /** The proofs of K3 of all guests, once all are there: then, and only then, this guest signed T. */
  readonly proofs: ReadonlyMap<PartyIndex, Uint8Array> | null
}

export const pendingName = (keyId: Uint8Array): string => `pending/${hex(keyId)}`
export const shareName = (keyId: Uint8Array): string => `share/${hex(keyId)}`

export const encodePendingKey = (pending: PendingKey): Uint8Array =>
  encodeCanonical([
    'pending',
    1,
    pending.accountId,
    pending.digest,
    encodeCredential(pending.credential),
    pending.sid,
    pending.pub,
    pending.transcript,
    pending.key.keyId,
    pending.key.curve,
    pending.key.t,
    pending.key.publicKey,
    pending.key.chainCode,
    pending.key.commitment,
    pending.key.record,
    pending.proofs === null ? null : [...pending.proofs].sort(([a], [b]) => a - b),
  ])

/** Throws `DecodeError`. */
export function decodePendingKey(bytes: Uint8Array): PendingKey {
  const fields = objectFields(decodeCanonical(bytes, MAX_PENDING_BYTES), 'pending', 14)
  const [accountId, digest, credential, sid, pub, transcript, keyId, curve, t] = fields
  const [publicKey, chainCode, commitment, record, proofs] = fields.slice(9)
  const threshold = uintField(t, 't', MAX_GUESTS)
  return {
    accountId: bytesField(accountId, 'accountId', 16),
    digest: bytesField(digest, 'digest', 32),
    credential: decodeCredential(credential),
    sid: bytesField(sid, 'sid', 32),
    pub: bytesField(pub, 'pub', 32),
    transcript: bytesField(transcript, 'transcript', 32),
    key: {
      keyId: bytesField(keyId, 'keyId', 32),
      curve: uintField(curve, 'curve', 0xff),
      t: threshold,
      publicKey: bytesField(publicKey, 'publicKey', 33),
      chainCode: bytesField(chainCode, 'chainCode', 32),
      commitment: bytesField(commitment, 'commitment', 33 * threshold),
      record: bytesField(record, 'record', 32),
    },
    proofs: proofs === null ? null : new Map(listField(proofs, 'proofs', MAX_GUESTS).map(proofOf)),
  }
}

function proofOf(value: unknown): [PartyIndex, Uint8Array] {
  const [party, proof] = listField(value, 'proof', 2)
  if (proof === undefined) throw new DecodeError('a proof has two fields')
  return [uintField(party, 'party', MAX_INDEX), bytesField(proof, 'proof', 65)]
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
