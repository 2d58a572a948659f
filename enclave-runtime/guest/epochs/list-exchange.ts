import { Page } from '../../../protocols/agreement/chain/pages.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { isListOf, type KeyListName } from '../../../protocols/agreement/epoch/key-lists.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { Clock } from '../sessions/clock.ts'
import { listText } from './key-list-store.ts'
import { decodeKeyItem, ListAsk, MAX_LIST_KEYS } from './list-codec.ts'

/** Lists that are fetched at once, and messages that wait for one, in all. */
const MAX_FETCHES = 4
const MAX_WAITING = 32
/** Bytes of one list: what it is fetched for is then nothing that a guest can hold. */
const MAX_LIST_BYTES: number = 32 * 1024 * 1024
/** The question is sent again when no page came for so long, and given up after some of those. */
const ASK_MS = 2_000
const MAX_ASKS = 8
/** Lists that were fetched and that the next sending of the same message needs again. */
const KEPT = 8

export interface ListExchangeInit {
  send(to: string, bytes: Uint8Array): void
  readonly clock: Pick<Clock, 'after'>
  /** A list that this guest can put together of the keys it holds. */
  held(name: KeyListName): readonly HeldKey[] | undefined
  /** One on disk. */
  stored(name: KeyListName): Promise<readonly HeldKey[] | undefined>
  /** A page of one on disk. */
  page(name: KeyListName, first: number): Promise<Uint8Array | undefined>
}

interface Fetch {
  readonly name: KeyListName
  readonly from: string
  readonly keys: HeldKey[]
  readonly done: PromiseWithResolvers<readonly HeldKey[] | undefined>
  bytes: number
  asks: number
  cancel: () => void
}

/** Lists of keys by root: those that a message names, from memory, from disk, or page by page from who sent it (03 §4.5). */
export class ListExchange {
  readonly #init: ListExchangeInit
  readonly #fetches = new Map<string, Fetch>()
  readonly #fetched = new Map<string, readonly HeldKey[]>()
  #waiting = 0

  constructor(init: ListExchangeInit) {
    this.#init = init
  }

  /** The lists of these names; undefined when one of them cannot be had of that sender now. */
  async find(
    names: readonly KeyListName[],
    from: string,
  ): Promise<readonly (readonly HeldKey[])[] | undefined> {
    if (this.#waiting >= MAX_WAITING) return undefined
    this.#waiting++
    try {
      const found = await Promise.all(names.map((name) => this.#find(name, from)))
      const lists = found.flatMap((list) => (list === undefined ? [] : [list]))
      return lists.length === names.length ? lists : undefined
    } finally {
      this.#waiting--
    }
  }

  /** Somebody asks for a page. */
  async onAsk(from: string, { first, ...name }: ListAsk): Promise<void> {
    const page = await this.#init.page(name, first)
    if (page !== undefined) this.#init.send(from, page)
  }

  /** A page that this guest asked for, or one that it did not. Throws `DecodeError`. */
  onPage(from: string, bytes: Uint8Array): void {
    const { root, first, items } = Page.decode(bytes)
    for (const fetch of this.#fetches.values()) {
      if (fetch.from !== from || !sameBytes(fetch.name.root, root)) continue
      if (first === fetch.keys.length) this.#take(fetch, items)
    }
  }

  /** Nothing is waited for any more. */
  close(): void {
    for (const fetch of [...this.#fetches.values()]) this.#end(fetch, undefined)
  }

  async #find(name: KeyListName, from: string): Promise<readonly HeldKey[] | undefined> {
    if (name.count === 0) return isListOf(name, []) ? [] : undefined
    if (name.count > MAX_LIST_KEYS) return undefined
    const known = this.#fetched.get(listText(name)) ?? this.#init.held(name)
    return known ?? (await this.#init.stored(name)) ?? this.#fetch(name, from)
  }

  #fetch(name: KeyListName, from: string): Promise<readonly HeldKey[] | undefined> {
    const text = listText(name)
    const running = this.#fetches.get(text)
    if (running !== undefined) return running.done.promise
    if (this.#fetches.size >= MAX_FETCHES) return Promise.resolve(undefined)
    const done = Promise.withResolvers<readonly HeldKey[] | undefined>()
    const fetch: Fetch = { name, from, keys: [], done, bytes: 0, asks: 0, cancel: () => {} }
    this.#fetches.set(text, fetch)
    this.#ask(fetch)
    return done.promise
  }

  #ask(fetch: Fetch): void {
    const { name, from, keys } = fetch
    if (fetch.asks++ >= MAX_ASKS) {
      this.#end(fetch, undefined)
      return
    }
    fetch.cancel = this.#init.clock.after(ASK_MS, () => this.#ask(fetch))
    this.#init.send(from, ListAsk.encode({ ...name, first: keys.length }))
  }

  #take(fetch: Fetch, items: readonly Uint8Array[]): void {
    const { name, keys } = fetch
    fetch.cancel()
    try {
      for (const item of items) {
        fetch.bytes += item.length
        if (keys.push(decodeKeyItem(item)) > name.count || fetch.bytes > MAX_LIST_BYTES)
          throw new DecodeError('more keys than were named')
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#end(fetch, undefined)
      return
    }
    if (keys.length < name.count) {
      fetch.asks = 0
      this.#ask(fetch)
    } else this.#end(fetch, isListOf(name, keys) ? keys : undefined)
  }

  #end(fetch: Fetch, keys: readonly HeldKey[] | undefined): void {
    fetch.cancel()
    this.#fetches.delete(listText(fetch.name))
    if (keys !== undefined) {
      this.#fetched.set(listText(fetch.name), keys)
      const [oldest] = this.#fetched.keys()
      if (this.#fetched.size > KEPT && oldest !== undefined) this.#fetched.delete(oldest)
    }
    fetch.done.resolve(keys)
  }
}
