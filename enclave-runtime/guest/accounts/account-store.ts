import { BoundedMap } from '../bounded-map.ts'
import type { Records } from '../records.ts'
import { type Account, decodeAccount, encodeAccount } from './account.ts'

/** Accounts kept in memory; the others are a read away. About 1 kB each. */
const MAX_CACHED = 10_000

/** The accounts of this committee: bulk records, one per account (04 §6). */
export class AccountStore {
  readonly #records: Records
  readonly #cache = new BoundedMap<Account>(MAX_CACHED)
  #count = 0

  constructor(records: Records) {
    this.#records = records
  }

  /** How many there are since this start, and before it as far as they were read. */
  get count(): number {
    return this.#count
  }

  async get(id: Uint8Array): Promise<Account | undefined> {
    const cached = this.#cache.get(id)
    if (cached !== undefined) return cached
    const record = await this.#records.get('b', nameOf(id))
    if (record === undefined) return undefined
    const account = decodeAccount(record)
    if (this.#cache.get(id) === undefined) this.#count++
    this.#cache.set(id, account)
    return account
  }

  /** Durable when it resolves. */
  async put(account: Account): Promise<void> {
    if ((await this.get(account.id)) === undefined) this.#count++
    await this.#records.put('b', nameOf(account.id), encodeAccount(account))
    this.#cache.set(account.id, account)
  }
}

const nameOf = (id: Uint8Array): string => `account/${Buffer.from(id).toString('hex')}`
