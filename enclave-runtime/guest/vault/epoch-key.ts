import type { Random } from '../../../protocols/crypto/random.ts'
import { Secret } from '../../../protocols/crypto/secret.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { type SealingBackend, SealingError } from '../../sealing/backend.ts'
import { recordHash } from './head.ts'
import { openRecord, type RecordPlace, sealRecord } from './sealed-record.ts'
import { VaultError } from './vault-error.ts'
import { wrapKey } from './vault-keys.ts'

const MAX_FACTS_BYTES = 1024 // backend data is small in every backend of 04 §7

/** What a critical record says of an epoch: the backend's data, and which record `epoch/key` is the true one. */
export interface EpochFacts {
  readonly data: Uint8Array
  readonly keyHash: Uint8Array
}

export const FACTS_PREFIX = 'epoch/'

/** Logical name of the critical record that holds them. */
export const epochFactsName = (epoch: bigint): string =>
  FACTS_PREFIX + epoch.toString(16).padStart(8, '0')

/** The epoch of such a name. */
export const epochOfFacts = (name: string): bigint => BigInt(`0x${name.slice(FACTS_PREFIX.length)}`)

export const encodeFacts = ({ data, keyHash }: EpochFacts): Uint8Array =>
  encodeCanonical([1, data, keyHash])

/** In the place of the facts from the moment on at which the epoch is to be destroyed (04 §9). */
export const encodeErasing = (): Uint8Array => encodeCanonical([2])

/** Throws `DecodeError`. */
export function decodeFacts(bytes: Uint8Array): EpochFacts | 'erasing' {
  const fields = decodeCanonical(bytes, MAX_FACTS_BYTES)
  if (!Array.isArray(fields)) throw new DecodeError('epoch')
  const [format, data, keyHash]: unknown[] = fields
  if (format === 2 && fields.length === 1) return 'erasing'
  if (format !== 1 || fields.length !== 3) throw new DecodeError('epoch')
  if (!(data instanceof Uint8Array) || !(keyHash instanceof Uint8Array))
    throw new DecodeError('epoch')
  return { data, keyHash }
}

/** A fresh K_e and its sealed record (04 §9 step 1); nothing relies on it before the batch that names it. */
export async function makeEpochKey(
  backend: SealingBackend,
  place: RecordPlace,
  random: Random,
): Promise<{ key: Secret<Uint8Array>; record: Uint8Array; facts: EpochFacts }> {
  const device = await backend.root()
  const { secret, data } = await backend.makeEpoch(place.epoch)
  const wrap = wrapKey(device.expose(), secret.expose(), place.network, place.epoch)
  secret.destroy()
  const key = random(32)
  const record = sealRecord(wrap, place, 0n, key, random)
  wrap.fill(0)
  return { key: new Secret(key), record, facts: { data, keyHash: recordHash(record) } }
}

/** K_e again. Throws `VaultError`: ROLLBACK, RECORD_CORRUPT, EPOCH_ERASED, WRONG_DEVICE. */
export async function openEpochKey(
  backend: SealingBackend,
  place: RecordPlace,
  facts: EpochFacts,
  record: Uint8Array | undefined,
): Promise<Secret<Uint8Array>> {
  if (record === undefined)
    throw new VaultError('RECORD_CORRUPT', `the key of epoch ${place.epoch} is missing`)
  if (!Buffer.from(facts.keyHash).equals(recordHash(record)))
    throw new VaultError('ROLLBACK', `the key of epoch ${place.epoch} is not the one last written`)
  const device = await backend.root()
  const secret = await openSecret(backend, place.epoch, facts.data)
  const wrap = wrapKey(device.expose(), secret.expose(), place.network, place.epoch)
  secret.destroy()
  const { plaintext } = openRecord(wrap, place, record)
  wrap.fill(0)
  return new Secret(plaintext)
}

async function openSecret(
  backend: SealingBackend,
  epoch: bigint,
  data: Uint8Array,
): Promise<Secret<Uint8Array>> {
  try {
    return await backend.openEpoch(epoch, data)
  } catch (cause) {
    if (cause instanceof SealingError && cause.code === 'EPOCH_ERASED')
      throw new VaultError('EPOCH_ERASED', cause.message, { cause })
    if (cause instanceof SealingError && cause.code === 'WRONG_DEVICE')
      throw new VaultError('WRONG_DEVICE', cause.message, { cause })
    throw cause
  }
}
