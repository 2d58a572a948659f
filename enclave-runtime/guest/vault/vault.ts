import type { KeyObject } from 'node:crypto'
import { concatBytes } from '@noble/hashes/utils.js'
import type { Random } from '../../../protocols/crypto/random.ts'
import { Secret } from '../../../protocols/crypto/secret.ts'
import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { NoiseKeyPair } from '../../../protocols/session/noise-kk.ts'
import type { SealingBackend } from '../../sealing/backend.ts'
import { assertName } from './catalogue.ts'
import { CriticalRecords } from './critical-records.ts'
import {
  decodeFacts,
  decodePointer,
  encodeFacts,
  encodePointer,
  epochFactsName,
  makeEpochKey,
  openEpochKey,
} from './epoch-key.ts'
import { encodeIdentity, type Identity, identityFrom } from './identity.ts'
import { KeptShares } from './kept-shares.ts'
import { decodeMeta, encodeMeta, NO_NETWORK } from './meta.ts'
import { openRecord, type RecordPlace, sealRecord } from './sealed-record.ts'
import type { SealedRow, SealedStore } from './sealed-store.ts'
import { VaultError } from './vault-error.ts'
import { META_NAME, nameKey, ROOT_NAME, rootKey, storeName } from './vault-keys.ts'
import { WriteQueue } from './write-queue.ts'

const FIRST_EPOCH = 0n
/** `02 | s 32 | what is public of the key`; a bare share of 32 bytes is an older version's. */
const SHARE_FORMAT = 2
const SHARE_BYTES = 33
const MAX_BATCH_ROWS = 256 // of one question to the store (04 §2)
const MAX_BATCH_BYTES: number = 1024 * 1024

export interface VaultInit {
  /** null: before the network exists (`holdfast init`); an empty store then gets a new identity. */
  readonly networkId: Uint8Array | null
  readonly random: Random
  readonly kernel: Pick<Kernel, 'shareOut' | 'shareIn'>
  /** Whether the genesis file names a guest of these keys; asked once, before the network is adopted. */
  named?(guestSig: Uint8Array, guestEnc: Uint8Array): boolean
}

/** Records to write together; null deletes. */
export interface VaultChanges {
  /** Loaded whole at the next start and covered by the head: a restored older one is found. */
  readonly critical?: ReadonlyMap<string, Uint8Array | null>
  /** Read by name; what is current must be known from elsewhere. */
  readonly bulk?: ReadonlyMap<string, Uint8Array | null>
  /** Under the epoch's key, written once. */
  readonly shares?: ReadonlyMap<string, Handle<'share'> | null>
  /** What is public of a share's key, in the share's record and under its name. */
  readonly parts?: ReadonlyMap<string, Uint8Array>
}

/** What the vault's secrets are when it is open. */
interface Opened {
  readonly network: Uint8Array
  readonly node: Secret<Uint8Array>
  readonly records: CriticalRecords
  readonly identity: Identity
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
  #epoch: { readonly number: bigint; readonly key: Secret<Uint8Array> } | undefined
  readonly #shares = new KeptShares()
  readonly #writes = new WriteQueue((changes) => this.#apply(changes))
  #broken = false

  private constructor(store: SealedStore, init: VaultInit, opened: Opened) {
    this.#store = store
    this.#random = init.random
    this.#kernel = init.kernel
    this.#network = opened.network
    this.#node = opened.node
    this.#names = new Secret(nameKey(opened.node.expose()))
    this.#records = opened.records
    this.#identity = opened.identity
  }

  /** Opens, and on the way creates (`init`) or adopts the network (first start). Throws `VaultError`, `SealingError`. */
  static async open(backend: SealingBackend, store: SealedStore, init: VaultInit): Promise<Vault> {
    const wanted = init.networkId ?? NO_NETWORK
    const meta = await store.get(META_NAME)
    if (meta === undefined) await create(backend, store, init)
    const found = meta === undefined ? NO_NETWORK : decodeMeta(meta)
    let opened = await openUnder(backend, store, init, found)
    if (!sameBytes(found, wanted)) opened = await adopt(backend, store, init, opened)
    const vault = new Vault(store, init, opened)
    await vault.#boot(backend)
    return vault
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
    const record = await this.#store.get(this.#storeName(place))
    return record && openRecord(this.#node.expose(), place, record).plaintext
  }

  /** A share into the kernel. Throws `VaultError` RECORD_CORRUPT when it is missing, altered or another's. */
  async loadShare(name: string): Promise<Handle<'share'>> {
    const opened = await this.#openShare(name)
    if (opened === undefined) throw new VaultError('RECORD_CORRUPT', `the share ${name} is missing`)
    return this.#kernel.shareIn(opened.secret)
  }

  /** What is public beside a share; the share itself stays out of the kernel. Throws `VaultError` RECORD_CORRUPT. */
  async sharePart(name: string): Promise<Uint8Array | undefined> {
    const opened = await this.#openShare(name)
    opened?.secret.fill(0)
    return opened?.part
  }

  /** All of it or nothing, durable when it resolves. Throws `VaultError` STORE_FAILED. */
  write(changes: VaultChanges): Promise<void> {
    const names = [changes.critical, changes.bulk, changes.shares].flatMap((of) => [
      ...(of?.keys() ?? []),
    ])
    for (const name of names) assertName(name)
    return this.#writes.write(changes)
  }

  /** Forgets every secret of this vault. */
  close(): void {
    this.#broken = true
    this.#node.destroy()
    this.#names.destroy()
    this.#records.close()
    this.#shares.clear()
    this.#epoch?.key.destroy()
    this.#epoch = undefined
  }

  /** One boot more, and the first epoch's key where there is none yet, in one batch. */
  async #boot(backend: SealingBackend): Promise<void> {
    const puts: SealedRow[] = []
    const changes = new Map<string, Uint8Array>()
    const pointer = this.#records.get('pointer')
    if (pointer !== undefined) await this.#openEpoch(backend, pointer)
    else if (!sameBytes(this.#network, NO_NETWORK)) {
      const place = this.#place('k', FIRST_EPOCH, 'epoch/key')
      const { key, record, facts } = await makeEpochKey(backend, place, this.#random)
      this.#epoch = { number: FIRST_EPOCH, key }
      puts.push([this.#storeName(place), record])
      changes.set('pointer', encodePointer(FIRST_EPOCH))
      changes.set(epochFactsName(FIRST_EPOCH), encodeFacts(facts))
    }
    const next = this.#records.next(changes, { boot: true })
    await this.#commit([...puts, ...next.puts], next.deletes)
    next.accept()
    this.#records.forget('identity') // its keys are key objects from here on
  }

  async #openEpoch(backend: SealingBackend, pointer: Uint8Array): Promise<void> {
    const { number, facts } = readEpoch(pointer, (name) => this.#records.get(name))
    const place = this.#place('k', number, 'epoch/key')
    const record = await this.#store.get(this.#storeName(place))
    this.#epoch = { number, key: await openEpochKey(backend, place, facts, record) }
  }

  async #apply(changes: VaultChanges): Promise<void> {
    this.#assertUsable()
    const next = this.#records.next(changes.critical ?? new Map(), { boot: false })
    const puts: SealedRow[] = [...next.puts]
    const deletes: string[] = [...next.deletes]
    for (const [name, bytes] of changes.bulk ?? []) {
      const place = this.#bulkPlace(name)
      if (bytes === null) deletes.push(this.#storeName(place))
      else
        puts.push([
          this.#storeName(place),
          sealRecord(this.#node.expose(), place, BigInt(next.seq), bytes, this.#random),
        ])
    }
    const shares = [...(changes.shares ?? [])]
    await this.#assertUnwritten(shares.flatMap(([name, share]) => (share === null ? [] : [name])))
    for (const [name, share] of shares) {
      const { place } = this.#sharePlace(name)
      if (share === null) deletes.push(this.#storeName(place))
      else puts.push([this.#storeName(place), this.#sealShare(name, share, changes.parts)])
    }
    const changed = shares.map(([name]) => name)
    this.#shares.changed(changed)
    await this.#commit(puts, deletes).finally(() => this.#shares.changed(changed))
    next.accept()
  }

  async #openShare(name: string): Promise<{ secret: Uint8Array; part: Uint8Array } | undefined> {
    assertName(name)
    const { key, place } = this.#sharePlace(name)
    const keep = this.#shares.reading()
    const record = this.#shares.get(name) ?? (await this.#store.get(this.#storeName(place)))
    if (record === undefined) return undefined
    const { plaintext, write } = openRecord(key, place, record)
    try {
      if (write !== 0n || plaintext[0] !== SHARE_FORMAT || plaintext.length < SHARE_BYTES)
        throw new VaultError('RECORD_CORRUPT', `the share ${name} is not of this version`)
      keep(name, record)
      return { secret: plaintext.slice(1, SHARE_BYTES), part: plaintext.slice(SHARE_BYTES) }
    } finally {
      plaintext.fill(0)
    }
  }

  async #assertUnwritten(names: readonly string[]): Promise<void> {
    const found = await Promise.all(
      names.map((name) => this.#store.get(this.#storeName(this.#sharePlace(name).place))),
    )
    const at = found.findIndex((record) => record !== undefined)
    if (at >= 0) throw new Error(`bug: the share ${names[at]} is written twice`)
    this.#assertUsable()
  }

  #sealShare(name: string, share: Handle<'share'>, parts: VaultChanges['parts']): Uint8Array {
    const { key, place } = this.#sharePlace(name)
    const secret = this.#kernel.shareOut(share)
    const plaintext = concatBytes(
      Uint8Array.of(SHARE_FORMAT),
      secret,
      parts?.get(name) ?? new Uint8Array(),
    )
    try {
      return sealRecord(key, place, 0n, plaintext, this.#random)
    } finally {
      secret.fill(0)
      plaintext.fill(0)
    }
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

  #place(recordClass: RecordPlace['class'], epoch: bigint, name: string): RecordPlace {
    return { network: this.#network, class: recordClass, epoch, name }
  }

  #bulkPlace(name: string): RecordPlace {
    return this.#place('b', 0n, name)
  }

  #sharePlace(name: string): { key: Uint8Array; place: RecordPlace } {
    if (this.#epoch === undefined) throw new Error('bug: shares before there is a network')
    return { key: this.#epoch.key.expose(), place: this.#place('s', this.#epoch.number, name) }
  }

  #storeName({ class: recordClass, epoch, name }: RecordPlace): string {
    const ofEpoch = recordClass === 'k' || recordClass === 's'
    return storeName(this.#names.expose(), recordClass, ofEpoch ? epoch : null, name)
  }
}

/** K_node, identity and the first head, in an empty store. */
async function create(backend: SealingBackend, store: SealedStore, init: VaultInit): Promise<void> {
  if ((await store.scan('', '')).rows.length > 0)
    throw new VaultError('RECORD_CORRUPT', 'there are records, and not the one that names them')
  if (init.networkId !== null)
    throw new VaultError('NO_IDENTITY', 'the store is empty: run init, or restore the records')
  const { random } = init
  const node = random(32)
  const records = CriticalRecords.empty(NO_NETWORK, node, random)
  const identity = encodeIdentity(random(32), random(32))
  try {
    const next = records.next(new Map([['identity', identity]]), { boot: false })
    const root = await sealRoot(backend, NO_NETWORK, node, random)
    await commit(
      store,
      [[META_NAME, encodeMeta(NO_NETWORK)], [ROOT_NAME, root], ...next.puts],
      next.deletes,
    )
    next.accept()
    records.forget('identity') // the copy that was sealed
  } finally {
    node.fill(0)
    identity.fill(0)
    records.close() // its own copies of K_node and K_name
  }
}

async function openUnder(
  backend: SealingBackend,
  store: SealedStore,
  init: VaultInit,
  network: Uint8Array,
): Promise<Opened> {
  const wanted = init.networkId ?? NO_NETWORK
  const adopting = sameBytes(network, NO_NETWORK) && init.named !== undefined
  if (!sameBytes(network, wanted) && !adopting)
    throw new VaultError('WRONG_NETWORK', 'the records belong to another network')
  const node = await openRoot(backend, store, network)
  let records: CriticalRecords | undefined
  try {
    records = await CriticalRecords.load(network, node.expose(), init.random, store)
    const plaintext = records.get('identity')
    if (plaintext === undefined) throw new VaultError('ROLLBACK', 'the identity is missing')
    const identity = decoded('identity', () => identityFrom(plaintext))
    return { network, node, records, identity }
  } catch (error) {
    records?.close()
    node.destroy()
    throw error
  }
}

/**
 * From no network to the one whose genesis file names this guest: every record is sealed anew in one
 * batch, so that a crash leaves either all of the old or all of the new.
 */
async function adopt(
  backend: SealingBackend,
  store: SealedStore,
  init: VaultInit,
  { node, records, identity }: Opened,
): Promise<Opened> {
  const network = init.networkId
  if (network === null || init.named?.(identity.guestSig, identity.guestEnc) !== true)
    throw new VaultError('WRONG_NETWORK', 'the genesis file does not name this guest')
  const next = records.moved(network)
  const root = await sealRoot(backend, network, node.expose(), init.random)
  await commit(
    store,
    [[META_NAME, encodeMeta(network)], [ROOT_NAME, root], ...next.puts],
    next.deletes,
  )
  next.accept()
  records.close()
  return { network, node, records: next.records, identity }
}

async function sealRoot(
  backend: SealingBackend,
  network: Uint8Array,
  node: Uint8Array,
  random: Random,
): Promise<Uint8Array> {
  const key = rootKey((await backend.root()).expose(), network)
  const record = sealRecord(key, rootPlace(network), 0n, node, random)
  key.fill(0)
  return record
}

async function openRoot(
  backend: SealingBackend,
  store: SealedStore,
  network: Uint8Array,
): Promise<Secret<Uint8Array>> {
  const record = await store.get(ROOT_NAME)
  if (record === undefined) throw new VaultError('RECORD_CORRUPT', 'the root record is missing')
  const key = rootKey((await backend.root()).expose(), network)
  try {
    const { plaintext } = openRecord(key, rootPlace(network), record)
    return new Secret(plaintext)
  } catch (cause) {
    throw new VaultError(
      'WRONG_DEVICE',
      'the root key does not open these records: it is another node’s, or the root record is damaged',
      { cause },
    )
  } finally {
    key.fill(0)
  }
}

const rootPlace = (network: Uint8Array): RecordPlace => ({
  network,
  class: 'r',
  epoch: 0n,
  name: 'node/root',
})

function readEpoch(pointer: Uint8Array, get: (name: string) => Uint8Array | undefined) {
  const number = decoded('pointer', () => decodePointer(pointer))
  const facts = get(epochFactsName(number))
  if (facts === undefined) throw new VaultError('ROLLBACK', `epoch ${number} is missing`)
  return { number, facts: decoded('epoch', () => decodeFacts(facts)) }
}

async function commit(
  store: SealedStore,
  puts: readonly SealedRow[],
  deletes: readonly string[],
): Promise<void> {
  const size = puts.reduce((sum, [, record]) => sum + record.length, 0)
  if (puts.length > MAX_BATCH_ROWS || deletes.length > MAX_BATCH_ROWS || size > MAX_BATCH_BYTES)
    throw new Error(`bug: a batch of ${puts.length} records, ${size} bytes`)
  try {
    await store.batch({ puts, deletes })
  } catch (cause) {
    throw new VaultError('STORE_FAILED', 'the store did not take a write', { cause })
  }
}

/** What authenticated and yet does not decode was written by another version. */
function decoded<T>(name: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new VaultError('RECORD_CORRUPT', `the record ${name} is not of this version`, { cause })
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
