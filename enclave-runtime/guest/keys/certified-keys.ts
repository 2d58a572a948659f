import { blake3 } from '@noble/hashes/blake3.js'
import { bytesField, listField, objectFields } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { Records } from '../records.ts'

const PREFIX = 'certified/'
/** Of one of 256 records: more accounts than a committee has. */
const MAX_ENTRIES = 10_000
const MAX_BYTES = 512 * 1024 // the largest record (04 §6)

/**
 * Account → BLAKE3 of the one key for which this guest signs a T, ever. These records are critical: a
 * host can neither drop nor restore them, whatever becomes of the account's own record. An entry is
 * part of `certified/<first byte of the account id>`, so that the head covers 256 records and not one
 * per account.
 */
export class CertifiedKeys {
  readonly #parts = new Map<string, Map<string, Uint8Array>>()

  constructor(records: Pick<Records, 'critical' | 'criticalNames'>) {
    for (const name of records.criticalNames(PREFIX)) {
      const record = records.critical(name)
      if (record === undefined) throw new Error(`bug: ${name} is listed and not there`)
      this.#parts.set(name, decodePart(record))
    }
  }

  /** Whether no other key of this account was certified here. */
  allows(accountId: Uint8Array, keyId: Uint8Array): boolean {
    const known = this.#find(accountId)
    return known === undefined || known.equals(blake3(keyId))
  }

  has(accountId: Uint8Array): boolean {
    return this.#find(accountId) !== undefined
  }

  /** Takes the account's place for this key, in one turn; the record that must be durable before T is signed. */
  add(accountId: Uint8Array, keyId: Uint8Array): readonly [name: string, record: Uint8Array] {
    if (!this.allows(accountId, keyId)) throw new Error('bug: a second key of an account')
    const name = partOf(accountId)
    const part = this.#parts.get(name) ?? new Map<string, Uint8Array>()
    this.#parts.set(name, part.set(hex(accountId), blake3(keyId)))
    return [name, encodePart(part)]
  }

  #find(accountId: Uint8Array): Buffer | undefined {
    const known = this.#parts.get(partOf(accountId))?.get(hex(accountId))
    return known && Buffer.from(known)
  }
}

const encodePart = (part: ReadonlyMap<string, Uint8Array>): Uint8Array =>
  encodeCanonical([
    'certified',
    1,
    [...part].sort().map(([account, hash]) => [Buffer.from(account, 'hex'), hash]),
  ])

/** Throws `DecodeError`. */
function decodePart(bytes: Uint8Array): Map<string, Uint8Array> {
  const [entries] = objectFields(decodeCanonical(bytes, MAX_BYTES), 'certified', 1)
  return new Map(
    listField(entries, 'entries', MAX_ENTRIES).map((entry) => {
      const [account, hash] = listField(entry, 'entry', 2)
      if (hash === undefined) throw new DecodeError('an entry has two fields')
      return [hex(bytesField(account, 'account', 16)), bytesField(hash, 'hash', 32)]
    }),
  )
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const partOf = (accountId: Uint8Array): string => PREFIX + hex(accountId.subarray(0, 1))
