import { Vault, type VaultInit } from '../../../../enclave-runtime/guest/vault/vault.ts'
import { MemoryRecordStore } from '../../../../enclave-runtime/host/memory-store.ts'
import { softwareBackend } from '../../../../enclave-runtime/sealing/software-backend.ts'
import { Secret } from '../../../../protocols/crypto/secret.ts'
import type { Handle } from '../../../../protocols/kernel/kernel.ts'
import { seeded } from '../../../support/seeded.ts'
import { MemoryEpochFile } from '../../sealing/memory-epoch-file.ts'

export const NETWORK: Uint8Array = new Uint8Array(32).fill(0xa1)

/** The part of a kernel that the vault uses: handles are numbers, bytes come and go. */
export class ShareKernel {
  readonly #shares: Uint8Array[] = []
  /** What `shareOut` gave: the vault must wipe each. */
  readonly given: Uint8Array[] = []

  hold(bytes: Uint8Array): Handle<'share'> {
    this.#shares.push(bytes.slice())
    return (this.#shares.length - 1) as Handle<'share'>
  }

  shareOut(share: Handle<'share'>): Uint8Array {
    const bytes = this.#shares[share]?.slice() ?? new Uint8Array()
    this.given.push(bytes)
    return bytes
  }

  shareIn(bytes: Uint8Array): Handle<'share'> {
    const handle = this.hold(bytes)
    bytes.fill(0)
    return handle
  }

  bytesOf(share: Handle<'share'>): Uint8Array | undefined {
    return this.#shares[share]
  }
}

/** One node's device and disk, which outlive its guests. */
export class TestNode {
  readonly seed: string
  readonly epochs: MemoryEpochFile = new MemoryEpochFile()
  readonly kernel: ShareKernel = new ShareKernel()
  root: Uint8Array
  store: MemoryRecordStore = new MemoryRecordStore()
  #starts = 0

  constructor(seed: string) {
    this.seed = seed
    this.root = seeded(`${seed} root`)(32)
  }

  /** A guest starts: before the network exists (null) or in it. */
  open(networkId: Uint8Array | null, init: Partial<VaultInit> = {}): Promise<Vault> {
    const random = seeded(`${this.seed} start ${this.#starts++}`)
    const backend = softwareBackend(new Secret(this.root.slice()), this.epochs, random)
    return Vault.open(backend, this.store, {
      networkId,
      random,
      kernel: this.kernel,
      named: () => true,
      ...init,
    })
  }

  /** A node that went through `init` and its first start in `NETWORK`. */
  static async ready(seed: string): Promise<{ node: TestNode; vault: Vault }> {
    const node = new TestNode(seed)
    await node.open(null)
    return { node, vault: await node.open(NETWORK) }
  }

  /** Everything on the disk, in order of names. */
  async rows(): Promise<Map<string, Uint8Array>> {
    return new Map((await this.store.scan('', '')).rows)
  }

  /** The disk as it was. */
  async restore(rows: ReadonlyMap<string, Uint8Array>): Promise<void> {
    this.store = new MemoryRecordStore()
    await this.store.batch({ puts: [...rows], deletes: [] })
  }

  async put(name: string, record: Uint8Array): Promise<void> {
    await this.store.batch({ puts: [[name, record]], deletes: [] })
  }
}

/** The one name by which two states of the disk differ in this class. */
export function newName(
  before: ReadonlyMap<string, Uint8Array>,
  after: ReadonlyMap<string, Uint8Array>,
  prefix: string,
): string {
  const names = [...after.keys()].filter((name) => name.startsWith(prefix) && !before.has(name))
  if (names.length !== 1 || names[0] === undefined) throw new Error(`bug: ${names.length} names`)
  return names[0]
}
