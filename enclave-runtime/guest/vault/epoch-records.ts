import type { Random } from '../../../protocols/crypto/random.ts'
import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import type { EpochKeys } from './epoch-keys.ts'
import { epochNumber } from './epoch-name.ts'
import { KeptShares } from './kept-shares.ts'
import { openRecord, type RecordPlace, sealRecord } from './sealed-record.ts'
import type { SealedRow, SealedStore } from './sealed-store.ts'
import {
  type OpenedShare,
  secretOf,
  secretPlaintext,
  shareOf,
  sharePlaintext,
} from './secret-plaintext.ts'
import { storeName } from './vault-keys.ts'

/** What lies under the key of one epoch and dies with it. */
export interface EpochChanges {
  readonly epoch: EpochName
  /** null deletes. */
  readonly shares: ReadonlyMap<string, Handle<'share'> | null>
  /** What is public of a share's key, in the share's record and under its name. */
  readonly parts: ReadonlyMap<string, Uint8Array>
  readonly secrets: ReadonlyMap<string, Uint8Array>
  /** Write number of these records: each is replaced by one of a higher number only. */
  readonly attempt: number
}

export interface EpochRecordsInit {
  readonly store: SealedStore
  readonly network: Uint8Array
  readonly keys: EpochKeys
  /** K_name, lent. */
  readonly names: () => Uint8Array
  readonly random: Random
  readonly kernel: Pick<Kernel, 'shareOut' | 'shareIn'>
}

/** The records of class s: shares with what is public of them, and secrets of an epoch (04 §6). */
export class EpochRecords {
  readonly #init: EpochRecordsInit
  readonly #kept = new KeptShares()

  constructor(init: EpochRecordsInit) {
    this.#init = init
  }

  /** Undefined when there is none. Throws `VaultError`: RECORD_CORRUPT, EPOCH_ERASED. */
  async share(epoch: EpochName, name: string): Promise<OpenedShare | undefined> {
    const { number } = this.#init.keys.of(epoch)
    const id = `${number}/${name}`
    const keep = this.#kept.reading()
    const record = this.#kept.get(id) ?? (await this.#read(number, name))
    if (record === undefined) return undefined
    const opened = shareOf(name, this.#open(epoch, name, record).plaintext)
    keep(id, record)
    return opened
  }

  /** The caller's to wipe. Undefined when there is none. Throws as `share`. */
  async secret(epoch: EpochName, name: string): Promise<Uint8Array | undefined> {
    const record = await this.#read(this.#init.keys.of(epoch).number, name)
    return record && secretOf(name, this.#open(epoch, name, record).plaintext)
  }

  /** Throws for a record that would be replaced by one that is not of a higher write number: a defect of the caller. */
  async assertNew({ epoch, shares, secrets, attempt }: EpochChanges): Promise<void> {
    const { number } = this.#init.keys.of(epoch)
    const put = [...shares].flatMap(([name, share]) => (share === null ? [] : [name]))
    await Promise.all(
      [...put, ...secrets.keys()].map(async (name) => {
        const record = await this.#read(number, name)
        if (record === undefined) return
        const { plaintext, write } = this.#open(epoch, name, record)
        plaintext.fill(0)
        if (write >= BigInt(attempt)) throw new Error(`bug: ${name} is written twice`)
      }),
    )
  }

  rowsOf(changes: EpochChanges): {
    readonly puts: readonly SealedRow[]
    readonly deletes: readonly string[]
  } {
    const { epoch, shares, parts, secrets } = changes
    const { number } = this.#init.keys.of(epoch)
    const puts: SealedRow[] = []
    const deletes: string[] = []
    for (const [name, share] of shares)
      if (share === null) deletes.push(this.#storeName(number, name))
      else {
        const part = parts.get(name) ?? new Uint8Array()
        puts.push(
          this.#seal(changes, name, sharePlaintext(this.#init.kernel.shareOut(share), part)),
        )
      }
    for (const [name, secret] of secrets)
      puts.push(this.#seal(changes, name, secretPlaintext(secret)))
    return { puts, deletes }
  }

  /** These records are about to change, or just did. */
  changed({ epoch, shares }: EpochChanges): void {
    const number = epochNumber(epoch)
    this.#kept.changed([...shares.keys()].map((name) => `${number}/${name}`))
  }

  /** No record that was read before is opened from memory. */
  forget(): void {
    this.#kept.clear()
  }

  /** Wipes the plaintext. */
  #seal({ epoch, attempt }: EpochChanges, name: string, plaintext: Uint8Array): SealedRow {
    const { number, key } = this.#init.keys.of(epoch)
    try {
      const place = this.#place(number, name)
      const sealed = sealRecord(key, place, BigInt(attempt), plaintext, this.#init.random)
      return [this.#storeName(number, name), sealed]
    } finally {
      plaintext.fill(0)
    }
  }

  /** The key is asked for here, not before the store was: its epoch may have been destroyed meanwhile. */
  #open(epoch: EpochName, name: string, record: Uint8Array) {
    const { number, key } = this.#init.keys.of(epoch)
    return openRecord(key, this.#place(number, name), record)
  }

  #read(number: bigint, name: string): Promise<Uint8Array | undefined> {
    return this.#init.store.get(this.#storeName(number, name))
  }

  #place(number: bigint, name: string): RecordPlace {
    return { network: this.#init.network, class: 's', epoch: number, name }
  }

  #storeName(number: bigint, name: string): string {
    return storeName(this.#init.names(), 's', number, name)
  }
}
