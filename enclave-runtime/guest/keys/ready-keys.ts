import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Records } from '../records.ts'
import { decoded } from './held-keys.ts'
import { batchIdOf } from './key-part.ts'
import { MAX_BATCH } from './pending-batch.ts'

const PREFIX = 'ready/'
const MAX_BYTES = 1024 // 16 key ids
const MAX_INDEX = 0xffff

interface Ready {
  readonly owner: PartyIndex
  /** Those of the batch that no account has, in hex. */
  readonly keys: ReadonlySet<string>
}

/**
 * Certified keys of no account, by batch: `ready/<batch id>`, critical, so that a host cannot bring back a key
 * that was given away. A key leaves its record in the write that notes its account, and never returns. Few at a
 * time, for followers bound what each member may own (`KeygenLimits`).
 */
export class ReadyKeys {
  /** By the record's name, oldest first. */
  readonly #batches = new Map<string, Ready>()
  /** Key to record. */
  readonly #places = new Map<string, string>()

  constructor(records: Pick<Records, 'critical' | 'criticalNames'>) {
    for (const name of records.criticalNames(PREFIX)) {
      const record = records.critical(name)
      if (record === undefined) throw new Error(`bug: ${name} is listed and not there`)
      this.#set(
        name,
        decoded(name, () => decodeReady(record)),
      )
    }
  }

  /** The keys of all owners. */
  get all(): readonly Uint8Array[] {
    return [...this.#places.keys()].map((keyId) => new Uint8Array(Buffer.from(keyId, 'hex')))
  }

  get count(): number {
    return this.#places.size
  }

  countOf(owner: PartyIndex): number {
    return this.#of(owner).reduce((sum, { keys }) => sum + keys.size, 0)
  }

  /** Who may give this key to an account; undefined when nobody may, or may any more. */
  ownerOf(keyId: Uint8Array): PartyIndex | undefined {
    return this.#batches.get(this.#places.get(hex(keyId)) ?? '')?.owner
  }

  /** All keys of this owner, the oldest first. */
  keysOf(owner: PartyIndex): readonly Uint8Array[] {
    return this.#of(owner).flatMap(({ keys }) =>
      [...keys].map((keyId) => new Uint8Array(Buffer.from(keyId, 'hex'))),
    )
  }

  /** The record of a batch that was certified; `added` when it is durable. */
  recordOf(
    transcript: Uint8Array,
    owner: PartyIndex,
    keyIds: readonly Uint8Array[],
  ): { readonly change: readonly [name: string, record: Uint8Array]; added(): void } {
    const name = PREFIX + hex(batchIdOf(transcript))
    const ready = { owner, keys: new Set(keyIds.map(hex)) }
    return { change: [name, encodeReady(ready)], added: () => this.#set(name, ready) }
  }

  /** The record of a batch of which one more key was learned; `added` when it is durable. */
  grown(
    transcript: Uint8Array,
    owner: PartyIndex,
    keyId: Uint8Array,
  ): { readonly change: readonly [name: string, record: Uint8Array]; added(): void } {
    const known = this.#batches.get(PREFIX + hex(batchIdOf(transcript)))?.keys ?? []
    const keyIds = [...known].map((key) => new Uint8Array(Buffer.from(key, 'hex')))
    return this.recordOf(transcript, owner, [...keyIds, keyId])
  }

  /** Takes a key out, in one turn; what must be durable before anyone is told. */
  take(keyId: Uint8Array): readonly [name: string, record: Uint8Array | null] {
    const name = this.#places.get(hex(keyId))
    const batch = name === undefined ? undefined : this.#batches.get(name)
    if (name === undefined || batch === undefined) throw new Error('bug: a key is given away twice')
    const keys = new Set([...batch.keys].filter((other) => other !== hex(keyId)))
    this.#places.delete(hex(keyId))
    const left = { owner: batch.owner, keys }
    if (keys.size > 0) this.#batches.set(name, left)
    else this.#batches.delete(name)
    return [name, keys.size > 0 ? encodeReady(left) : null]
  }

  #of(owner: PartyIndex): Ready[] {
    return [...this.#batches.values()].filter((batch) => batch.owner === owner)
  }

  #set(name: string, ready: Ready): void {
    this.#batches.set(name, ready)
    for (const keyId of ready.keys) this.#places.set(keyId, name)
  }
}

const encodeReady = ({ owner, keys }: Ready): Uint8Array =>
  encodeCanonical(['ready', 1, owner, [...keys].map((keyId) => Buffer.from(keyId, 'hex'))])

/** Throws `DecodeError`. */
function decodeReady(bytes: Uint8Array): Ready {
  const [owner, keys] = objectFields(decodeCanonical(bytes, MAX_BYTES), 'ready', 2)
  const ids = listField(keys, 'keys', MAX_BATCH).map((id) => hex(bytesField(id, 'key', 32)))
  return { owner: uintField(owner, 'owner', MAX_INDEX), keys: new Set(ids) }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
