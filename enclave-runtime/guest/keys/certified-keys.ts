import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { Records } from '../records.ts'
import { decoded } from './held-keys.ts'

const PREFIX = 'certified/'
const FORMAT = 2
const ACCOUNT_BYTES = 16
const HASH_BYTES = 16 // nobody makes keys until two ids share 128 bits
const ENTRY_BYTES: number = ACCOUNT_BYTES + HASH_BYTES
/** Of one of 256 records: more accounts than a committee has, and within the largest record (04 §6). */
const MAX_ENTRIES = 16_000

/**
 * Account → the one key for which this guest speaks, ever: it signs a T, or gives its vote, for no other. These
 * records are critical: a host can neither drop nor restore them, whatever becomes of the account's own record.
 * An entry is part of `certified/<first byte of the account id>`, so that the head covers 256 records and not
 * one per account. Entries are kept as they are stored, sorted, 32 bytes each.
 */
export class CertifiedKeys {
  readonly #parts = new Map<string, Uint8Array>()

  constructor(records: Pick<Records, 'critical' | 'criticalNames'>) {
    for (const name of records.criticalNames(PREFIX)) {
      const record = records.critical(name)
      if (record === undefined) throw new Error(`bug: ${name} is listed and not there`)
      this.#parts.set(
        name,
        decoded(name, () => entriesOf(record)),
      )
    }
  }

  /** Whether this guest spoke for no other key of this account. */
  allows(accountId: Uint8Array, keyId: Uint8Array): boolean {
    const known = this.#find(accountId)
    return known === undefined || known.equals(hashOf(keyId))
  }

  has(accountId: Uint8Array): boolean {
    return this.#find(accountId) !== undefined
  }

  /** The accounts that have a mark, in rising order, above `after`. */
  idsAfter(after: Uint8Array, count: number): readonly Uint8Array[] {
    const found: Uint8Array[] = []
    for (const [, part] of [...this.#parts].sort(([a], [b]) => (a < b ? -1 : 1)))
      for (let at = 0; at < part.length && found.length < count; at += ENTRY_BYTES) {
        const id = part.slice(at, at + ACCOUNT_BYTES)
        if (Buffer.compare(id, after) > 0) found.push(id)
      }
    return found
  }

  /** The accounts whose mark names this key; looks through all of them. */
  accountsOf(keyId: Uint8Array): readonly Uint8Array[] {
    const hash = hashOf(keyId)
    return [...this.#parts.values()].flatMap((part) => {
      const entries = Buffer.from(part.buffer, part.byteOffset, part.length)
      const found: Uint8Array[] = []
      for (let at = entries.indexOf(hash); at >= 0; at = entries.indexOf(hash, at + 1))
        if (at % ENTRY_BYTES === ACCOUNT_BYTES)
          found.push(new Uint8Array(entries.subarray(at - ACCOUNT_BYTES, at)))
      return found
    })
  }

  /** Takes the account's place for this key, in one turn; the record that must be durable before this guest speaks. */
  add(accountId: Uint8Array, keyId: Uint8Array): readonly [name: string, record: Uint8Array] {
    if (!this.allows(accountId, keyId)) throw new Error('bug: a second key of an account')
    return this.set(accountId, keyId)
  }

  /** As `add`, for a key that was decided: whatever this guest spoke for before, the others did not. */
  set(accountId: Uint8Array, keyId: Uint8Array): readonly [name: string, record: Uint8Array] {
    const name = partOf(accountId)
    const entries = this.#parts.get(name) ?? new Uint8Array()
    const { at, found } = placeOf(entries, accountId)
    const next = concatBytes(
      entries.subarray(0, at),
      accountId,
      hashOf(keyId),
      entries.subarray(found ? at + ENTRY_BYTES : at),
    )
    if (next.length > MAX_ENTRIES * ENTRY_BYTES) throw new Error('bug: too many accounts')
    this.#parts.set(name, next)
    return [name, concatBytes(Uint8Array.of(FORMAT), next)]
  }

  #find(accountId: Uint8Array): Buffer | undefined {
    const entries = this.#parts.get(partOf(accountId)) ?? new Uint8Array()
    const { at, found } = placeOf(entries, accountId)
    return found ? Buffer.from(entries.subarray(at + ACCOUNT_BYTES, at + ENTRY_BYTES)) : undefined
  }
}

/** Where the entry of this account is, or would be. */
function placeOf(entries: Uint8Array, accountId: Uint8Array): { at: number; found: boolean } {
  let [low, high] = [0, entries.length / ENTRY_BYTES]
  while (low < high) {
    const middle = (low + high) >> 1
    const at = middle * ENTRY_BYTES
    const order = Buffer.compare(entries.subarray(at, at + ACCOUNT_BYTES), accountId)
    if (order === 0) return { at, found: true }
    if (order < 0) low = middle + 1
    else high = middle
  }
  return { at: low * ENTRY_BYTES, found: false }
}

/** Throws `DecodeError`, also for a record of an older version. */
function entriesOf(record: Uint8Array): Uint8Array {
  const entries = record.slice(1)
  if (record[0] !== FORMAT || entries.length % ENTRY_BYTES !== 0) throw new DecodeError('marks')
  return entries
}

const hashOf = (keyId: Uint8Array): Uint8Array => blake3(keyId, { dkLen: HASH_BYTES })
const partOf = (accountId: Uint8Array): string =>
  PREFIX + Buffer.from(accountId.subarray(0, 1)).toString('hex')
