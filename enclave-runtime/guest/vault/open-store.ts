import type { Random } from '../../../protocols/crypto/random.ts'
import { Secret } from '../../../protocols/crypto/secret.ts'
import type { SealingBackend } from '../../sealing/backend.ts'
import { commit } from './commit.ts'
import { CriticalRecords } from './critical-records.ts'
import { decoded } from './decoded.ts'
import { encodeIdentity, type Identity, identityFrom } from './identity.ts'
import { decodeMeta, encodeMeta, NO_NETWORK } from './meta.ts'
import { openRecord, type RecordPlace, sealRecord } from './sealed-record.ts'
import type { SealedStore } from './sealed-store.ts'
import { VaultError } from './vault-error.ts'
import { META_NAME, ROOT_NAME, rootKey } from './vault-keys.ts'

/** Whose records these are to be. */
export interface OpenInit {
  /** null: before the network exists (`holdfast init`); an empty store then gets a new identity. */
  readonly networkId: Uint8Array | null
  readonly random: Random
  /** Whether the genesis file names a guest of these keys; asked once, before the network is adopted. */
  named?(guestSig: Uint8Array, guestEnc: Uint8Array): boolean
}

/** What the vault's secrets are when it is open. */
export interface Opened {
  readonly network: Uint8Array
  readonly node: Secret<Uint8Array>
  readonly records: CriticalRecords
  readonly identity: Identity
}

/** Opens, and on the way creates (`init`) or adopts the network (first start). Throws `VaultError`, `SealingError`. */
export async function openStore(
  backend: SealingBackend,
  store: SealedStore,
  init: OpenInit,
): Promise<Opened> {
  const wanted = init.networkId ?? NO_NETWORK
  const meta = await store.get(META_NAME)
  if (meta === undefined) await create(backend, store, init)
  const found = meta === undefined ? NO_NETWORK : decodeMeta(meta)
  const opened = await openUnder(backend, store, init, found)
  return sameBytes(found, wanted) ? opened : adopt(backend, store, init, opened)
}

/** K_node, identity and the first head, in an empty store. */
async function create(backend: SealingBackend, store: SealedStore, init: OpenInit): Promise<void> {
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
  init: OpenInit,
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
  init: OpenInit,
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

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
