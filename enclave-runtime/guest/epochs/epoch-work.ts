import type { PublishedCommittee } from '../../../protocols/agreement/chain/published-committee.ts'
import type { Notice, Task } from '../../../protocols/agreement/epoch/effects.ts'
import type { TaskDone, TaskFailed } from '../../../protocols/agreement/epoch/events.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import type { Proposed } from '../../../protocols/agreement/epoch/messages.ts'
import type { Pair } from '../../../protocols/agreement/objects/items.ts'
import type { Member } from '../../../protocols/agreement/objects/member.ts'
import type { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import type { RootSig } from '../../../protocols/agreement/objects/root-signatures.ts'
import type { KeyCertificate } from '../../../protocols/keygen/key-certificate.ts'

/** One attempt at an epoch, decided or not. Keys, shares and rooms are named by it; both numbers are below 2^16. */
export interface EpochName {
  readonly e: number
  readonly k: number
}

/** What a START says, as far as the making of new shares needs it (03 §4.1 S3). */
export interface AttemptFacts {
  readonly epoch: EpochName
  /** H(epoch id; …) of the START, 32 bytes: in every session id of 02. */
  readonly epochId: Uint8Array
  /** Whose shares are dealt again. The genesis attempt has none: its own name stands here, and `rootKey` is null. */
  readonly base: EpochName
  /** That of the base's record; networkId for the genesis attempt. */
  readonly baseEpochId: Uint8Array
  readonly oldMembers: readonly Member[]
  readonly oldThreshold: number
  readonly members: readonly Member[]
  /** t' */
  readonly threshold: number
  /** Indices of t old members; all n in the genesis attempt. */
  readonly dealers: readonly number[]
  /** Banned pairs that get a setup again. */
  readonly unban: readonly Pair[]
  /** 33 bytes; null in the genesis attempt, which makes it. */
  readonly rootKey: Uint8Array | null
}

/**
 * What an epoch change asks of the rooms that hold shares (03 §4.1 S4 to S7, S10 to S12). Answers come back as events
 * of the machine, through `WorkEvents`. A promise that is refused with `VaultError` ends the process: what the store
 * holds is then unknown. Any other refusal of `attempt` becomes a `fault` of this member.
 */
export interface EpochWork {
  /**
   * START is durable (also after a restart, for each attempt that is not decided). Opens the forming room; makes the
   * epoch's wrapping key and prekey durable before any task of it. Idempotent.
   */
  attempt(facts: AttemptFacts): Promise<void>
  /** Ends in exactly one `taskDone` or `taskFailed`, unless its attempt is dropped before. */
  begin(task: Task): void
  /** An ABORT certificate is durable: ends its tasks, closes its room, destroys its wrapping key. Also of an attempt that was never begun here. */
  drop(epoch: EpochName): Promise<void>
  /**
   * The pointer to this epoch is durable: its room serves, and those before it follow what runs until they are
   * destroyed. A guest that is no member of it stops leading. After a restart it is called for every epoch that is not
   * destroyed here, in rising order, before anything else.
   */
  activate(epoch: EpochName, record: EpochRecord): void
  /** S12: destroys the wrapping key of that epoch with shares, prekey and mailbox; closes its room. Repeatable after a crash. */
  destroy(epoch: EpochName): Promise<void>
  /** Leads a signature of the root key over this record; comes back as `rootSigned`, or not at all: then it is asked for again. */
  signRoot(epoch: EpochName, recordHash: Uint8Array): void
  /** Public X25519 prekey, 32 bytes. Throws if `attempt` was not done. */
  prekey(epoch: EpochName): Uint8Array
  /** Whether every share of that epoch is durable here: of its chunks, and of the keys made in it. */
  holdsShares(epoch: EpochName): boolean
  /** Chunks of that attempt that are durable here, with their transcripts T. */
  durableChunks(epoch: EpochName): ReadonlyMap<number, Uint8Array>
  /** These keys as that attempt has them, in the same order: H(F; F) is new, everything else is as it was. All their chunks are durable here. */
  reshared(epoch: EpochName, keys: readonly HeldKey[]): readonly HeldKey[]
  /** Votes on the log of epoch e end; what is open comes back as `logClosed` (03 §9.3). */
  closeLog(e: number): void
  /** The root key that an attempt at epoch 0 made, with its F; undefined while it is not durable here (03 §1.2). */
  rootKey(
    epoch: EpochName,
  ): Pick<KeyCertificate, 'keyId' | 'curve' | 'publicKey' | 'chainCode' | 'commitment'> | undefined
  /** This member may sign K4 of that key (03 §6.1). */
  certify(keyId: Uint8Array): void
  /** q members hold the certificate of that key: its address may be told (03 §6.1). */
  release(keyId: Uint8Array): void
  /** Whether this guest and that member finished a session or a canary together within the last two minutes (03 §9.4). */
  workedWith(index: number): boolean
  /** Why this guest could take no part in an attempt now, for people; empty if it could (03 §4.1 S3). */
  unfit(): readonly string[]
}

/** How the rooms that hold shares answer; each call is one event of the machine. */
export interface WorkEvents {
  taskDone(done: Omit<TaskDone, 'type'>): void
  taskFailed(failed: Omit<TaskFailed, 'type'>): void
  rootSigned(root: RootSig): void
  /** Nothing is open: logs come with a later version. */
  logClosed(e: number): void
  /** K1 to K3 of a key ended well here: may this member sign K4? The answer is `certify`, or none (03 §6.1). */
  keyProved(keyId: Uint8Array): void
  /** A certificate that this member put together. */
  keyMade(key: HeldKey): void
}

/** What the runner of epochs asks of the host. Built over the port. */
export interface Carrier {
  /** A signed letter for the guest with this key. One-way, may be lost. */
  letter(to: Uint8Array, bytes: Uint8Array): void
  /** Told at every change of what it shows. */
  view(view: CommitteeView): void
  /** For the DHT and for strangers. */
  publish(committee: PublishedCommittee): void
  notice(notice: OperatorNotice): void
}

/** Whom the host must know and link, and what serves. */
export interface CommitteeView {
  /** What serves; null before the genesis epoch. */
  readonly epoch: EpochName | null
  /** Of what serves; networkId before the genesis epoch. */
  readonly epochId: Uint8Array
  readonly t: number
  /** Of what serves; those of the genesis file before it. */
  readonly members: readonly ViewMember[]
  /** Everybody else who must be reached: members of epochs that end and of attempts that run, joiners of open proposals. */
  readonly others: readonly ViewMember[]
  readonly standing: Standing
}

/** `genesis`: no epoch yet. `joining`: member of none so far. `asking`: what others saw of this guest is not known yet. `stopped`: a fork was seen, or the store was rolled back. `left`: was a member once. */
export type Standing = 'genesis' | 'joining' | 'asking' | 'member' | 'stopped' | 'left'

export interface ViewMember {
  /** 0: a joiner that has none yet. */
  readonly index: number
  readonly guestSig: Uint8Array
  readonly peerId: string
  readonly label: string
}

/** What an operator is told, or asked. */
export type OperatorNotice = Notice | Consultation

/** Yes or no needs the operator (03 §4.1 S2). */
export interface Consultation extends Proposed {
  readonly about: 'consult'
  readonly proposalHash: Uint8Array
  /** Whether the operator's signature is needed for a yes. */
  readonly needsOperator: boolean
  /** What the operator's settings would say; null: they ask. */
  readonly opinion: boolean | null
}
