import type { Random } from '../../../protocols/crypto/random.ts'
import type { SealingBackend } from '../../sealing/backend.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { MAX_BATCH_ROWS } from './commit.ts'
import type { CriticalRecords } from './critical-records.ts'
import { decoded } from './decoded.ts'
import {
  decodeFacts,
  encodeErasing,
  encodeFacts,
  epochFactsName,
  epochOfFacts,
  FACTS_PREFIX,
  makeEpochKey,
  openEpochKey,
} from './epoch-key.ts'
import { EpochKeys } from './epoch-keys.ts'
import { epochNumber } from './epoch-name.ts'
import { scanRows } from './scan-rows.ts'
import type { RecordPlace } from './sealed-record.ts'
import type { SealedStore } from './sealed-store.ts'
import type { Batch } from './vault.ts'
import { epochPrefix, storeName } from './vault-keys.ts'

const MAX_ROWS = 1_000_000 // of one epoch; what a lying store may make us read

export interface EpochVaultInit {
  readonly backend: SealingBackend
  readonly store: SealedStore
  readonly network: Uint8Array
  readonly random: Random
  /** K_name, lent. */
  readonly names: () => Uint8Array
  readonly records: Pick<CriticalRecords, 'get' | 'names'>
  /** In turn with all other writes of the vault. */
  readonly write: (batch: Batch) => Promise<void>
  /** An epoch's records do not open any more. */
  readonly onDestroyed: () => void
}

/** Makes, opens and destroys the keys of epochs, one at a time (04 §9). */
export class EpochVault {
  readonly keys: EpochKeys = new EpochKeys()
  readonly #init: EpochVaultInit
  #last: Promise<void> = Promise.resolve()

  constructor(init: EpochVaultInit) {
    this.#init = init
  }

  /** Whether no epoch was ever made here, or every one was destroyed. */
  get isEmpty(): boolean {
    return this.#facts().length === 0
  }

  /** At a start: the key of every epoch that lives. Throws `VaultError`: ROLLBACK, RECORD_CORRUPT, EPOCH_ERASED, WRONG_DEVICE. */
  async open(): Promise<void> {
    const { backend, store } = this.#init
    for (const { number, facts } of this.#facts()) {
      if (facts === 'erasing') continue
      const place = this.#place(number)
      const record = await store.get(this.#storeName(place))
      this.keys.add(number, await openEpochKey(backend, place, facts, record))
    }
  }

  /** At a start: what was being destroyed is destroyed. */
  async resume(): Promise<void> {
    for (const { number, facts } of this.#facts())
      if (facts === 'erasing') await this.#destroy(number)
  }

  make(epoch: EpochName): Promise<void> {
    const number = epochNumber(epoch)
    return this.#inTurn(() => this.#make(number))
  }

  destroy(epoch: EpochName): Promise<void> {
    const number = epochNumber(epoch)
    this.keys.close(number) // whatever waits in front, nothing more is written or read under it
    return this.#inTurn(() => this.#destroy(number))
  }

  close(): void {
    this.keys.closeAll()
  }

  async #make(number: bigint): Promise<void> {
    const { backend, random, write } = this.#init
    if (this.keys.has(number)) return
    await backend.erase(number) // what a crash left behind before any record named it
    const place = this.#place(number)
    const { key, record, facts } = await makeEpochKey(backend, place, random)
    try {
      await write({
        critical: new Map([[epochFactsName(number), encodeFacts(facts)]]),
        rows: new Map([[this.#storeName(place), record]]),
      })
    } catch (error) {
      key.destroy()
      throw error
    }
    this.keys.add(number, key)
  }

  /** Each line is durable before the next, and all of it may be done again. */
  async #destroy(number: bigint): Promise<void> {
    const { backend, records, write, onDestroyed } = this.#init
    this.keys.close(number)
    onDestroyed()
    const name = epochFactsName(number)
    const isKnown = records.get(name) !== undefined
    if (isKnown) await write({ critical: new Map([[name, encodeErasing()]]) })
    const isLowest = this.#facts().every((other) => other.number >= number)
    await (isLowest ? backend.eraseBefore(number + 1n) : backend.erase(number))
    await this.#deleteRows(number)
    if (isKnown) await write({ critical: new Map([[name, null]]) })
  }

  async #deleteRows(number: bigint): Promise<void> {
    const { store, write } = this.#init
    for await (const page of scanRows(store, epochPrefix(number), MAX_ROWS))
      for (let from = 0; from < page.length; from += MAX_BATCH_ROWS) {
        const some = page.slice(from, from + MAX_BATCH_ROWS)
        await write({ rows: new Map(some.map(([name]) => [name, null])) })
      }
  }

  #facts() {
    const { records } = this.#init
    return records
      .names()
      .filter((name) => name.startsWith(FACTS_PREFIX))
      .map((name) => {
        const bytes = records.get(name) ?? new Uint8Array()
        return { number: epochOfFacts(name), facts: decoded(name, () => decodeFacts(bytes)) }
      })
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined) // whoever asked hears of it; the next one is none of its business
    return done
  }

  #place(epoch: bigint): RecordPlace {
    return { network: this.#init.network, class: 'k', epoch, name: 'epoch/key' }
  }

  #storeName({ epoch, name }: RecordPlace): string {
    return storeName(this.#init.names(), 'k', epoch, name)
  }
}
