import { concatBytes } from '@noble/hashes/utils.js'
import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import type { KeyRecord } from '../../../protocols/keygen/generate-keys.ts'
import type { KeyCertificate } from '../../../protocols/keygen/key-certificate.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError, Reader } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { transcriptOf } from '../../../protocols/sharing/hashes.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Committee } from '../committee.ts'
import type { Records } from '../records.ts'
import { VaultError } from '../vault/vault-error.ts'
import { batchIdOf, decodeKeyPart, madeName } from './key-part.ts'
import { type PendingBatch, shareName } from './pending-batch.ts'

/** Keys whose account is about to come, or came just now. */
const MAX_EXPECTED = 256
/** Certified batches kept in memory, about 2 kB each; the others are a read away. */
const MAX_CACHED = 1_024
/** Keys that one T is of: a batch, or a chunk that was reshared. */
const MAX_RECORDS = 256
const MAX_BATCH_BYTES = 12 * 1024 // 256 hashes, 16 signatures
const MAX_INDEX = 0xffff
const MAX_GUESTS = 16

export type Signatures = readonly (readonly [PartyIndex, Uint8Array])[]

/** What the certificates of all keys of a batch have in common: stored once. */
type Batch = Pick<KeyCertificate, 'committeeId' | 'epochId' | 'pub' | 'records' | 'signatures'>

/** The record of a batch that a quorum certified; of more signatures than a quorum the first count. */
export const certifiedBatch = (
  { committeeId, epochId, quorum }: Pick<Committee, 'committeeId' | 'epochId' | 'quorum'>,
  {
    pub,
    keys,
  }: Pick<PendingBatch, 'pub'> & {
    readonly keys: readonly Pick<KeyRecord, 'record'>[]
  },
  signatures: Signatures,
): readonly [name: string, record: Uint8Array] =>
  batchRecord({
    committeeId,
    epochId,
    pub,
    records: keys.map(({ record }) => record),
    signatures: signatures.slice(0, quorum),
  })

/** The record of what the certificates of a batch have in common. */
export const batchRecord = ({
  committeeId,
  epochId,
  pub,
  records,
  signatures,
}: Batch): readonly [name: string, record: Uint8Array] => [
  batchName(batchIdOf(transcriptOf(pub, records))),
  encodeCanonical(['batch', 1, committeeId, epochId, pub, concatBytes(...records), signatures]),
]

/** The public half of the keys at rest: read when it is asked for, never all in memory. */
export class HeldKeys {
  readonly #records: Pick<Records, 'bulk' | 'sharePart'>
  readonly #cache = new BoundedMap<Batch>(MAX_CACHED)
  readonly #expected = new BoundedMap<KeyCertificate>(MAX_EXPECTED)

  constructor(records: Pick<Records, 'bulk' | 'sharePart'>) {
    this.#records = records
  }

  /** The certificate of a ready key, or of one that is about to be an account's. Throws `VaultError` RECORD_CORRUPT. */
  async certificate(keyId: Uint8Array): Promise<KeyCertificate> {
    return this.#expected.get(keyId) ?? (await this.#read(keyId))
  }

  /** Reads a certificate that will be asked for while others are waited for. */
  async expect(keyId: Uint8Array): Promise<void> {
    this.#expected.set(keyId, await this.#read(keyId))
  }

  async #read(keyId: Uint8Array): Promise<KeyCertificate> {
    const name = shareName(keyId)
    const kept = await this.#records.bulk(madeName(keyId)) // of a key that is older than this epoch
    const part = kept ?? (await this.#records.sharePart(name))
    if (part === undefined) throw new VaultError('RECORD_CORRUPT', `the share ${name} is missing`)
    return this.certificateOf(keyId, part)
  }

  /** The same from a key's part that lies elsewhere: an account is known also when its share cannot be read. */
  async certificateOf(keyId: Uint8Array, part: Uint8Array): Promise<KeyCertificate> {
    const name = shareName(keyId)
    const { batchId, ...key } = decoded(name, () => decodeKeyPart(part))
    const batch = await this.#batch(batchId)
    if (batch === undefined)
      throw new VaultError('RECORD_CORRUPT', `the batch of the share ${name} is missing`)
    return { keyId, ...key, deviceKey: new Uint8Array(), ...batch }
  }

  /** Who certified the batch with this T, as far as that is known here. */
  async signatures(transcript: Uint8Array): Promise<Signatures | undefined> {
    const batch = await this.#batch(batchIdOf(transcript))
    if (batch === undefined) return undefined
    const same = Buffer.from(transcriptOf(batch.pub, batch.records)).equals(transcript)
    return same ? batch.signatures : undefined
  }

  async #batch(batchId: Uint8Array): Promise<Batch | undefined> {
    const cached = this.#cache.get(batchId)
    if (cached !== undefined) return cached
    const name = batchName(batchId)
    const record = await this.#records.bulk(name)
    if (record === undefined) return undefined
    const batch = decoded(name, () => decodeBatch(record))
    this.#cache.set(batchId, batch)
    return batch
  }
}

const batchName = (batchId: Uint8Array): string => `batch/${Buffer.from(batchId).toString('hex')}`

function decodeBatch(bytes: Uint8Array): Batch {
  const [committeeId, epochId, pub, records, signatures] = objectFields(
    decodeCanonical(bytes, MAX_BATCH_BYTES),
    'batch',
    5,
  )
  if (!(records instanceof Uint8Array) || records.length > 32 * MAX_RECORDS || records.length < 32)
    throw new DecodeError('the hashes of the keys')
  const reader = new Reader(records)
  return {
    committeeId: bytesField(committeeId, 'committeeId', 32),
    epochId: bytesField(epochId, 'epochId', 32),
    pub: bytesField(pub, 'pub', 32),
    records: reader.end(reader.list(records.length >> 5, 32)),
    signatures: signaturesField(signatures),
  }
}

/** A list of `[party, signature of 64 bytes]`. Throws `DecodeError`. */
export const signaturesField = (value: unknown): Signatures =>
  listField(value, 'signatures', MAX_GUESTS).map((entry) => {
    const [party, signature] = listField(entry, 'signature', 2)
    return [uintField(party, 'party', MAX_INDEX), bytesField(signature, 'signature', 64)] as const
  })

/** What a record says; a record of another version is refused by name. Throws `VaultError` RECORD_CORRUPT. */
export function decoded<T>(name: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new VaultError('RECORD_CORRUPT', `the record ${name} is not of this version`, { cause })
  }
}
