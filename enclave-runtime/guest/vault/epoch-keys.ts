import type { Secret } from '../../../protocols/crypto/secret.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { epochNameOf, epochNumber, epochText } from './epoch-name.ts'
import { VaultError } from './vault-error.ts'

/** K_e of every epoch that lives here: those that are attempted, the one that serves, those that end. */
export class EpochKeys {
  readonly #keys = new Map<bigint, Secret<Uint8Array>>()

  /** In rising order. */
  get live(): readonly EpochName[] {
    return [...this.#keys.keys()].sort((a, b) => Number(a - b)).map(epochNameOf)
  }

  has(number: bigint): boolean {
    return this.#keys.has(number)
  }

  add(number: bigint, key: Secret<Uint8Array>): void {
    this.#keys.set(number, key)
  }

  /** The bytes are lent. Throws `VaultError` EPOCH_ERASED when there are none, or none any more. */
  of(epoch: EpochName): { readonly number: bigint; readonly key: Uint8Array } {
    const number = epochNumber(epoch)
    const key = this.#keys.get(number)
    if (key === undefined)
      throw new VaultError('EPOCH_ERASED', `epoch ${epochText(epoch)} has no key here`)
    return { number, key: key.expose() }
  }

  /** Wipes the key here, whatever the disk still has. */
  close(number: bigint): void {
    this.#keys.get(number)?.destroy()
    this.#keys.delete(number)
  }

  closeAll(): void {
    for (const number of [...this.#keys.keys()]) this.close(number)
  }
}
