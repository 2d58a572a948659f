import type { Random } from '../../../protocols/crypto/random.ts'
import { Secret } from '../../../protocols/crypto/secret.ts'
import { decodePart, encodePart, PART_NAMES, partOf } from './catalogue.ts'
import { decoded } from './decoded.ts'
import { decodeHead, encodeHead, type Head, recordHash, setHash } from './head.ts'
import { scanRows } from './scan-rows.ts'
import { openRecord, type RecordClass, type RecordPlace, sealRecord } from './sealed-record.ts'
import type { SealedRow, SealedStore } from './sealed-store.ts'
import { VaultError } from './vault-error.ts'
import { CRITICAL_PREFIX, nameKey, storeName } from './vault-keys.ts'

const MAX_ROWS = 100_000 // what a lying store may make us read
const NOTHING: Uint8Array = new Uint8Array(32)

/** Rows to write, and what to do once they are durable. */
export interface NextHead {
  readonly seq: number
  readonly puts: readonly SealedRow[]
  readonly deletes: readonly string[]
  accept(): void
}

/** The records that the head covers, all in memory, and the head (04 §6). */
export class CriticalRecords {
  readonly #network: Uint8Array
  readonly #node: Secret<Uint8Array>
  readonly #names: Secret<Uint8Array>
  readonly #random: Random
  /** By logical name, the parts of the catalogue included. */
  #plain: Map<string, Uint8Array>
  /** By name in the store: BLAKE3 of the sealed record. */
  #hashes: Map<string, Uint8Array>
  /** Hashed once each: the catalogue asks for all of them. */
  readonly #stored = new Map<string, string>()
  #head: Head
  #headHash: Uint8Array

  private constructor(
    keys: { network: Uint8Array; node: Uint8Array; random: Random },
    state: {
      plain: Map<string, Uint8Array>
      hashes: Map<string, Uint8Array>
      head: Head
      headHash: Uint8Array
    },
  ) {
    this.#network = keys.network
    this.#node = new Secret(keys.node.slice())
    this.#names = new Secret(nameKey(keys.node))
    this.#random = keys.random
    this.#plain = state.plain
    this.#hashes = state.hashes
    this.#head = state.head
    this.#headHash = state.headHash
  }

  static empty(network: Uint8Array, node: Uint8Array, random: Random): CriticalRecords {
    return new CriticalRecords(
      { network, node, random },
      {
        plain: new Map(),
        hashes: new Map(),
        head: { seq: 0, setHash: NOTHING, bootCounter: 0, prev: NOTHING },
        headHash: NOTHING,
      },
    )
  }

  /** All of them. Throws `VaultError`: RECORD_CORRUPT for what does not open, ROLLBACK for what the head does not know. */
  static async load(
    network: Uint8Array,
    node: Uint8Array,
    random: Random,
    store: SealedStore,
  ): Promise<CriticalRecords> {
    const records = CriticalRecords.empty(network, node, random)
    try {
      await records.#load(node, store)
      return records
    } catch (error) {
      records.close() // its copy of K_node does not stay behind
      throw error
    }
  }

  get head(): Head {
    return this.#head
  }

  get headHash(): Uint8Array {
    return this.#headHash
  }

  get(name: string): Uint8Array | undefined {
    return this.#plain.get(name)
  }

  /** Wipes the plain bytes of a record that is not read again; in the store it stays as it is. */
  forget(name: string): void {
    this.#plain.get(name)?.fill(0)
    this.#plain.set(name, new Uint8Array())
  }

  /** Without the parts of the catalogue; sorted. */
  names(): string[] {
    return [...this.#plain.keys()].filter((name) => !PART_NAMES.includes(name)).sort()
  }

  /** The batch that makes `changes`, with the head that goes with them. Nothing to change: nothing to write. */
  next(
    changes: ReadonlyMap<string, Uint8Array | null>,
    { boot, seqAtLeast = 0 }: { boot: boolean; seqAtLeast?: number },
  ): NextHead {
    const plain = new Map(this.#plain)
    for (const [name, bytes] of changes) {
      if (bytes === null) plain.delete(name)
      else plain.set(name, bytes.slice())
    }
    const touched = new Set([...changes.keys()].filter((n) => plain.has(n) || this.#plain.has(n)))
    for (const name of [...touched])
      if (plain.has(name) !== this.#plain.has(name)) touched.add(this.#relist(plain, name))
    if (touched.size === 0 && !boot)
      return { seq: this.#head.seq, puts: [], deletes: [], accept: () => {} }
    return this.#seal(plain, touched, boot ? 1 : 0, seqAtLeast)
  }

  /** The same records under another network, all sealed anew. */
  moved(network: Uint8Array): NextHead & { readonly records: CriticalRecords } {
    const records = new CriticalRecords(
      { network, node: this.#node.expose(), random: this.#random },
      {
        plain: new Map(this.#plain),
        hashes: this.#hashes,
        head: this.#head,
        headHash: this.#headHash,
      },
    )
    return { ...records.#seal(records.#plain, new Set(this.#plain.keys()), 0), records }
  }

  close(): void {
    this.#node.destroy()
    this.#names.destroy()
    this.#plain.clear()
  }

  /** Writes the part of the catalogue that lists `name` into `plain`; gives back the part's name. */
  #relist(plain: Map<string, Uint8Array>, name: string): string {
    const part = partOf(this.#storeName('c', name))
    const listed = [...plain.keys()].filter(
      (other) => !PART_NAMES.includes(other) && partOf(this.#storeName('c', other)) === part,
    )
    if (listed.length > 0) plain.set(part, encodePart(listed))
    else plain.delete(part)
    return part
  }

  #seal(
    plain: Map<string, Uint8Array>,
    touched: ReadonlySet<string>,
    boots: number,
    seqAtLeast: number = 0,
  ): NextHead {
    const seq = Math.max(this.#head.seq + 1, seqAtLeast)
    const hashes = new Map(this.#hashes)
    const puts: SealedRow[] = []
    const deletes: string[] = []
    for (const name of touched) {
      const bytes = plain.get(name)
      const stored = this.#storeName('c', name)
      if (bytes === undefined) {
        hashes.delete(stored)
        deletes.push(stored)
        continue
      }
      const place = this.#place('c', name)
      const sealed = sealRecord(this.#node.expose(), place, BigInt(seq), bytes, this.#random)
      hashes.set(stored, recordHash(sealed))
      puts.push([stored, sealed])
    }
    const head: Head = {
      seq,
      setHash: setHash(hashes),
      bootCounter: this.#head.bootCounter + boots,
      prev: this.#headHash,
    }
    const sealedHead = sealRecord(
      this.#node.expose(),
      this.#place('h', 'head'),
      BigInt(seq),
      encodeHead(head),
      this.#random,
    )
    puts.push([this.#storeName('h', 'head'), sealedHead])
    return {
      seq,
      puts,
      deletes,
      accept: () => {
        this.#plain = plain
        this.#hashes = hashes
        this.#head = head
        this.#headHash = recordHash(sealedHead)
      },
    }
  }

  async #load(node: Uint8Array, store: SealedStore): Promise<void> {
    const sealedHead = await store.get(this.#storeName('h', 'head'))
    if (sealedHead === undefined) throw new VaultError('ROLLBACK', 'the head is missing')
    const { plaintext, write } = openRecord(node, this.#place('h', 'head'), sealedHead)
    this.#head = decoded('head', () => decodeHead(plaintext))
    this.#headHash = recordHash(sealedHead)
    if (BigInt(this.#head.seq) !== write)
      throw new VaultError('RECORD_CORRUPT', 'the head contradicts itself')
    this.#openAll(await readAll(store))
  }

  #openAll(rows: ReadonlyMap<string, Uint8Array>): void {
    const open = (name: string): Uint8Array | undefined => {
      const row = rows.get(this.#storeName('c', name))
      if (row === undefined) return undefined
      const { plaintext } = openRecord(this.#node.expose(), this.#place('c', name), row)
      this.#plain.set(name, plaintext)
      return plaintext
    }
    for (const part of PART_NAMES) {
      const names = open(part)
      if (names === undefined) continue
      for (const name of decoded(part, () => decodePart(names)))
        if (open(name) === undefined)
          throw new VaultError('ROLLBACK', `the critical record ${name} is missing`)
    }
    this.#hashes = new Map([...rows].map(([name, row]) => [name, recordHash(row)]))
    if (!Buffer.from(setHash(this.#hashes)).equals(this.#head.setHash))
      throw new VaultError(
        'ROLLBACK',
        'the critical records are not those of the head: one is older, missing or too many',
      )
  }

  #place(recordClass: RecordClass, name: string): RecordPlace {
    return { network: this.#network, class: recordClass, epoch: 0n, name }
  }

  #storeName(recordClass: RecordClass, name: string): string {
    const key = `${recordClass}/${name}`
    const stored = this.#stored.get(key) ?? storeName(this.#names.expose(), recordClass, null, name)
    this.#stored.set(key, stored)
    return stored
  }
}

async function readAll(store: SealedStore): Promise<ReadonlyMap<string, Uint8Array>> {
  const rows = new Map<string, Uint8Array>()
  for await (const page of scanRows(store, CRITICAL_PREFIX, MAX_ROWS))
    for (const [name, record] of page) rows.set(name, record)
  return rows
}
