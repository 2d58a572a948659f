import { open, readFile, rename } from 'node:fs/promises'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PeerName } from '../channels/links.ts'
import { ConfigError } from '../config.ts'
import type { Kept, ListOrder } from './known-committee.ts'

const KIB = 1024
const MAX_PUBLISHED_BYTES: number = 64 * KIB // (03 §1.1)
const MAX_PEERS = 64
const MAX_PEER_ID = 128
const MAX_ADDRESSES = 8 // (07 §8)
const MAX_ADDRESS = 256
const MAX_FILE_BYTES: number = 320 * KIB // a published committee, and all addresses at their limits

export type KnownAddresses = ReadonlyMap<PeerName, readonly string[]>

/** What a host knows of its committee from before: the highest it verified (03 §3.1), and where members were (03 §9.5). */
export interface CommitteeMemory extends Kept {
  readonly addresses: KnownAddresses
}

const NOTHING: CommitteeMemory = { published: null, listed: null, addresses: new Map() }

export function encodeMemory(
  networkId: Uint8Array,
  { published, listed, addresses }: CommitteeMemory,
): Uint8Array {
  const known = [...addresses]
    .slice(0, MAX_PEERS)
    .map(([peer, texts]) => [peer, texts.filter(isAddress).slice(0, MAX_ADDRESSES)])
  const order = listed === null ? null : [listed.e, listed.issuedAt]
  return encodeCanonical(['host-committee', 1, networkId, published, order, known])
}

/** Throws `DecodeError` for bytes that are not the memory of a host of this network. */
export function decodeMemory(networkId: Uint8Array, bytes: Uint8Array): CommitteeMemory {
  const value = decodeCanonical(bytes, MAX_FILE_BYTES, 4)
  if (!Array.isArray(value) || value.length !== 6) throw new DecodeError('not a host committee')
  const [name, version, network, published, listed, known] = value as unknown[]
  if (name !== 'host-committee' || version !== 1) throw new DecodeError('not a host committee')
  if (!(network instanceof Uint8Array) || !sameBytes(network, networkId))
    throw new DecodeError('of another network')
  if (!Array.isArray(known) || known.length > MAX_PEERS) throw new DecodeError('too many peers')
  return {
    published: published === null ? null : publishedOf(published),
    listed: listed === null ? null : orderOf(listed),
    addresses: new Map(known.map(addressesOf)),
  }
}

/**
 * The file of it. What is saved is on disk, whole, when the promise resolves; later saves wait for earlier ones.
 * Without a path everything is forgotten with the process.
 */
export class CommitteeFile {
  readonly #path: string | undefined
  readonly #networkId: Uint8Array
  #memory: CommitteeMemory = NOTHING
  #written: Promise<void> = Promise.resolve()

  constructor(path: string | undefined, networkId: Uint8Array) {
    this.#path = path
    this.#networkId = networkId
  }

  get memory(): CommitteeMemory {
    return this.#memory
  }

  /** @throws ConfigError where the file is not what was written. */
  async load(): Promise<CommitteeMemory> {
    if (this.#path === undefined) return NOTHING
    try {
      this.#memory = decodeMemory(this.#networkId, new Uint8Array(await readFile(this.#path)))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new ConfigError(
        [
          `${this.#path} cannot be used (${why}): put it back from a backup; without it this node could be shown an older committee once, so remove it only when you know which epoch is the newest`,
        ],
        { cause },
      )
    }
    return this.#memory
  }

  save(change: Partial<CommitteeMemory>): Promise<void> {
    this.#memory = { ...this.#memory, ...change }
    const bytes = encodeMemory(this.#networkId, this.#memory)
    const turn = this.#written.then(() => this.#write(bytes))
    this.#written = turn.catch(() => {}) // one that failed must not fail the next: its author is told
    return turn
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const path = this.#path
    if (path === undefined) return
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
  }
}

const isAddress = (text: string): boolean => text.length <= MAX_ADDRESS

function publishedOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array && value.length <= MAX_PUBLISHED_BYTES) return value
  throw new DecodeError('not a published committee')
}

function orderOf(value: unknown): ListOrder {
  if (!Array.isArray(value) || value.length !== 2) throw new DecodeError('not an order')
  const [e, issuedAt] = value.map((item: unknown) => {
    if (typeof item === 'number' && Number.isSafeInteger(item) && item >= 0) return item
    throw new DecodeError('not an order')
  })
  return { e: e ?? 0, issuedAt: issuedAt ?? 0 }
}

function addressesOf(value: unknown): [PeerName, readonly string[]] {
  if (!Array.isArray(value) || value.length !== 2) throw new DecodeError('not addresses')
  const [peer, texts] = value as unknown[]
  if (typeof peer !== 'string' || peer.length > MAX_PEER_ID) throw new DecodeError('not a peer')
  if (!Array.isArray(texts) || texts.length > MAX_ADDRESSES) throw new DecodeError('not addresses')
  return [
    peer,
    texts.map((text: unknown) => {
      if (typeof text === 'string' && isAddress(text)) return text
      throw new DecodeError('not an address')
    }),
  ]
}
