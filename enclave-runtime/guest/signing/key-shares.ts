import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import type { Account } from '../accounts/account.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { KeyStore } from '../keys/key-store.ts'
import { VaultError } from '../vault/vault-error.ts'

/** Public points of own shares, 33 bytes each: computed once per key, not once per signature. */
const MAX_POINTS = 10_000

/** Lends this guest's shares, and knows the keys that it must not use any more. */
export class KeyShares {
  readonly #keys: Pick<KeyStore, 'share'>
  readonly #kernel: Kernel
  readonly #me: PartyIndex
  /** Keys whose share here contradicts their certificate. */
  readonly #halted = new Set<string>()
  readonly #points = new BoundedMap<Uint8Array>(MAX_POINTS)

  constructor(keys: Pick<KeyStore, 'share'>, kernel: Kernel, me: PartyIndex) {
    this.#keys = keys
    this.#kernel = kernel
    this.#me = me
  }

  isHalted({ certificate: { keyId } }: Account): boolean {
    return this.#halted.has(hex(keyId))
  }

  /**
   * Lends the share of the account's key for one use; it is wiped afterwards, whatever happens. A share
   * that is not the one of the certificate halts the key (02 §12): nothing is signed with it, nothing erased.
   */
  async withShare<T>(account: Account, use: (share: Handle<'share'>) => Promise<T>): Promise<T> {
    const { keyId } = account.certificate
    const share = await this.#keys.share(keyId).catch((cause: unknown) => {
      if (!(cause instanceof VaultError) || cause.code !== 'RECORD_CORRUPT') throw cause
      throw this.#halt(account, 'the share cannot be read', cause)
    })
    try {
      const expected = this.#pointOf(account)
      if (expected === undefined || !expected.equals(this.#kernel.sharePublic(share)))
        throw this.#halt(account, 'the share is not the certified one')
      return await use(share)
    } finally {
      this.#kernel.wipe(share)
    }
  }

  #pointOf({ certificate: { keyId, commitment } }: Account): Buffer | undefined {
    const known = this.#points.get(keyId) ?? this.#kernel.evaluateCommitment(commitment, this.#me)
    if (known === undefined) return undefined
    this.#points.set(keyId, known)
    return Buffer.from(known)
  }

  #halt({ certificate: { keyId } }: Account, reason: string, cause?: unknown): ProtocolError {
    this.#halted.add(hex(keyId))
    return new ProtocolError({ kind: 'own-share', reason }, { cause })
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
