import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import type { Breathe } from '../../../protocols/crypto/breathe.ts'
import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import type { KnownKey, OldKey } from '../../../protocols/reshare/old-keys.ts'
import { ProtocolError } from '../../../protocols/session/faults.ts'
import { NO_DEVICE, SECP256K1 } from '../../../protocols/sharing/key-record.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { decoded } from '../keys/held-keys.ts'
import { decodeKeyPart } from '../keys/key-part.ts'
import { shareName } from '../keys/pending-batch.ts'
import { VaultError } from '../vault/vault-error.ts'
import type { WorkVault } from './chunk-store.ts'
import { isLeafOf } from './key-leaf.ts'

export interface BaseKeysInit {
  readonly vault: Pick<WorkVault, 'loadShare' | 'sharePart'>
  readonly kernel: Pick<Kernel, 'wipe'>
  readonly base: EpochName
  /** The key as START's cut or TAIL lists it, which its root or a certificate proves; undefined for no such key. */
  readonly known: (keyId: Uint8Array) => HeldKey | undefined
  readonly breathe: Breathe
}

/** The keys of the epoch before, as this member holds them, or as it may believe others (02 §8). */
export class BaseKeys {
  readonly #init: BaseKeysInit

  constructor(init: BaseKeysInit) {
    this.#init = init
  }

  /** Undefined when this member has not all of them, or not those of the list: then it is told of them as a newcomer is. */
  async keys(keyIds: readonly Uint8Array[]): Promise<readonly OldKey[] | undefined> {
    const found: OldKey[] = []
    for (const keyId of keyIds) {
      const key = await this.#key(keyId)
      if (key === undefined) return undefined
      found.push(key)
      await this.#init.breathe()
    }
    return found
  }

  /** For a dealer; the caller wipes them. Throws `VaultError`. */
  async shares(keyIds: readonly Uint8Array[]): Promise<readonly Handle<'share'>[]> {
    const { vault, base, kernel } = this.#init
    const shares: Handle<'share'>[] = []
    try {
      for (const keyId of keyIds) shares.push(await vault.loadShare(base, shareName(keyId)))
      return shares
    } catch (error) {
      for (const share of shares) kernel.wipe(share)
      throw error
    }
  }

  /** What a dealer says of a key, if the list says it too. */
  async vouched({ keyId, chainCode, commitment }: KnownKey): Promise<OldKey | undefined> {
    const publicKey = commitment.slice(0, 33)
    const key = { keyId, curve: SECP256K1, publicKey, chainCode, commitment }
    const leaf = this.#init.known(keyId)
    if (leaf === undefined || !isLeafOf(leaf, key)) return undefined
    return { ...key, deviceKey: NO_DEVICE }
  }

  async #key(keyId: Uint8Array): Promise<OldKey | undefined> {
    const { vault, base, known } = this.#init
    const leaf = known(keyId)
    if (leaf === undefined) throw new ProtocolError({ kind: 'cancelled', round: 'session/open' }) // its attempt is over
    const name = shareName(keyId)
    const part = await vault.sharePart(base, name).catch((error: unknown) => {
      if (error instanceof VaultError && error.code === 'EPOCH_ERASED') return undefined
      throw error
    })
    if (part === undefined) return undefined
    const { batchId: _, t: __, ...key } = decoded(name, () => decodeKeyPart(part))
    return isLeafOf(leaf, { keyId, ...key }) ? { keyId, ...key, deviceKey: NO_DEVICE } : undefined
  }
}
