import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import type { KeyListName } from '../../../protocols/agreement/epoch/key-lists.ts'
import type { Incomplete } from '../../../protocols/agreement/epoch/message-codec.ts'
import {
  decodeRecord,
  encodeRecord,
  FAMILIES,
  type NamedList,
} from '../../../protocols/agreement/epoch/record-codec.ts'
import {
  type Change,
  type Families,
  type Family,
  put,
} from '../../../protocols/agreement/epoch/records.ts'
import { VaultError } from '../vault/vault-error.ts'
import { type CommitteeVault, PREFIX } from './committee-vault.ts'
import { corrupt, KeyListStore } from './key-list-store.ts'
import { MadeKeys, type Rows } from './made-keys.ts'

/** Of attempts at an epoch: nobody asks for them once that is decided. Path: the epoch they are about, then k. */
const OF_ATTEMPTS: ReadonlySet<string> = new Set(['att', 'qb', 'abort', 'ready', 'fault', 'tail'])
/** Names below the prefix that are no families. */
const OTHERS = [`${PREFIX}made/`, `${PREFIX}lists`]
/** What this guest saw of others: an older copy of it says nothing false, and a critical one would never come to rest, each write being seen by others. */
const SEEN = `${PREFIX}seen`

/**
 * What the epoch protocol remembers (03 §4.1), in the vault: critical records, so that a restored one is found, and
 * beside them lists of keys by root. `values` is what is durable.
 */
export class CommitteeRecords {
  readonly #vault: CommitteeVault
  readonly #lists: KeyListStore
  readonly #made: MadeKeys
  readonly #values = new Map<string, unknown>()
  /** Lists that a record names, by the name of the record. */
  readonly #names = new Map<string, readonly KeyListName[]>()

  private constructor(vault: CommitteeVault) {
    this.#vault = vault
    this.#lists = new KeyListStore(vault)
    this.#made = new MadeKeys(vault)
  }

  /** Throws `VaultError` RECORD_CORRUPT. */
  static async load(vault: CommitteeVault): Promise<CommitteeRecords> {
    const records = new CommitteeRecords(vault)
    await records.#load()
    return records
  }

  /** By name, without the prefix. */
  get values(): ReadonlyMap<string, unknown> {
    return this.#values
  }

  get<F extends Family>(
    family: F,
    path: readonly (number | string)[] = [],
  ): Families[F] | undefined {
    return this.#values.get([family, ...path].join('/')) as Families[F] | undefined
  }

  /** One batch, all of it or nothing, durable when it resolves. Throws `VaultError` STORE_FAILED. */
  async write(batch: readonly Change[]): Promise<void> {
    const rows: Rows = { critical: new Map(), bulk: new Map() }
    const lists = new Map<string, readonly NamedList[]>()
    let seqAtLeast = 0
    const changes = [...batch, ...this.#outdatedBy(batch)]
    for (const { key, value } of changes) {
      const [family = '', ...path] = key.split('/')
      if (value === undefined) rows.critical.set(PREFIX + key, null)
      else if (family === 'seq') seqAtLeast = value as Families['seq']
      else if (family === 'key') this.#made.add(Number(path[0]), value as HeldKey, rows)
      else {
        const stored = encodeRecord(family as Family, value)
        if (family === 'seen') rows.bulk.set(SEEN, stored.bytes)
        else rows.critical.set(PREFIX + key, stored.bytes)
        lists.set(key, stored.lists)
      }
    }
    for (const list of [...lists.values()].flat()) await this.#lists.keep(list)
    await this.#vault.write(seqAtLeast > 0 ? { ...rows, seqAtLeast } : rows)
    for (const { key, value } of changes) this.#take(key, value, lists.get(key))
    if (batch.some(({ key }) => key === 'pointer')) await this.#tidy()
  }

  /** A list that some record names, from disk; undefined where nobody has it. */
  async list(name: KeyListName): Promise<readonly HeldKey[] | undefined> {
    return this.#lists.has(name) ? this.#lists.read(name) : undefined
  }

  /** A page of it, encoded, for whoever asks. */
  page(name: KeyListName, first: number): Promise<Uint8Array | undefined> {
    return this.#lists.page(name, first)
  }

  #take(key: string, value: unknown, lists: readonly NamedList[] | undefined): void {
    if (value === undefined) {
      this.#values.delete(key)
      this.#names.delete(key)
      return
    }
    this.#values.set(key, value)
    if (lists !== undefined && lists.length > 0)
      this.#names.set(
        key,
        lists.map(({ name }) => name),
      )
  }

  /** What a pointer to a later epoch makes superfluous. */
  #outdatedBy(batch: readonly Change[]): Change[] {
    const pointer = batch.find(({ key }) => key === 'pointer')?.value as
      | Families['pointer']
      | undefined
    if (pointer === undefined) return []
    return [...this.#values.keys()]
      .filter((key) => {
        const [family = '', e] = key.split('/')
        if (OF_ATTEMPTS.has(family)) return Number(e) <= pointer.e
        return family === 'frozen' && Number(e) < pointer.e
      })
      .map((key) => ({ key, value: undefined }))
  }

  /** Keys of epochs before the pointer are not held in memory, and keys made in them not at all. */
  async #tidy(): Promise<void> {
    const e = this.get('pointer')?.e ?? 0
    for (const [key, value] of this.#values) {
      const [family, of] = key.split('/')
      if (family === 'key' && Number(of) < e) this.#values.delete(key)
      if (family === 'cert' && Number(of) < e)
        this.#values.set(key, { ...(value as Families['cert']), keys: null })
    }
    await this.#made.forgetBefore(e)
    await this.#lists.keepOnly([...this.#names.values()].flat())
  }

  async #load(): Promise<void> {
    const found = new Map<string, Incomplete<unknown>>()
    for (const name of this.#vault.criticalNames(PREFIX)) {
      if (OTHERS.some((other) => name.startsWith(other))) continue
      const key = name.slice(PREFIX.length)
      const [family = ''] = key.split('/')
      const record = this.#vault.critical(name)
      if (record === undefined || !(FAMILIES as readonly string[]).includes(family))
        throw new VaultError('RECORD_CORRUPT', `the record ${name} is of no family`)
      found.set(
        key,
        corrupt(name, () => decodeRecord(family as Family, record)),
      )
    }
    const seen = await this.#vault.bulk(SEEN)
    if (seen !== undefined)
      found.set(
        'seen',
        corrupt(SEEN, () => decodeRecord('seen', seen)),
      )
    const last = Math.max(...[...found.keys()].map((key) => epochOfCert(key)))
    for (const [key, { lists, complete }] of found) {
      if (lists.length > 0) this.#names.set(key, lists)
      // Of a certificate that was learnt without its keys, the list is still to come.
      const isBare = lists.some((name) => !this.#lists.has(name)) || epochOfCert(key) < last
      const isRead = !key.startsWith('cert/') || !isBare
      const keys = isRead ? await Promise.all(lists.map((name) => this.#lists.read(name))) : []
      this.#values.set(key, complete(keys))
    }
    for (const key of await this.#made.load(Math.max(0, last)))
      this.#values.set(
        put('key', [Math.max(0, last), Buffer.from(key.keyId).toString('hex')], key).key,
        key,
      )
    await this.#tidy()
  }
}

/** -1 for a record that is no certificate. */
const epochOfCert = (key: string): number => {
  const [family, e] = key.split('/')
  return family === 'cert' ? Number(e) : -1
}
