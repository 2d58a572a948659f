import { concatBytes } from '@noble/hashes/utils.js'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import type { Breathe } from '../../../protocols/crypto/breathe.ts'
import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import type { KeyRecord } from '../../../protocols/keygen/generate-keys.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { transcriptOf } from '../../../protocols/sharing/hashes.ts'
import { keyRecordHash } from '../../../protocols/sharing/key-record.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { certifiedBatch, decoded, type Signatures } from '../keys/held-keys.ts'
import { decodeKeyPart, keyPart } from '../keys/key-part.ts'
import { shareName } from '../keys/pending-batch.ts'
import type { Vault } from '../vault/vault.ts'
import type { SubAttempt } from './chunk-letters.ts'
import {
  type ChunkRecord,
  chunkName,
  chunkPrefix,
  decodeChunkRecord,
  decodeKeyIds,
  encodeChunkRecord,
  type Made,
  proofsName,
} from './chunk-record.ts'
import { leafOf } from './key-leaf.ts'
import { type RootKeyRecord, readRootKey, rootKeyChange } from './root-key-record.ts'

export type WorkVault = Pick<
  Vault,
  | 'critical'
  | 'criticalNames'
  | 'bulk'
  | 'write'
  | 'writeShares'
  | 'loadShare'
  | 'sharePart'
  | 'secret'
  | 'makeEpoch'
  | 'destroyEpoch'
  | 'sign'
>

/** Keys with their new shares, before anybody may rely on them. */
export interface DealtKeys {
  readonly transcript: Uint8Array
  readonly pub: Uint8Array
  readonly keys: readonly KeyRecord[]
  /** Of a receiver; none of a member that only deals. */
  readonly shares: readonly Handle<'share'>[]
}

export interface ChunkStoreInit {
  readonly vault: WorkVault
  readonly kernel: Kernel
  readonly epoch: EpochName
  readonly epochId: Uint8Array
  readonly committeeId: Uint8Array
  /** This guest's index in the new committee. */
  readonly me: PartyIndex
  /** Indices of the new members. */
  readonly receivers: readonly PartyIndex[]
  /** Votes of a certificate of the new epoch. */
  readonly quorum: number
  readonly breathe: Breathe
}

/** What this member has of the chunks of one attempt. Everything resolves when it is durable. Throws `VaultError`. */
export class ChunkStore {
  readonly #init: ChunkStoreInit
  readonly #records: Map<number, ChunkRecord>
  /** Keys of chunks that are done, as the new epoch has them; by key id. */
  readonly #keys = new Map<string, HeldKey>()

  constructor(init: ChunkStoreInit) {
    this.#init = init
    this.#records = readChunks(init.vault, init.epoch)
  }

  get(chunk: number): ChunkRecord | undefined {
    return this.#records.get(chunk)
  }

  /** Chunks whose shares this member has, and which all who took part certified. */
  get done(): ReadonlyMap<number, Uint8Array> {
    return doneOf(this.#records)
  }

  /** Keys of the chunks that are done. */
  get count(): number {
    return countOf(this.#records)
  }

  /** A key of a chunk that is done; after a start, once `recheck` was. */
  key(keyId: Uint8Array): HeldKey | undefined {
    return this.#keys.get(hex(keyId))
  }

  rootKey(): RootKeyRecord | undefined {
    return readRootKey(this.#init.vault, this.#init.epoch)
  }

  /** This sub-attempt is never begun again here. */
  mark(chunk: number, of: SubAttempt): Promise<void> {
    const { a, failed, lost } = of
    return this.#write(chunk, { a, failed, lost, stage: 'marked' })
  }

  /** The new shares with what is public of their keys, read back: K3 may leave. */
  async pending(chunk: number, dealt: DealtKeys): Promise<void> {
    const { vault, kernel, epoch, breathe } = this.#init
    const { transcript, pub, keys, shares } = dealt
    const marked = this.#known(chunk)
    const rows = keys.map((key, b) => ({
      name: shareName(key.keyId),
      share: at(shares, b),
      part: keyPart(key, transcript),
    }))
    await vault.writeShares(epoch, rows, marked.a)
    const { a, failed, lost } = marked
    const count = keys.length
    const keyIds = concatBytes(...keys.map(({ keyId }) => keyId))
    const bulk = new Map([[chunkName(epoch, chunk), keyIds]])
    await this.#write(chunk, { a, failed, lost, stage: 'pending', transcript, pub, count }, bulk)
    for (const { name, share, part } of rows) {
      const back = await vault.loadShare(epoch, name)
      const same = sameBytes(kernel.sharePublic(back), kernel.sharePublic(share))
      kernel.wipe(back)
      const beside = await vault.sharePart(epoch, name)
      if (!same || beside === undefined || !sameBytes(beside, part))
        throw new Error('bug: the store gave back another share')
      await breathe()
    }
  }

  /** The proofs of K3 of all receivers: K4 may leave. */
  async proved(chunk: number, proofs: ReadonlyMap<PartyIndex, Uint8Array>): Promise<void> {
    const record = this.#known(chunk)
    if (record.stage === 'marked') return // a member that only deals keeps none
    const sorted = [...proofs].sort(([a], [b]) => a - b)
    const all = concatBytes(...sorted.map(([, proof]) => proof))
    const bulk = new Map([[proofsName(this.#init.epoch, chunk), all]])
    await this.#write(chunk, { ...record, stage: 'proved' } as ChunkRecord, bulk)
  }

  /** K4 of all who took part: the chunk is done, and its T is fixed. `root`: the one of its keys that is the root key. */
  async certified(
    chunk: number,
    dealt: Omit<DealtKeys, 'shares'>,
    signatures: Signatures,
    root: KeyRecord | undefined,
  ): Promise<void> {
    const { committeeId, epochId, epoch, quorum, receivers } = this.#init
    const { transcript, pub, keys } = dealt
    const { a, failed, lost, stage } = this.#known(chunk)
    const ofMembers = signatures.filter(([party]) => receivers.includes(party))
    const holds = stage !== 'marked'
    const batch = certifiedBatch({ committeeId, epochId, quorum }, { pub, keys }, ofMembers)
    await this.#write(
      chunk,
      {
        ...{ a, failed, lost, stage: 'done', transcript, pub },
        count: holds ? keys.length : 0,
        signatures,
      },
      holds ? new Map([batch]) : new Map(),
      holds && root !== undefined ? [rootKeyChange(epoch, root)] : [],
    )
    if (holds) for (const key of keys) this.#keys.set(hex(key.keyId), leafOf(key))
  }

  /** The same for a member that has all but the signatures: others have them. */
  async certifiedElsewhere(
    chunk: number,
    signatures: Signatures,
    isRoot: (publicKey: Uint8Array) => boolean,
  ): Promise<void> {
    const record = this.#known(chunk)
    if (record.stage !== 'proved') throw new Error('bug: a chunk without its proofs is certified')
    const keys = await this.#readKeys(chunk, record)
    if (keys === undefined) throw new Error(`bug: chunk ${chunk} does not read back`)
    const root = keys.find(({ publicKey }) => isRoot(publicKey))
    await this.certified(chunk, { ...record, keys }, signatures, root)
  }

  /** After a start: every share of every chunk that is done, against its T. One that differs is not done. */
  async recheck(): Promise<void> {
    for (const [chunk, record] of this.#records) {
      if (record.stage !== 'done' || record.count === 0) continue
      const keys = await this.#readKeys(chunk, record)
      if (keys === undefined) this.#records.delete(chunk)
      else for (const key of keys) this.#keys.set(hex(key.keyId), leafOf(key))
    }
  }

  /** What is left of the attempt once its key is destroyed: nothing of it is secret. */
  static async remove(vault: WorkVault, epoch: EpochName): Promise<void> {
    const names = vault.criticalNames(chunkPrefix(epoch))
    const chunks = names.map((name) => Number(name.slice(chunkPrefix(epoch).length)))
    const bulk = chunks.flatMap((chunk) => [chunkName(epoch, chunk), proofsName(epoch, chunk)])
    for (let from = 0; from < bulk.length; from += REMOVED_AT_ONCE)
      await vault.write({
        bulk: new Map(bulk.slice(from, from + REMOVED_AT_ONCE).map((name) => [name, null])),
      })
    for (let from = 0; from < names.length; from += REMOVED_AT_ONCE)
      await vault.write({
        critical: new Map(names.slice(from, from + REMOVED_AT_ONCE).map((name) => [name, null])),
      })
    await vault.write({ critical: new Map([rootKeyChange(epoch, null)]) })
  }

  /** The keys of a chunk as they lie here; undefined when one is missing, altered or of another sub-attempt. */
  async #readKeys(chunk: number, made: Made): Promise<readonly KeyRecord[] | undefined> {
    const { vault, epoch, kernel, me, breathe } = this.#init
    const name = chunkName(epoch, chunk)
    const bytes = await vault.bulk(name)
    if (bytes === undefined) return undefined
    const keys: KeyRecord[] = []
    for (const keyId of decoded(name, () => decodeKeyIds(bytes, made.count))) {
      const part = await vault.sharePart(epoch, shareName(keyId))
      if (part === undefined) return undefined
      const { batchId, ...known } = decoded(name, () => decodeKeyPart(part))
      const share = await vault.loadShare(epoch, shareName(keyId))
      const point = kernel.sharePublic(share)
      kernel.wipe(share)
      const expected = kernel.evaluateCommitment(known.commitment, me)
      if (expected === undefined || !sameBytes(expected, point)) return undefined
      const key = { keyId, ...known }
      keys.push({ ...key, record: keyRecordHash(key) })
      await breathe()
    }
    const records = keys.map(({ record }) => record)
    return sameBytes(transcriptOf(made.pub, records), made.transcript) ? keys : undefined
  }

  async #write(
    chunk: number,
    record: ChunkRecord,
    bulk: ReadonlyMap<string, Uint8Array> = new Map(),
    also: readonly (readonly [string, Uint8Array | null])[] = [],
  ): Promise<void> {
    const { vault, epoch } = this.#init
    const name = chunkName(epoch, chunk)
    await vault.write({ critical: new Map([[name, encodeChunkRecord(record)], ...also]), bulk })
    this.#records.set(chunk, record)
  }

  #known(chunk: number): ChunkRecord {
    const record = this.#records.get(chunk)
    if (record === undefined) throw new Error('bug: a chunk without its marker')
    return record
  }
}

const REMOVED_AT_ONCE = 64

/** What is stored of an epoch, before `recheck` or without it. Throws `VaultError` RECORD_CORRUPT. */
export function storedChunks(
  vault: Pick<WorkVault, 'critical' | 'criticalNames'>,
  epoch: EpochName,
): Pick<ChunkStore, 'done' | 'count'> {
  const records = readChunks(vault, epoch)
  return { done: doneOf(records), count: countOf(records) }
}

function readChunks(
  vault: Pick<WorkVault, 'critical' | 'criticalNames'>,
  epoch: EpochName,
): Map<number, ChunkRecord> {
  const prefix = chunkPrefix(epoch)
  return new Map(
    vault.criticalNames(prefix).map((name) => {
      const bytes = vault.critical(name) ?? new Uint8Array()
      return [Number(name.slice(prefix.length)), decoded(name, () => decodeChunkRecord(bytes))]
    }),
  )
}

const doneOf = (records: ReadonlyMap<number, ChunkRecord>): ReadonlyMap<number, Uint8Array> =>
  new Map(
    [...records].flatMap(([chunk, record]) =>
      record.stage === 'done' && record.count > 0 ? [[chunk, record.transcript] as const] : [],
    ),
  )

function countOf(records: ReadonlyMap<number, ChunkRecord>): number {
  let sum = 0
  for (const record of records.values()) if (record.stage === 'done') sum += record.count
  return sum
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error('bug: a key without its share')
  return item
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
