import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import type { Account } from '../accounts/account.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Committee } from '../committee.ts'
import { decodeKeyPart } from '../keys/key-part.ts'
import type { KeyStore } from '../keys/key-store.ts'
import { VaultError } from '../vault/vault-error.ts'

/** Public points of own shares, 33 bytes each: computed once per key and epoch, not once per signature. */
const MAX_POINTS = 10_000

/**
 * Lends this guest's shares for requests, and knows the keys that it must not use for them: those that are halted, and
 * the committee's root key, which signs under its own domains alone (03 §1.2).
 */
export class KeyShares {
  readonly #keys: Pick<KeyStore, 'share' | 'part'>
  readonly #kernel: Kernel
  readonly #me: PartyIndex
  readonly #rootKey: Uint8Array | null
  /** Keys whose share here contradicts what is known of it. */
  readonly #halted = new Set<string>()
  readonly #points = new BoundedMap<Uint8Array>(MAX_POINTS)

  constructor(
    keys: Pick<KeyStore, 'share' | 'part'>,
    kernel: Kernel,
    { me, rootKey }: Pick<Committee, 'me' | 'rootKey'>,
  ) {
    this.#keys = keys
    this.#kernel = kernel
    this.#me = me.index
    this.#rootKey = rootKey
  }

  /** Whether this guest signs nothing for the account: its key is halted here, or is the root key. */
  isHalted({ certificate: { keyId, publicKey } }: Account): boolean {
    return this.#halted.has(hex(keyId)) || this.#isRootKey(publicKey)
  }

  /**
   * Lends the share of the account's key for one use; it is wiped afterwards, whatever happens. A share
   * that is not the one of the certificate halts the key (02 §12): nothing is signed with it, nothing erased.
   * Throws `RequestError` KEY_NOT_FOUND for the root key.
   */
  async withShare<T>(account: Account, use: (share: Handle<'share'>) => Promise<T>): Promise<T> {
    const { keyId, publicKey } = account.certificate
    if (this.#isRootKey(publicKey)) throw new RequestError('KEY_NOT_FOUND')
    const share = await this.#keys.share(keyId).catch((cause: unknown) => {
      if (!(cause instanceof VaultError) || cause.code !== 'RECORD_CORRUPT') throw cause
      throw this.#halt(account, 'the share cannot be read', cause)
    })
    try {
      const expected = await this.#pointOf(account)
      if (expected === undefined || !expected.equals(this.#kernel.sharePublic(share)))
        throw this.#halt(account, 'the share is not the certified one')
      return await use(share)
    } finally {
      this.#kernel.wipe(share)
    }
  }

  #isRootKey(publicKey: Uint8Array): boolean {
    return this.#rootKey !== null && sameBytes(this.#rootKey, publicKey)
  }

  /** F changes with every epoch and lies beside the share; P, which it begins with, is the certificate's for ever. */
  async #pointOf({ certificate: { keyId, publicKey } }: Account): Promise<Buffer | undefined> {
    const known = this.#points.get(keyId) ?? (await this.#evaluate(keyId, publicKey))
    if (known === undefined) return undefined
    this.#points.set(keyId, known)
    return Buffer.from(known)
  }

  async #evaluate(keyId: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array | undefined> {
    const part = await this.#keys.part(keyId)
    if (part === undefined) return undefined
    const { publicKey: own, commitment } = decodeKeyPart(part) // as it was written: it authenticated
    return sameBytes(own, publicKey)
      ? this.#kernel.evaluateCommitment(commitment, this.#me)
      : undefined
  }

  #halt({ certificate: { keyId } }: Account, reason: string, cause?: unknown): ProtocolError {
    this.#halted.add(hex(keyId))
    return new ProtocolError({ kind: 'own-share', reason }, { cause })
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
