import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { body } from '../../../protocols/agreement/epoch/body.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { decodeRecord, encodeRecord } from '../../../protocols/agreement/epoch/record-codec.ts'
import { b32, uint } from '../../../protocols/agreement/objects/items.ts'
import { VaultError } from '../vault/vault-error.ts'
import { type CommitteeVault, PREFIX } from './committee-vault.ts'
import { corrupt } from './key-list-store.ts'

/** Records to write in one batch of the vault. */
export interface Rows {
  readonly critical: Map<string, Uint8Array | null>
  readonly bulk: Map<string, Uint8Array | null>
}

interface Tip {
  readonly count: number
  /** BLAKE3 over the tip before and the record. */
  readonly hash: Uint8Array
}

const tip = body<Tip>('made', { count: uint, hash: b32 })
const NOTHING: Tip = { count: 0, hash: new Uint8Array(32) }
const TIPS = `${PREFIX}made/`
const rowName = (e: number, at: number): string => `${PREFIX}made/${e}/${at}`
/** Rows that are deleted in one batch. */
const ROWS_AT_ONCE = 128

/**
 * Keys made in the base, as a chain: each a bulk record, and one critical record with the hash over all of them. A
 * critical record for each would be read, hashed and listed at every promise.
 */
export class MadeKeys {
  readonly #vault: CommitteeVault
  readonly #tips = new Map<number, Tip>()
  readonly #ids = new Map<number, Set<string>>()

  constructor(vault: CommitteeVault) {
    this.#vault = vault
    for (const name of vault.criticalNames(TIPS)) {
      const record = vault.critical(name)
      if (record !== undefined)
        this.#tips.set(
          Number(name.slice(TIPS.length)),
          corrupt(name, () => tip.decode(record)),
        )
    }
  }

  /** Those made in epoch e, in the order in which they came. Throws `VaultError` RECORD_CORRUPT. */
  async load(e: number): Promise<readonly HeldKey[]> {
    const wanted = this.#tips.get(e) ?? NOTHING
    const keys: HeldKey[] = []
    let { hash } = NOTHING
    for (let at = 0; at < wanted.count; at++) {
      const record = await this.#vault.bulk(rowName(e, at))
      if (record === undefined) break
      hash = blake3(concatBytes(hash, record))
      keys.push(corrupt('a key', () => decodeRecord('key', record)).complete([]))
    }
    if (keys.length !== wanted.count || bytesToHex(hash) !== bytesToHex(wanted.hash))
      throw new VaultError(
        'RECORD_CORRUPT',
        `the keys made in epoch ${e} are not those of the chain`,
      )
    this.#ids.set(e, new Set(keys.map(({ keyId }) => bytesToHex(keyId))))
    return keys
  }

  /** Adds a key to what is written; accepted when the batch is durable, for writes come one after another. */
  add(e: number, key: HeldKey, rows: Rows): void {
    const ids = this.#ids.get(e) ?? new Set<string>()
    this.#ids.set(e, ids)
    const id = bytesToHex(key.keyId)
    if (ids.has(id)) return
    ids.add(id)
    const { count, hash } = this.#tips.get(e) ?? NOTHING
    const { bytes } = encodeRecord('key', key)
    const next = { count: count + 1, hash: blake3(concatBytes(hash, bytes)) }
    rows.bulk.set(rowName(e, count), bytes)
    rows.critical.set(TIPS + e, tip.encode(next))
    this.#tips.set(e, next)
  }

  /** Deletes what was made before epoch e: it is in a record by now. */
  async forgetBefore(e: number): Promise<void> {
    for (const [before, { count }] of [...this.#tips]) {
      if (before >= e) continue
      for (let at = 0; at < count; at += ROWS_AT_ONCE) {
        const rows = Array.from(
          { length: Math.min(ROWS_AT_ONCE, count - at) },
          (_, i) => [rowName(before, at + i), null] as const,
        )
        await this.#vault.write({ bulk: new Map(rows) })
      }
      await this.#vault.write({ critical: new Map([[TIPS + before, null]]) })
      this.#tips.delete(before)
      this.#ids.delete(before)
    }
  }
}
