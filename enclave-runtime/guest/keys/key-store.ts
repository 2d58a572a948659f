import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import type { KeyCertificate } from '../../../protocols/keygen/key-certificate.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { accountOf } from '../accounts/account.ts'
import type { AccountStore } from '../accounts/account-store.ts'
import type { Committee } from '../committee.ts'
import type { Tell } from '../events.ts'
import type { Records } from '../records.ts'
import type { CertifiedKeys } from './certified-keys.ts'
import { certifiedBatch, decoded, type HeldKeys, type Signatures } from './held-keys.ts'
import type { KeyGate } from './key-gate.ts'
import { keyPart, madeName } from './key-part.ts'
import {
  decodePendingBatch,
  encodePendingBatch,
  type PendingBatch,
  type Purpose,
  pendingName,
  shareName,
} from './pending-batch.ts'
import type { ReadyKeys } from './ready-keys.ts'
import { unlessCorrupt } from './unless-corrupt.ts'

/** A second K4 for one account, one for a batch that is gone, or one while the keys of the epoch are frozen: refused, whoever asks. */
export class CertifyRefused extends Error {
  override readonly name = 'CertifyRefused'
}

export interface KeyStoreInit {
  readonly committee: Committee
  readonly records: Records
  readonly kernel: Kernel
  readonly accounts: AccountStore
  readonly held: HeldKeys
  /** Accounts for which this guest signed a T or gave its vote, or is about to. */
  readonly certified: CertifiedKeys
  readonly ready: ReadyKeys
  readonly gate: Pick<KeyGate, 'mayCertify'>
  readonly tell: Tell
}

/**
 * Pending batches of keys of one epoch and the steps that they take, each one write for all keys of the batch and durable
 * when it resolves: stored → proven (this guest may sign T) → an account, or keys that are ready for one. Of
 * one account at most one key is ever proven here (02 §5).
 */
export class KeyStore {
  readonly #init: KeyStoreInit
  readonly #pending = new Map<string, PendingBatch>()
  /** Each key of a pending batch to its T. */
  readonly #batchOf = new Map<string, string>()
  readonly #activating = new Map<string, Promise<void>>()

  constructor(init: KeyStoreInit) {
    this.#init = init
    const { epoch } = init.committee
    for (const pending of pendingBatches(init.records))
      if (pending.epoch.e === epoch.e && pending.epoch.k === epoch.k) this.#hold(pending)
  }

  get pending(): readonly PendingBatch[] {
    return [...this.#pending.values()]
  }

  /** Keys, not batches. */
  get pendingCount(): number {
    return this.pending.reduce((sum, { keys }) => sum + keys.length, 0)
  }

  find(transcript: Uint8Array): PendingBatch | undefined {
    return this.#pending.get(hex(transcript))
  }

  /** The pending batch of which this key is one. */
  pendingWith(keyId: Uint8Array): PendingBatch | undefined {
    return this.#pending.get(this.#batchOf.get(hex(keyId)) ?? '')
  }

  ofAccount(accountId: Uint8Array): readonly PendingBatch[] {
    return this.pending.filter(
      ({ purpose }) => purpose.kind === 'account' && equal(purpose.accountId, accountId),
    )
  }

  ofOwner(owner: PartyIndex): readonly PendingBatch[] {
    return this.pending.filter(({ purpose }) => purpose.kind === 'ready' && purpose.owner === owner)
  }

  /** Whether this guest signed a T or gave a vote for this account, whatever became of it. */
  isCertified(accountId: Uint8Array): boolean {
    return this.#init.certified.has(accountId)
  }

  /** Shares and record in one batch, then all read back: K3 leaves only after that. */
  async store(pending: PendingBatch, shares: readonly Handle<'share'>[]): Promise<void> {
    const { records, tell } = this.#init
    const { transcript, keys } = pending
    const names = keys.map(({ keyId }) => shareName(keyId))
    const parts = keys.map((key) => keyPart(key, transcript))
    await records.write({
      critical: new Map([[pendingName(transcript), encodePendingBatch(pending)]]),
      shares: new Map(names.map((name, b) => [name, at(shares, b)] as const)),
      parts: new Map(names.map((name, b) => [name, at(parts, b)] as const)),
    })
    const same = await Promise.all(
      names.map((name, b) => this.#isStored(name, at(shares, b), at(parts, b))),
    )
    const record = records.critical(pendingName(transcript))
    const recorded = record !== undefined && equal(record, encodePendingBatch(pending))
    if (!recorded || same.includes(false)) throw new Error('bug: the store gave back another share')
    this.#hold(pending)
    tell('KEY_PENDING')
  }

  /**
   * All proofs of K3 are there: durable before this guest signs T. Throws `CertifyRefused` when it signed
   * or voted, or is about to, for another key of the account.
   */
  async prove(transcript: Uint8Array, proofs: ReadonlyMap<PartyIndex, Uint8Array>): Promise<void> {
    const { accounts, records } = this.#init
    const pending = this.find(transcript)
    if (pending === undefined) throw new CertifyRefused('no such pending batch')
    if (!this.#init.gate.mayCertify()) throw new CertifyRefused('the keys are frozen')
    const { purpose } = pending
    if (purpose.kind === 'account') {
      this.#assertAllowed(pending, purpose.accountId)
      if ((await accounts.get(purpose.accountId)) !== undefined)
        throw new CertifyRefused('the account has its key')
    }
    if (pending.proofs !== null) return
    // From here to the write in one turn; the mark and the permission in one batch.
    const next = { ...pending, proofs: new Map(proofs) }
    await records.write({
      critical: new Map([
        ...this.#marks(pending, purpose),
        [pendingName(transcript), encodePendingBatch(next)],
      ]),
    })
    if (this.#pending.has(hex(transcript))) this.#pending.set(hex(transcript), next)
  }

  /** A quorum's signatures are there, and verified: the keys are active or ready. Idempotent. */
  activate(pending: PendingBatch, signatures: Signatures): Promise<void> {
    const { purpose, transcript } = pending
    const place = hex(purpose.kind === 'account' ? purpose.accountId : transcript)
    const running = this.#activating.get(place)
    if (running !== undefined) return running
    const activated =
      purpose.kind === 'account'
        ? this.#activate(pending, purpose, signatures)
        : this.#makeReady(pending, purpose.owner, signatures)
    const done = activated.finally(() => this.#activating.delete(place))
    this.#activating.set(place, done)
    return done
  }

  /** What is public beside this guest's share of a key: F of its epoch; undefined where there is no share. */
  part(keyId: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#init.records.sharePart(shareName(keyId))
  }

  /** This guest's share of a key, for one use: the caller wipes it. */
  share(keyId: Uint8Array): Promise<Handle<'share'>> {
    return this.#init.records.loadShare(shareName(keyId))
  }

  /**
   * Before the shares of this epoch are destroyed: what lies beside those of ready keys is kept, for beside the shares
   * of the next one lies another F, and a certificate needs the first. Repeatable.
   */
  async keepParts(): Promise<void> {
    const { records, ready } = this.#init
    for (const keyId of ready.all) {
      if ((await records.bulk(madeName(keyId))) !== undefined) continue
      const part = await unlessCorrupt(this.part(keyId))
      if (part !== undefined) await records.write({ bulk: new Map([[madeName(keyId), part]]) })
    }
  }

  #hold(pending: PendingBatch): void {
    const transcript = hex(pending.transcript)
    this.#pending.set(transcript, pending)
    for (const { keyId } of pending.keys) this.#batchOf.set(hex(keyId), transcript)
  }

  #release({ transcript, keys }: PendingBatch): void {
    this.#pending.delete(hex(transcript))
    for (const { keyId } of keys) this.#batchOf.delete(hex(keyId))
  }

  async #isStored(name: string, share: Handle<'share'>, part: Uint8Array): Promise<boolean> {
    const { records, kernel } = this.#init
    const beside = await records.sharePart(name)
    const loaded = await records.loadShare(name)
    try {
      const same = equal(kernel.sharePublic(loaded), kernel.sharePublic(share))
      return same && beside !== undefined && equal(beside, part)
    } finally {
      kernel.wipe(loaded)
    }
  }

  async #activate(
    pending: PendingBatch,
    { accountId, digest, credential }: Extract<Purpose, { kind: 'account' }>,
    signatures: Signatures,
  ): Promise<void> {
    const { committee, accounts, certified, tell } = this.#init
    if ((await accounts.get(accountId)) !== undefined) return
    const certificate = certificateOf(committee, pending, signatures)
    const account = accountOf(accountId, digest, credential, certificate)
    await accounts.add(account, () => {
      const mine = certified.allows(accountId, certificate.keyId)
      return {
        bulk: new Map([certifiedBatch(committee, pending, signatures)]),
        critical: new Map([
          [pendingName(pending.transcript), null],
          ...(mine ? [certified.add(accountId, certificate.keyId)] : []),
        ]),
      }
    })
    this.#release(pending)
    tell('KEY_ACTIVE')
  }

  async #makeReady(
    pending: PendingBatch,
    owner: PartyIndex,
    signatures: Signatures,
  ): Promise<void> {
    const { committee, records, ready, tell } = this.#init
    const { transcript, keys } = pending
    if (this.find(transcript) === undefined) return
    const keyIds = keys.map(({ keyId }) => keyId)
    const { change, added } = ready.recordOf(transcript, owner, keyIds)
    await records.write({
      bulk: new Map([certifiedBatch(committee, pending, signatures)]),
      critical: new Map([[pendingName(transcript), null], change]),
    })
    added()
    this.#release(pending)
    tell('KEY_READY', owner, keys.length)
  }

  #marks(
    pending: PendingBatch,
    purpose: Purpose,
  ): readonly (readonly [name: string, record: Uint8Array])[] {
    if (purpose.kind !== 'account') return []
    this.#assertAllowed(pending, purpose.accountId)
    return [this.#init.certified.add(purpose.accountId, onlyKey(pending).keyId)]
  }

  #assertAllowed(pending: PendingBatch, accountId: Uint8Array): void {
    if (!this.#init.certified.allows(accountId, onlyKey(pending).keyId))
      throw new CertifyRefused('another key of this account was certified')
  }
}

/** Of all epochs. Throws `VaultError` RECORD_CORRUPT. */
export const pendingBatches = (
  records: Pick<Records, 'critical' | 'criticalNames'>,
): readonly PendingBatch[] =>
  records.criticalNames('pending/').map((name) => {
    const record = records.critical(name)
    if (record === undefined) throw new Error(`bug: ${name} is listed and not there`)
    return decoded(name, () => decodePendingBatch(record))
  })

/** The certificate of an account's own key, as it will be read from its records. */
function certificateOf(
  { committeeId, epochId, quorum }: Committee,
  pending: PendingBatch,
  signatures: Signatures,
): KeyCertificate {
  const { keyId, curve, t, publicKey, chainCode, commitment, record } = onlyKey(pending)
  return {
    committeeId,
    epochId,
    keyId,
    curve,
    t,
    publicKey,
    chainCode,
    commitment,
    deviceKey: new Uint8Array(),
    pub: pending.pub,
    records: [record],
    signatures: signatures.slice(0, quorum),
  }
}

const onlyKey = ({ keys }: PendingBatch) => {
  const [key, ...others] = keys
  if (key === undefined || others.length > 0) throw new Error('bug: not one key of an account')
  return key
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error('bug: a key without its share')
  return item
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
