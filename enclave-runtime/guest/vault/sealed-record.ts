import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Random } from '../../../protocols/crypto/random.ts'
import { aeadOpen, aeadSeal } from '../noise-suite.ts'
import { VaultError } from './vault-error.ts'

/** Class letters of 04 §6. */
export type RecordClass = 'm' | 'r' | 'c' | 'h' | 'b' | 'k' | 's'

/** Everything a sealed record is bound to besides its key. */
export interface RecordPlace {
  readonly network: Uint8Array
  readonly class: RecordClass
  readonly epoch: bigint
  readonly name: string
}

const FORMAT = 1
const HEAD_BYTES = 42 // format 1, class 1, write 8, salt 32
const TAG_BYTES = 16
export const MAX_SEALED_BYTES: number = 512 * 1024 // 04 §6
export const MAX_PLAIN_BYTES: number = MAX_SEALED_BYTES - HEAD_BYTES - TAG_BYTES
const RECORD_KEY: Uint8Array = utf8ToBytes('holdfast/1/seal/record')
const AAD: Uint8Array = utf8ToBytes('holdfast/1/seal/aad')
const ZERO_NONCE: Uint8Array = new Uint8Array(12) // each write has a key of its own

/** `01 | class | write u64be | salt 32 | ct | tag 16` (04 §6). */
export function sealRecord(
  key: Uint8Array,
  place: RecordPlace,
  write: bigint,
  plaintext: Uint8Array,
  random: Random,
): Uint8Array {
  if (plaintext.length > MAX_PLAIN_BYTES)
    throw new Error(`bug: a record of ${plaintext.length} bytes`)
  const salt = random(32)
  const recordKey = keyOf(key, salt)
  const head = new Uint8Array(10)
  head[0] = FORMAT
  head[1] = place.class.charCodeAt(0)
  head.set(u64be(write), 2)
  const sealed = aeadSeal(recordKey, ZERO_NONCE, aadOf(place, write), plaintext)
  recordKey.fill(0)
  return concatBytes(head, salt, sealed)
}

/** Throws `VaultError` RECORD_CORRUPT for everything that `sealRecord` did not make for this place. */
export function openRecord(
  key: Uint8Array,
  place: RecordPlace,
  record: Uint8Array,
): { plaintext: Uint8Array; write: bigint } {
  const corrupt = () =>
    new VaultError('RECORD_CORRUPT', `the record ${place.name} is altered or lies in another place`)
  if (record.length < HEAD_BYTES + TAG_BYTES || record.length > MAX_SEALED_BYTES) throw corrupt()
  if (record[0] !== FORMAT || record[1] !== place.class.charCodeAt(0)) throw corrupt()
  const write = new DataView(record.buffer, record.byteOffset).getBigUint64(2)
  const recordKey = keyOf(key, record.slice(10, HEAD_BYTES))
  const sealed = record.subarray(HEAD_BYTES)
  const plaintext = aeadOpen(recordKey, ZERO_NONCE, aadOf(place, write), sealed)
  recordKey.fill(0)
  if (plaintext === undefined) throw corrupt()
  return { plaintext, write }
}

const keyOf = (key: Uint8Array, salt: Uint8Array): Uint8Array =>
  blake3(concatBytes(RECORD_KEY, salt), { key })

function aadOf(place: RecordPlace, write: bigint): Uint8Array {
  const name = utf8ToBytes(place.name)
  return concatBytes(
    AAD,
    place.network,
    Uint8Array.of(place.class.charCodeAt(0)),
    u64be(place.epoch),
    Uint8Array.of(name.length >> 8, name.length & 255),
    name,
    u64be(write),
  )
}

export function u64be(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value)
  return bytes
}
