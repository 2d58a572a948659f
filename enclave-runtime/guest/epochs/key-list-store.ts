import { bytesToHex } from '@noble/hashes/utils.js'
import { Page, pagesOf } from '../../../protocols/agreement/chain/pages.ts'
import { body } from '../../../protocols/agreement/epoch/body.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import {
  inKeyOrder,
  isListOf,
  type KeyListName,
} from '../../../protocols/agreement/epoch/key-lists.ts'
import type { NamedList } from '../../../protocols/agreement/epoch/record-codec.ts'
import { b32, list, row, uint } from '../../../protocols/agreement/objects/items.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { VaultError } from '../vault/vault-error.ts'
import { type CommitteeVault, PREFIX } from './committee-vault.ts'
import { decodeKeyItem, encodeKeyItem, listKind, MAX_LIST_KEYS } from './list-codec.ts'

/** Pages of 64 KiB that go in one batch of the vault (1 MiB, 04 §2). */
const PAGES_AT_ONCE = 8
const INDEX = `${PREFIX}lists`
/** Lists that lie on disk: one of each epoch, and those of the attempts that run. */
const MAX_LISTS = 4_096

/** A list on disk: its name, and the place of the first key of each of its pages. */
interface Kept extends KeyListName {
  readonly firsts: readonly number[]
}

const index = body<{ readonly kept: readonly Kept[] }>('lists', {
  kept: list(
    row<Kept>({ of: listKind, count: uint, root: b32, firsts: list(uint, MAX_LIST_KEYS) }),
    MAX_LISTS,
  ),
})

/** One name of a list, for maps. */
export const listText = ({ of, count, root }: KeyListName): string =>
  `${of}/${count}/${bytesToHex(root)}`

/**
 * Lists of keys on disk, by root: bulk pages, for ten thousand keys are more than a record holds. A critical record says
 * which there are, before the first page of a list is written and until its last one is gone; what is read is compared
 * with its root.
 */
export class KeyListStore {
  readonly #vault: CommitteeVault
  readonly #kept = new Map<string, Kept>()

  /** Throws `VaultError` RECORD_CORRUPT. */
  constructor(vault: CommitteeVault) {
    this.#vault = vault
    const record = vault.critical(INDEX)
    if (record === undefined) return
    for (const kept of corrupt(INDEX, () => index.decode(record)).kept)
      this.#kept.set(listText(kept), kept)
  }

  has(name: KeyListName): boolean {
    return name.count === 0 || this.#kept.has(listText(name))
  }

  /** Durable when it resolves. */
  async keep({ name, keys }: NamedList): Promise<void> {
    if (this.has(name)) return
    const pages = [...pagesOf(name.root, inKeyOrder(keys).map(encodeKeyItem))]
    this.#kept.set(listText(name), { ...name, firsts: pages.map(({ first }) => first) })
    await this.#writeIndex()
    for (let at = 0; at < pages.length; at += PAGES_AT_ONCE) {
      const some = pages.slice(at, at + PAGES_AT_ONCE)
      await this.#vault.write({
        bulk: new Map(some.map((page) => [pageName(name, page.first), Page.encode(page)])),
      })
    }
  }

  /** Every key of a list that is kept. Throws `VaultError` RECORD_CORRUPT for anything but the list of this name. */
  async read(name: KeyListName): Promise<readonly HeldKey[]> {
    if (name.count === 0) return []
    const keys: HeldKey[] = []
    for (const first of this.#kept.get(listText(name))?.firsts ?? []) {
      const bytes = await this.page(name, first)
      if (bytes === undefined) break
      const { items } = corrupt('a page of keys', () => Page.decode(bytes))
      for (const item of items) keys.push(corrupt('a key', () => decodeKeyItem(item)))
    }
    if (!isListOf(name, keys))
      throw new VaultError('RECORD_CORRUPT', `a list of ${name.count} keys is not that of its root`)
    return keys
  }

  /** The page that begins at this key, encoded; undefined where there is none. */
  async page(name: KeyListName, first: number): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(listText(name))
    return kept?.firsts.includes(first) === true
      ? this.#vault.bulk(pageName(name, first))
      : undefined
  }

  /** Deletes the pages of every list but these. */
  async keepOnly(names: readonly KeyListName[]): Promise<void> {
    const needed = new Set(names.map(listText))
    const gone = [...this.#kept].filter(([text]) => !needed.has(text))
    if (gone.length === 0) return
    for (const [, kept] of gone)
      for (let at = 0; at < kept.firsts.length; at += PAGES_AT_ONCE * 8) {
        const some = kept.firsts.slice(at, at + PAGES_AT_ONCE * 8)
        await this.#vault.write({
          bulk: new Map(some.map((first) => [pageName(kept, first), null])),
        })
      }
    for (const [text] of gone) this.#kept.delete(text)
    await this.#writeIndex()
  }

  #writeIndex(): Promise<void> {
    const record = index.encode({ kept: [...this.#kept.values()] })
    return this.#vault.write({ critical: new Map([[INDEX, record]]) })
  }
}

const pageName = ({ of, root }: KeyListName, first: number): string =>
  `${PREFIX}list/${of}/${bytesToHex(root)}/${first}`

/** What authenticated and yet does not decode was written by another version. */
export function corrupt<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new VaultError('RECORD_CORRUPT', `${what} is not of this version`, { cause })
  }
}
