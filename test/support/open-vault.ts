import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shareName } from '../../enclave-runtime/guest/keys/pending-batch.ts'
import { Vault } from '../../enclave-runtime/guest/vault/vault.ts'
import { openLevelStore } from '../../enclave-runtime/host/level-store.ts'
import { softwareBackend } from '../../enclave-runtime/sealing/software-backend.ts'
import { networkIdOf } from '../../protocols/agreement/genesis.ts'
import { Secret } from '../../protocols/crypto/secret.ts'
import { referenceKernel } from '../../protocols/kernel/reference/reference-kernel.ts'

/** The first attempt at epoch 0, and where its secret lies: behind that of the genesis file. */
const EPOCH = { e: 0, k: 1 }
const SECRET_AT = 64 + 8

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

/**
 * The secrets of a stopped node, as only somebody with its disk and both key files can have them. Leaves
 * the directory as it was.
 */
export async function secretsOf(
  dir: string,
  keyId: Uint8Array,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const root = new Uint8Array(await readFile(`${dir}.keys/root.key`))
  const epochs = new Uint8Array(await readFile(`${dir}.keys/epochs.key`))
  const genesis = new Uint8Array(await readFile(join(dir, 'genesis.cbor')))
  const level = await openLevelStore(join(dir, 'records'))
  const file = {
    size: () => epochs.length,
    read: (at: number, length: number) => epochs.slice(at, at + length),
    write: (at: number, bytes: Uint8Array) => epochs.set(bytes, at),
  }
  const store = {
    get: (name: string) => level.get(name),
    scan: (prefix: string, after: string) => level.scan(prefix, after),
    batch: async () => undefined, // opening counts a boot, and nothing may remember this one
  }
  const kernel = referenceKernel(random)
  try {
    const vault = await Vault.open(softwareBackend(new Secret(root.slice()), file, random), store, {
      networkId: networkIdOf(genesis),
      random,
      kernel,
    })
    const share = kernel.shareOut(await vault.loadShare(EPOCH, shareName(keyId)))
    vault.close()
    return new Map([
      ['root key', root],
      ['epoch secret', epochs.slice(SECRET_AT, SECRET_AT + 32)],
      ['share', share],
    ])
  } finally {
    await level.close()
  }
}
