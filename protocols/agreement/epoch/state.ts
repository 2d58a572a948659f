import type { AttemptFault } from '../objects/attempt.ts'
import type { AbortCert, EpochCert } from '../objects/certificates.ts'
import type { Active, Erased } from '../objects/handoff.ts'
import type { Member } from '../objects/member.ts'
import type { Answer } from '../objects/proposal.ts'
import type { Ready } from '../objects/ready.ts'
import type { EpochRecord } from '../objects/record.ts'
import type { RootSig } from '../objects/root-signatures.ts'
import type { Signed } from '../objects/signed.ts'
import type { Start } from '../objects/start.ts'
import type { Decision } from '../qbft/message.ts'
import type { Qbft } from '../qbft/qbft.ts'
import type { Base } from '../rules/base.ts'
import type { Change as RosterChange } from '../rules/change.ts'
import type { Heard } from './contributing.ts'
import type { HeldKey } from './held-key.ts'
import type { ClosedLog, FrozenList, Message, Started, Subject } from './messages.ts'

/** One epoch that was decided, as a member knows it. */
export interface Epoch {
  readonly record: EpochRecord
  readonly hash: Uint8Array
  /** What the rules of 03 §1.3 need of it. */
  readonly base: Base
  /** `null` for what stands in the genesis file, and for an epoch that is known without one. */
  readonly cert: EpochCert | null
  /** Keys of the record, in order of id; null for one before the base: its root is enough then. */
  readonly keys: readonly HeldKey[] | null
}

/** The epoch that the next one is made from. */
export interface BaseEpoch extends Epoch {
  readonly keys: readonly HeldKey[]
}

export interface LiveProposal extends Subject {
  readonly hash: Uint8Array
  readonly answers: Map<number, Signed<Answer>>
  /** STARTs so far; after ten it is dead (03 §4.3). */
  starts: number
}

/** One attempt at epoch e, the one after the base (03 §4.1, S3 to S9). */
export interface Attempt {
  readonly e: number
  readonly k: number
  readonly started: Started
  readonly change: RosterChange
  readonly startHash: Uint8Array
  readonly epochId: Uint8Array
  /** Members of e, if it is decided. */
  readonly members: readonly Member[]
  /** Wall time. */
  deadlineAt: number
  isOverdue: boolean
  hasSetups: boolean
  readonly transcripts: Map<number, Uint8Array>
  hasFrozen: boolean
  readonly lists: Map<number, FrozenList>
  tail: { readonly lists: readonly FrozenList[]; readonly keys: readonly HeldKey[] } | null
  /** The key that the genesis epoch makes (03 §1.2); `null` before, and in every other attempt. */
  rootKey: HeldKey | null
  /** Set once everything that it depends on is durable here. */
  record: EpochRecord | null
  /** The keys of that record. */
  keys: readonly HeldKey[] | null
  readonly running: Set<string>
  isTested: boolean
  ready: Signed<Ready> | null
  readonly readies: Map<string, Map<number, Signed<Ready>>>
  readonly records: Map<string, EpochRecord>
  ownFault: Signed<AttemptFault> | null
  fault: Signed<AttemptFault> | null
  twoStarts: readonly [Signed<Start>, Signed<Start>] | null
  qbft: Qbft | null
  /** The values that the instance knows to be valid. */
  valuesTold: string
  decision: Decision | null
  hasAsked: boolean
  /** TAIL as the initiator sent it, until it restarts. */
  tailSent: Message | null
  /** Records, by hash, that keep the rules or break them. */
  readonly judged: Map<string, boolean>
}

/** An epoch that ended, until its shares are erased here (S10 to S12). */
export interface Ending {
  readonly epoch: Epoch
  readonly next: Epoch
  close: ClosedLog | null
  readonly closes: Map<number, ClosedLog>
  handedOff: boolean
  active: Signed<Active> | null
  readonly actives: Map<number, Signed<Active>>
  root: RootSig | null
  rootTimer: boolean
  isDrained: boolean
  erased: Signed<Erased> | null
  isErased: boolean
  readonly receipts: Map<number, Signed<Erased>>
}

/** One process of a member, as its beats show it: their own dates, and when they came, unix ms. */
export interface Boot {
  readonly id: string
  readonly dated: { readonly first: number; last: number }
  readonly came: { readonly first: number; last: number }
}

export interface Seen {
  readonly bootId: Uint8Array
  readonly vaultSeq: number
}

/** Everything one member holds in memory. What must survive is in its records, from which `restore` makes this anew. */
export interface State {
  readonly bootId: Uint8Array
  /** `asking`: what the others have seen of this member is not known yet, so it promises nothing (03 §9.4). */
  standing: 'asking' | 'member' | 'stopped'
  readonly isRejoining: boolean
  quarantine: { readonly e: number; readonly k: number } | null
  base: BaseEpoch
  /** Decided epochs by e, the base too: for members that are behind. */
  readonly epochs: Map<number, Epoch>
  readonly proposals: Map<string, LiveProposal>
  answerSeq: number
  readonly attempts: Map<number, Attempt>
  readonly aborts: Map<number, AbortCert>
  /** Votes about attempts whose START is not known yet, the last of each sender. */
  readonly early: Map<
    string,
    { readonly from: string; readonly k: number; readonly bytes: Uint8Array }
  >
  preflight: {
    readonly k: number
    readonly hash: string
    readonly nonce: Uint8Array
    readonly members: readonly Member[]
    /** Who answered, and whether it can. */
    readonly answers: Map<number, boolean>
  } | null
  startTimer: number | null
  /** The attempt for which this member signs neither K4 nor `held`. */
  frozen: number | null
  /** Keys made in the base, beside those of its record. */
  readonly made: Map<string, HeldKey>
  readonly holders: Map<string, Set<number>>
  readonly endings: Map<number, Ending>
  /** Members that were removed for a fault, in whatever epoch this member saw the proposal of. */
  removed: readonly Member[]
  readonly seen: Map<number, Seen>
  seenChanged: boolean
  readonly boots: Map<number, Map<string, Boot>>
  /** Of the members of the base, by index. */
  readonly heard: Map<number, Heard>
  readonly refused: Map<number, ReadonlySet<string>>
  headNonce: Uint8Array
  hasAskedEpochs: number | null
  /** The records that the process started with. */
  readonly stored: ReadonlyMap<string, unknown>
  readonly heads: Map<number, { readonly e: number; readonly k: number; readonly vaultSeq: number }>
}
