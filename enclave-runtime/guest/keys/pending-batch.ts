import { bytesField, listField, uintField } from '../../../protocols/agreement/fields.ts'
import type { KeyRecord } from '../../../protocols/keygen/generate-keys.ts'
import type { PublicKey } from '../../../protocols/request/proofs.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { decodeCredential, encodeCredential } from '../accounts/account.ts'
import type { EpochName } from '../epochs/epoch-work.ts'

/** The largest batch: a client gets 32 bytes per key of the batch with its certificate. */
export const MAX_BATCH = 16
const MAX_PENDING_BYTES = 64 * 1024 // 16 keys of 16 coefficients, with 16 proofs of 65 bytes each
const MAX_GUESTS = 16
const MAX_INDEX = 0xffff
const TYPE = 'pendingBatch'

/** What a batch of keys is made for: one account's key, or keys that their owner may give to accounts. */
export type Purpose =
  | {
      readonly kind: 'account'
      readonly accountId: Uint8Array
      /** Digest of the request that asked for it. */
      readonly digest: Uint8Array
      readonly credential: PublicKey
    }
  | { readonly kind: 'ready'; readonly owner: PartyIndex }

/** Keys between K2 and their certificate (02 §5): sealed here, perhaps relied upon elsewhere, never erased by time. */
export interface PendingBatch {
  readonly purpose: Purpose
  /** In which they are made: in no other can they be certified. */
  readonly epoch: EpochName
  readonly sid: Uint8Array
  readonly pub: Uint8Array
  /** T, which names the batch. */
  readonly transcript: Uint8Array
  readonly keys: readonly KeyRecord[]
  /** The proofs of K3 of all guests, 65 bytes per key, once all are there: then, and only then, this guest signed T. */
  readonly proofs: ReadonlyMap<PartyIndex, Uint8Array> | null
}

export const pendingName = (transcript: Uint8Array): string => `pending/${hex(transcript)}`
export const shareName = (keyId: Uint8Array): string => `share/${hex(keyId)}`

export const encodePendingBatch = (batch: PendingBatch): Uint8Array =>
  encodeCanonical([
    TYPE,
    2,
    [batch.epoch.e, batch.epoch.k],
    batch.purpose.kind === 'account'
      ? [batch.purpose.accountId, batch.purpose.digest, encodeCredential(batch.purpose.credential)]
      : [batch.purpose.owner],
    batch.sid,
    batch.pub,
    batch.transcript,
    batch.keys.map((key) => [
      key.keyId,
      key.curve,
      key.t,
      key.publicKey,
      key.chainCode,
      key.commitment,
      key.record,
    ]),
    batch.proofs === null ? null : [...batch.proofs].sort(([a], [b]) => a - b),
  ])

/** Throws `DecodeError`, also for a pending key of an older version. */
export function decodePendingBatch(bytes: Uint8Array): PendingBatch {
  const value = decodeCanonical(bytes, MAX_PENDING_BYTES)
  if (!Array.isArray(value) || value.length !== 9 || value[0] !== TYPE || value[1] !== 2)
    throw new DecodeError('not a pending batch of this version')
  const [epoch, purpose, sid, pub, transcript, keys, proofs]: unknown[] = value.slice(2)
  const records = listField(keys, 'keys', MAX_BATCH).map(keyOf)
  return {
    epoch: epochOf(epoch),
    purpose: purposeOf(purpose),
    sid: bytesField(sid, 'sid', 32),
    pub: bytesField(pub, 'pub', 32),
    transcript: bytesField(transcript, 'transcript', 32),
    keys: records,
    proofs:
      proofs === null
        ? null
        : new Map(
            listField(proofs, 'proofs', MAX_GUESTS).map((proof) => proofOf(proof, records.length)),
          ),
  }
}

function epochOf(value: unknown): EpochName {
  const [e, k] = listField(value, 'epoch', 2)
  return { e: uintField(e, 'e'), k: uintField(k, 'k') }
}

function purposeOf(value: unknown): Purpose {
  const [first, digest, credential] = listField(value, 'purpose', 3)
  if (digest === undefined) return { kind: 'ready', owner: uintField(first, 'owner', MAX_INDEX) }
  return {
    kind: 'account',
    accountId: bytesField(first, 'accountId', 16),
    digest: bytesField(digest, 'digest', 32),
    credential: decodeCredential(credential),
  }
}

function keyOf(value: unknown): KeyRecord {
  const [keyId, curve, t, publicKey, chainCode, commitment, record] = listField(value, 'key', 7)
  const threshold = uintField(t, 't', MAX_GUESTS)
  return {
    keyId: bytesField(keyId, 'keyId', 32),
    curve: uintField(curve, 'curve', 0xff),
    t: threshold,
    publicKey: bytesField(publicKey, 'publicKey', 33),
    chainCode: bytesField(chainCode, 'chainCode', 32),
    commitment: bytesField(commitment, 'commitment', 33 * threshold),
    record: bytesField(record, 'record', 32),
  }
}

function proofOf(value: unknown, keys: number): [PartyIndex, Uint8Array] {
  const [party, proof] = listField(value, 'proof', 2)
  if (proof === undefined) throw new DecodeError('a proof has two fields')
  return [uintField(party, 'party', MAX_INDEX), bytesField(proof, 'proof', 65 * keys)]
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
