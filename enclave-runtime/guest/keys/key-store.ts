import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import type { KeyCertificate } from '../../../protocols/keygen/key-certificate.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { accountOf } from '../accounts/account.ts'
import type { AccountStore } from '../accounts/account-store.ts'
import type { Tell } from '../events.ts'
import type { Records } from '../records.ts'
import { CertifiedKeys } from './certified-keys.ts'
import {
  decodePendingKey,
  encodePendingKey,
  type PendingKey,
  pendingName,
  shareName,
} from './pending-key.ts'

/** A second K4 for one account, or one for a key that is gone: refused, whoever asks. */
export class CertifyRefused extends Error {
  override readonly name = 'CertifyRefused'
}

/**
 * Pending keys and the steps that they take, each durable when it resolves: stored → proven (this guest
 * may sign T) → an account. At most one key per account is ever proven here (02 §5).
 */
export class KeyStore {
  readonly #records: Records
  readonly #kernel: Kernel
  readonly #accounts: AccountStore
  readonly #tell: Tell
  readonly #pending = new Map<string, PendingKey>()
  /** Accounts for which this guest signed a T, or is about to. */
  readonly #certified: CertifiedKeys
  readonly #activating = new Map<string, Promise<void>>()

  constructor(records: Records, kernel: Kernel, accounts: AccountStore, tell: Tell) {
    this.#records = records
    this.#kernel = kernel
    this.#accounts = accounts
    this.#tell = tell
    this.#certified = new CertifiedKeys(records)
    for (const name of records.criticalNames('pending/')) {
      const record = records.critical(name)
      if (record === undefined) throw new Error(`bug: ${name} is listed and not there`)
      const pending = decodePendingKey(record)
      this.#pending.set(hex(pending.key.keyId), pending)
    }
  }

  get pending(): readonly PendingKey[] {
    return [...this.#pending.values()]
  }

  find(keyId: Uint8Array): PendingKey | undefined {
    return this.#pending.get(hex(keyId))
  }

  ofAccount(accountId: Uint8Array): readonly PendingKey[] {
    return this.pending.filter((pending) => Buffer.from(pending.accountId).equals(accountId))
  }

  /** Whether this guest signed a T for this account, whatever became of it. */
  isCertified(accountId: Uint8Array): boolean {
    return this.#certified.has(accountId)
  }

  /** Share and record in one batch, then both read back: K3 leaves only after that. */
  async store(pending: PendingKey, share: Handle<'share'>): Promise<void> {
    const { keyId } = pending.key
    await this.#records.write({
      critical: new Map([[pendingName(keyId), encodePendingKey(pending)]]),
      shares: new Map([[shareName(keyId), share]]),
    })
    const loaded = await this.#records.loadShare(shareName(keyId))
    const same = Buffer.from(this.#kernel.sharePublic(loaded)).equals(
      this.#kernel.sharePublic(share),
    )
    this.#kernel.wipe(loaded)
    const record = this.#records.critical(pendingName(keyId))
    if (!same || record === undefined || !Buffer.from(record).equals(encodePendingKey(pending)))
      throw new Error('bug: the store gave back another share')
    this.#pending.set(hex(keyId), pending)
    this.#tell('KEY_PENDING')
  }

  /**
   * All proofs of K3 are there: durable before this guest signs T. Throws `CertifyRefused` when it signed,
   * or is about to sign, for another key of the account.
   */
  async prove(keyId: Uint8Array, proofs: ReadonlyMap<PartyIndex, Uint8Array>): Promise<void> {
    const pending = this.find(keyId)
    if (pending === undefined) throw new CertifyRefused('no such pending key')
    const { accountId } = pending
    if (!this.#certified.allows(accountId, keyId))
      throw new CertifyRefused('another key of this account was certified')
    if ((await this.#accounts.get(accountId)) !== undefined)
      throw new CertifyRefused('the account has its key')
    if (pending.proofs !== null) return
    // From here to the write in one turn; the mark and the permission in one batch.
    if (!this.#certified.allows(accountId, keyId))
      throw new CertifyRefused('another key of this account was certified')
    const next = { ...pending, proofs: new Map(proofs) }
    await this.#records.write({
      critical: new Map([
        this.#certified.add(accountId, keyId),
        [pendingName(keyId), encodePendingKey(next)],
      ]),
    })
    if (this.#pending.has(hex(keyId))) this.#pending.set(hex(keyId), next)
  }

  /** The certificate is there, and verified: the key is active and its account exists. Idempotent. */
  activate(pending: PendingKey, certificate: KeyCertificate): Promise<void> {
    const account = hex(pending.accountId)
    const running = this.#activating.get(account)
    if (running !== undefined) return running
    const done = this.#activate(pending, certificate).finally(() =>
      this.#activating.delete(account),
    )
    this.#activating.set(account, done)
    return done
  }

  /** This guest's share of a key, for one use: the caller wipes it. */
  share(keyId: Uint8Array): Promise<Handle<'share'>> {
    return this.#records.loadShare(shareName(keyId))
  }

  async #activate(pending: PendingKey, certificate: KeyCertificate): Promise<void> {
    const { accountId, digest, credential, key } = pending
    if ((await this.#accounts.get(accountId)) !== undefined) return
    const account = accountOf(accountId, digest, credential, certificate)
    await this.#accounts.add(account, () => {
      const mine = this.#certified.allows(accountId, key.keyId)
      return [
        [pendingName(key.keyId), null],
        ...(mine ? [this.#certified.add(accountId, key.keyId)] : []),
      ]
    })
    this.#pending.delete(hex(key.keyId))
    this.#tell('KEY_ACTIVE')
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
