import { Reader, u32 } from '../../../protocols/session/codec.ts'
import { BoundedMap } from '../bounded-map.ts'
import { decoded, type HeldKeys } from '../keys/held-keys.ts'
import type { Records } from '../records.ts'
import type { VaultChanges } from '../vault/vault.ts'
import { type Account, accountOf, decodeAccount, encodeAccount } from './account.ts'

/** Accounts kept in memory; the others are a read away. About 1 kB each. */
const MAX_CACHED = 10_000
const COUNT = 'accounts/count'

/** The accounts of this committee: bulk records, one per account (04 §6). */
export class AccountStore {
  readonly #records: Pick<Records, 'critical' | 'bulk' | 'write'>
  readonly #held: Pick<HeldKeys, 'certificateOf'>
  readonly #cache = new BoundedMap<Account>(MAX_CACHED)
  #count: number

  constructor(
    records: Pick<Records, 'critical' | 'bulk' | 'write'>,
    held: Pick<HeldKeys, 'certificateOf'>,
  ) {
    this.#records = records
    this.#held = held
    const counted = records.critical(COUNT)
    this.#count = counted === undefined ? 0 : new Reader(counted).u32()
  }

  get count(): number {
    return this.#count
  }

  async get(id: Uint8Array): Promise<Account | undefined> {
    const cached = this.#cache.get(id)
    if (cached !== undefined) return cached
    const name = nameOf(id)
    const record = await this.#records.bulk(name)
    if (record === undefined) return undefined
    const { digest, credential, keyId, part, votes } = decoded(name, () => decodeAccount(record))
    const certificate = await this.#held.certificateOf(keyId, part)
    const account = accountOf(id, digest, credential, certificate, votes)
    this.#cache.set(id, account)
    return account
  }

  /** A new account and what goes with it, asked for at the write, in one batch; durable when it resolves. */
  async add(
    account: Account,
    alongside: () => Pick<VaultChanges, 'critical' | 'bulk'>,
  ): Promise<void> {
    if ((await this.get(account.id)) !== undefined) throw new Error('bug: an account added twice')
    const count = ++this.#count
    const { critical, bulk } = alongside()
    await this.#records.write({
      bulk: new Map([[nameOf(account.id), encodeAccount(account)], ...(bulk ?? [])]),
      critical: new Map([[COUNT, u32(count)], ...(critical ?? [])]),
    })
    this.#cache.set(account.id, account)
  }
}

const nameOf = (id: Uint8Array): string => `account/${Buffer.from(id).toString('hex')}`
