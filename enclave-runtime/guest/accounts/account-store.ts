import { Reader, u32 } from '../../../protocols/session/codec.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Records } from '../records.ts'
import { type Account, decodeAccount, encodeAccount } from './account.ts'

/** Accounts kept in memory; the others are a read away. About 1 kB each. */
const MAX_CACHED = 10_000
const COUNT = 'accounts/count'

/** The accounts of this committee: bulk records, one per account (04 §6). */
export class AccountStore {
  readonly #records: Records
  readonly #cache = new BoundedMap<Account>(MAX_CACHED)
  #count: number

  constructor(records: Records) {
    this.#records = records
    const counted = records.critical(COUNT)
    this.#count = counted === undefined ? 0 : new Reader(counted).u32()
  }

  get count(): number {
    return this.#count
  }

  async get(id: Uint8Array): Promise<Account | undefined> {
    const cached = this.#cache.get(id)
    if (cached !== undefined) return cached
    const record = await this.#records.bulk(nameOf(id))
    if (record === undefined) return undefined
    const account = decodeAccount(record)
    this.#cache.set(id, account)
    return account
  }

  /** A new account and the critical records that go with it, asked for at the write, in one batch; durable when it resolves. */
  async add(
    account: Account,
    alongside: () => readonly (readonly [string, Uint8Array | null])[],
  ): Promise<void> {
    if ((await this.get(account.id)) !== undefined) throw new Error('bug: an account added twice')
    const count = ++this.#count
    await this.#records.write({
      bulk: new Map([[nameOf(account.id), encodeAccount(account)]]),
      critical: new Map([[COUNT, u32(count)], ...alongside()]),
    })
    this.#cache.set(account.id, account)
  }
}

const nameOf = (id: Uint8Array): string => `account/${Buffer.from(id).toString('hex')}`
