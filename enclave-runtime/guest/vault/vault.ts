import type { KeyObject } from 'node:crypto'
import type { Random } from '../../../protocols/crypto/random.ts'
import { Secret } from '../../../protocols/crypto/secret.ts'
import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import type { NoiseKeyPair } from '../../../protocols/session/noise-kk.ts'
import type { SealingBackend } from '../../sealing/backend.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { assertName } from './catalogue.ts'
import { commit } from './commit.ts'
import type { CriticalRecords } from './critical-records.ts'
import { FIRST_EPOCH } from './epoch-name.ts'
import { type EpochChanges, EpochRecords } from './epoch-records.ts'
import { EpochVault } from './epoch-vault.ts'
import type { Identity } from './identity.ts'
import { NO_NETWORK } from './meta.ts'
import { type OpenInit, openStore, sameBytes } from './open-store.ts'
import { openRecord, type RecordPlace, sealRecord } from './sealed-record.ts'
import type { SealedRow, SealedStore } from './sealed-store.ts'
import { VaultError } from './vault-error.ts'
import { nameKey, storeName } from './vault-keys.ts'
import { WriteQueue } from './write-queue.ts'

/** Shares of one batch where many are written: their rows leave room for what else it holds. */
const SHARES_AT_ONCE = 128

export interface VaultInit extends OpenInit {
  readonly kernel: Pick<Kernel, 'shareOut' | 'shareIn'>
}

/** Records to write together; null deletes. */
export interface VaultChanges {
  /** Loaded whole at the next start and covered by the head: a restored older one is found. */
  readonly critical?: ReadonlyMap<string, Uint8Array | null>
  /** Read by name; what is current must be known from elsewhere. */
  readonly bulk?: ReadonlyMap<string, Uint8Array | null>
  /** Whose `shares` and `secrets` these are; its key must live here. */
  readonly epoch?: EpochName
  /** Under the epoch's key, written once. */
  readonly shares?: ReadonlyMap<string, Handle<'share'> | null>
  /** What is public of a share's key, in the share's record and under its name. */
  readonly parts?: ReadonlyMap<string, Uint8Array>
  /** With critical records: `seq` is at least this from here on, for others have seen more of it (03 §9.4). */
  readonly seqAtLeast?: number
  /** Other secrets that die with the epoch, written once; they stay the caller's to wipe. */
  readonly secrets?: ReadonlyMap<string, Uint8Array>
}

/** The changes of one batch, with rows that are sealed already. */
export interface Batch extends VaultChanges {
  readonly attempt?: number
  readonly rows?: ReadonlyMap<string, Uint8Array | null>
}

/** A share with what is public of its key. */
export interface NewShare {
  readonly name: string
  readonly share: Handle<'share'>
  readonly part: Uint8Array
}

/** The vault as rooms see it that work in one epoch. */
export interface RecordsOfEpoch {
  critical(name: string): Uint8Array | undefined
  criticalNames(prefix: string): string[]
  bulk(name: string): Promise<Uint8Array | undefined>
  loadShare(name: string): Promise<Handle<'share'>>
  sharePart(name: string): Promise<Uint8Array | undefined>
  write(changes: Omit<VaultChanges, 'epoch'>): Promise<void>
  sign(message: Uint8Array): Uint8Array
}

/**
 * Everything this guest must remember (04 §6). The host stores the sealed records and sees class, epoch
 * and count. Writes happen one after another; after a failed one the vault takes no more, for what the
 * store holds is then unknown until the next start.
 */
export class Vault {
  readonly #store: SealedStore
  readonly #random: Random
  readonly #kernel: VaultInit['kernel']
  readonly #network: Uint8Array
  readonly #node: Secret<Uint8Array>
  readonly #names: Secret<Uint8Array>
  readonly #records: CriticalRecords
  readonly #identity: Identity
  readonly #epochs: EpochVault
  readonly #shares: EpochRecords
  readonly #writes = new WriteQueue((changes) => this.#apply(changes))
  #broken = false

  private constructor(
    backend: SealingBackend,
    store: SealedStore,
    init: VaultInit,
    opened: Awaited<ReturnType<typeof openStore>>,
  ) {
    const { random, kernel } = init
    const { network, records } = opened
    const names = new Secret(nameKey(opened.node.expose()))
    const lent = () => names.expose()
    this.#store = store
    this.#random = random
    this.#kernel = kernel
    this.#network = network
    this.#node = opened.node
    this.#names = names
    this.#records = records
    this.#identity = opened.identity
    this.#epochs = new EpochVault({
      backend,
      store,
      network,
      random,
      names: lent,
      records,
      write: (batch) => this.#writes.write(batch),
      onDestroyed: () => this.#shares.forget(),
    })
    const { keys } = this.#epochs
    this.#shares = new EpochRecords({ store, network, keys, names: lent, random, kernel })
  }

  /**
   * Opens, and on the way creates (`init`), adopts the network (first start), opens the key of every epoch that lives
   * here and finishes what was being destroyed. Throws `VaultError`, `SealingError`.
   */
  static async open(backend: SealingBackend, store: SealedStore, init: VaultInit): Promise<Vault> {
    const vault = new Vault(backend, store, init, await openStore(backend, store, init))
    try {
      await vault.#boot()
      return vault
    } catch (error) {
      vault.close()
      throw error
    }
  }

  get guestSig(): Uint8Array {
    return this.#identity.guestSig
  }

  get guestEnc(): Uint8Array {
    return this.#identity.guestEnc
  }

  /** GC, for `Channels`. */
  get channelKey(): NoiseKeyPair<KeyObject> {
    return this.#identity.channelKey
  }

  /** vaultSeq of 03 and 04: grows with every change of a critical record. */
  get seq(): number {
    return this.#records.head.seq
  }

  get bootCounter(): number {
    return this.#records.head.bootCounter
  }

  /** BLAKE3 of the sealed head. */
  get headHash(): Uint8Array {
    return this.#records.headHash
  }

  /** Epochs whose key is here, in rising order. */
  get epochs(): readonly EpochName[] {
    return this.#epochs.keys.live
  }

  /** Ed25519 by GI, 64 bytes. What is signed is the caller's to frame. */
  sign(message: Uint8Array): Uint8Array {
    return this.#identity.sign(message)
  }

  /** A critical record; a copy. */
  critical(name: string): Uint8Array | undefined {
    assertName(name)
    return this.#records.get(name)?.slice()
  }

  /** Names of critical records that start with `prefix`, sorted. */
  criticalNames(prefix: string): string[] {
    return this.#records.names().filter((name) => name.startsWith(prefix))
  }

  /** A bulk record. Throws `VaultError` RECORD_CORRUPT. */
  async bulk(name: string): Promise<Uint8Array | undefined> {
    assertName(name)
    const place = this.#bulkPlace(name)
    const record = await this.#store.get(this.#bulkName(name))
    return record && openRecord(this.#node.expose(), place, record).plaintext
  }

  /** A share into the kernel. Throws `VaultError`: RECORD_CORRUPT when it is missing, altered or another's, EPOCH_ERASED. */
  async loadShare(epoch: EpochName, name: string): Promise<Handle<'share'>> {
    assertName(name)
    const opened = await this.#shares.share(epoch, name)
    if (opened === undefined) throw new VaultError('RECORD_CORRUPT', `the share ${name} is missing`)
    return this.#kernel.shareIn(opened.secret)
  }

  /** What is public beside a share; the share itself stays out of the kernel. Throws `VaultError`: RECORD_CORRUPT, EPOCH_ERASED. */
  async sharePart(epoch: EpochName, name: string): Promise<Uint8Array | undefined> {
    assertName(name)
    const opened = await this.#shares.share(epoch, name)
    opened?.secret.fill(0)
    return opened?.part
  }

  /** A secret of an epoch that is no share, the caller's to wipe. Throws `VaultError`: RECORD_CORRUPT, EPOCH_ERASED. */
  async secret(epoch: EpochName, name: string): Promise<Uint8Array | undefined> {
    assertName(name)
    return this.#shares.secret(epoch, name)
  }

  /** All of it or nothing, durable when it resolves. Throws `VaultError`: STORE_FAILED, EPOCH_ERASED. */
  write(changes: VaultChanges): Promise<void> {
    const { critical, bulk, shares, secrets } = changes
    for (const map of [critical, bulk, shares, secrets])
      for (const name of map?.keys() ?? []) assertName(name)
    return this.#writes.write(changes)
  }

  /**
   * Many shares at once, durable when it resolves; a crash may leave some of them, so what says that they are all there
   * is written after. `attempt` is their write number: a share of a lower one is replaced, none of the same. Throws as `write`.
   */
  async writeShares(epoch: EpochName, shares: readonly NewShare[], attempt: number): Promise<void> {
    for (const { name } of shares) assertName(name)
    for (let from = 0; from < shares.length; from += SHARES_AT_ONCE) {
      const some = shares.slice(from, from + SHARES_AT_ONCE)
      await this.#writes.write({
        epoch,
        attempt,
        shares: new Map(some.map(({ name, share }) => [name, share])),
        parts: new Map(some.map(({ name, part }) => [name, part])),
      })
    }
  }

  /** A fresh key for this epoch, durable when it resolves; the one that it has, if it has one. Throws `VaultError`, `SealingError`. */
  makeEpoch(epoch: EpochName): Promise<void> {
    return this.#epochs.make(epoch)
  }

  /**
   * Nothing of this epoch opens ever again (04 §9): its key is gone from memory at once, and when it resolves from the
   * device, with every record. Idempotent; a start after a crash goes on with it. Throws `VaultError`, `SealingError`.
   */
  destroyEpoch(epoch: EpochName): Promise<void> {
    return this.#epochs.destroy(epoch)
  }

  /** For rooms that work in one epoch; its key need not live yet. */
  inEpoch(epoch: EpochName): RecordsOfEpoch {
    return {
      critical: (name) => this.critical(name),
      criticalNames: (prefix) => this.criticalNames(prefix),
      bulk: (name) => this.bulk(name),
      loadShare: (name) => this.loadShare(epoch, name),
      sharePart: (name) => this.sharePart(epoch, name),
      write: (changes) => this.write({ ...changes, epoch }),
      sign: (message) => this.sign(message),
    }
  }

  /** Forgets every secret of this vault. */
  close(): void {
    this.#broken = true
    this.#node.destroy()
    this.#names.destroy()
    this.#records.close()
    this.#shares.forget()
    this.#epochs.close()
  }

  /** One boot more; then the epochs, the first one's key being made where there is none yet. */
  async #boot(): Promise<void> {
    await this.#epochs.open()
    const next = this.#records.next(new Map(), { boot: true })
    await this.#commit(next.puts, next.deletes)
    next.accept()
    this.#records.forget('identity') // its keys are key objects from here on
    await this.#epochs.resume()
    const isNew = !sameBytes(this.#network, NO_NETWORK) && this.#epochs.isEmpty
    if (isNew) await this.makeEpoch(FIRST_EPOCH)
  }

  async #apply(batch: Batch): Promise<void> {
    this.#assertUsable()
    const { seqAtLeast = 0 } = batch
    const next = this.#records.next(batch.critical ?? new Map(), { boot: false, seqAtLeast })
    const puts: SealedRow[] = [...next.puts]
    const deletes: string[] = [...next.deletes]
    for (const [name, bytes] of batch.bulk ?? []) {
      const place = this.#bulkPlace(name)
      if (bytes === null) deletes.push(this.#bulkName(name))
      else
        puts.push([
          this.#bulkName(name),
          sealRecord(this.#node.expose(), place, BigInt(next.seq), bytes, this.#random),
        ])
    }
    for (const [name, record] of batch.rows ?? [])
      if (record === null) deletes.push(name)
      else puts.push([name, record])
    const ofEpoch = epochChanges(batch)
    if (ofEpoch !== undefined) {
      await this.#shares.assertNew(ofEpoch)
      this.#assertUsable()
      const rows = this.#shares.rowsOf(ofEpoch)
      puts.push(...rows.puts)
      deletes.push(...rows.deletes)
      this.#shares.changed(ofEpoch)
    }
    await this.#commit(puts, deletes).finally(() => {
      if (ofEpoch !== undefined) this.#shares.changed(ofEpoch)
    })
    next.accept()
  }

  async #commit(puts: readonly SealedRow[], deletes: readonly string[]): Promise<void> {
    if (puts.length === 0 && deletes.length === 0) return
    try {
      await commit(this.#store, puts, deletes)
    } catch (error) {
      if (error instanceof VaultError) this.#broken = true
      throw error
    }
  }

  #assertUsable(): void {
    if (this.#broken)
      throw new VaultError('STORE_FAILED', 'a write failed before; restart the guest')
  }

  #bulkPlace(name: string): RecordPlace {
    return { network: this.#network, class: 'b', epoch: 0n, name }
  }

  #bulkName(name: string): string {
    return storeName(this.#names.expose(), 'b', null, name)
  }
}

function epochChanges({
  epoch,
  shares = new Map(),
  parts = new Map(),
  secrets = new Map(),
  attempt = 0,
}: Batch): EpochChanges | undefined {
  if (shares.size === 0 && secrets.size === 0) return undefined
  if (epoch === undefined) throw new Error('bug: shares and secrets of no epoch')
  return { epoch, shares, parts, secrets, attempt }
}
