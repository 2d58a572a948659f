import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { AccountStore } from '../accounts/account-store.ts'
import type { Background } from '../background/background.ts'
import type { Tell } from '../events.ts'
import type { Records } from '../records.ts'
import type { Authorized } from '../requests/authorize.ts'
import type { Clock } from '../sessions/clock.ts'
import { Assignments } from './assignments.ts'
import { BatchMaker, type BatchMakerInit } from './batch-maker.ts'
import type { RunOf } from './certificate-letters.ts'
import type { CertifiedKeys } from './certified-keys.ts'
import type { HeldKeys } from './held-keys.ts'
import type { KeyGate } from './key-gate.ts'
import { KeygenLimits } from './keygen-limits.ts'
import { KeygenManager, type KeygenManagerInit } from './keygen-manager.ts'
import { PendingKeys } from './pending-keys.ts'
import type { ReadyKeys } from './ready-keys.ts'
import { ReadyReleases } from './ready-releases.ts'

export interface KeyRoomInit
  extends Omit<BatchMakerInit, 'pending' | 'limits' | 'size' | 'onMade'>,
    Pick<KeygenManagerInit, 'live' | 'now'> {
  readonly records: Records
  readonly background: Background
  readonly clock: Clock
  readonly accounts: AccountStore
  readonly held: HeldKeys
  readonly certified: CertifiedKeys
  readonly gate: KeyGate
  readonly ready: ReadyKeys
  /** Keys that this guest wants to have ready. */
  readonly readyKeys: number
  /** Verifies a request; with `anyTime` it may have expired. */
  readonly authorize: (request: Uint8Array, anyTime: boolean) => Promise<Authorized>
  readonly tell: Tell
  readonly onError: (error: unknown) => void
}

/** How keys come to be, and to accounts: everything that makes, resolves and gives them. */
export class KeyRoom {
  readonly pending: PendingKeys
  readonly assignments: Assignments
  readonly batches: BatchMaker
  readonly keygen: KeygenManager
  readonly #releases: ReadyReleases

  constructor(init: KeyRoomInit) {
    const { keys, ready, clock, authorize } = init
    const isBusy = (run: RunOf) =>
      'owner' in run ? this.batches.isBusy(run.owner) : this.keygen.isBusy(run.accountId)
    this.pending = new PendingKeys({ ...init, isBusy })
    const unassigned = (owner?: PartyIndex): number =>
      owner === undefined
        ? ready.count + this.assignments.count + keys.pendingCount
        : ready.countOf(owner) +
          this.assignments.countOf(owner) +
          keys.ofOwner(owner).reduce((sum, batch) => sum + batch.keys.length, 0)
    const limits = new KeygenLimits(
      () => clock.monotonicMs(),
      () => keys.pendingCount,
      unassigned,
    )
    const shared = { ...init, pending: this.pending, limits }
    this.assignments = new Assignments({
      ...shared,
      isBusy: (accountId) =>
        this.keygen.isBusy(accountId) ||
        keys.ofAccount(accountId).some((batch) => !this.pending.isDead(batch)),
      onUnknownKey: (keyId) => this.pending.hurry(keyId),
      onUsed: () => this.batches.refill(),
    })
    this.#releases = new ReadyReleases({ ...init, me: init.committee.me.index })
    const onMade = () => this.#releases.resume()
    this.batches = new BatchMaker({ ...shared, size: init.readyKeys, onMade })
    this.keygen = new KeygenManager({
      ...shared,
      assignments: this.assignments,
      authorize: (request) => authorize(request, false),
    })
  }

  /** At boot, and when peers came up: what is open is asked about, and the pool filled. */
  resume(): void {
    this.pending.resume()
    this.assignments.resume()
    this.#releases.resume()
    this.batches.refill()
  }

  close(): void {
    this.pending.close()
    this.assignments.close()
    this.#releases.close()
    this.batches.close()
  }
}
