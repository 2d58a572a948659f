import type {
  AlertsReply,
  CommitteeNotice,
  CommitteeView,
  EpochStatus,
  JoinFields,
  JoinReply,
  LearnReply,
  LeaveWish,
  OperatorAnswer,
  ProposalReply,
  ProposeReply,
  WantedChange,
} from '../port/committee-messages.ts'
import type {
  CheckReply,
  GuestEvent,
  GuestStatus,
  HelloToHost,
  InitFields,
  LeadOffer,
  LeadPlan,
  LeadReply,
  MemberFields,
  NodeFields,
  Priority,
} from '../port/messages.ts'

export type {
  AlertsReply,
  AttemptStatus,
  CommitteeNotice,
  CommitteeView,
  EpochName,
  EpochStatus,
  JoinFields,
  JoinReply,
  LearnReply,
  LeaveWish,
  OperatorAnswer,
  ProposalReply,
  ProposalStatus,
  ProposeReply,
  Standing,
  ViewMember,
  WantedChange,
} from '../port/committee-messages.ts'
export type {
  CheckReply,
  EventCode,
  GuestEvent,
  GuestStatus,
  HelloToHost,
  InitFields,
  JsonValue,
  LeadFailed,
  LeadFault,
  LeadOffer,
  LeadPlan,
  LeadReply,
  MemberFields,
  NodeFields,
  PairState,
  Priority,
  RefusedReply,
  SignatureForm,
} from '../port/messages.ts'

/** Brings a letter to the guest with this signing key. One-way: it may be lost. */
export type LetterTaker = (to: Uint8Array, bytes: Uint8Array) => void

/** Everything about the committee that crosses the port (04 §2). Waits end with a `PortError`. */
export interface GuestCommittee {
  onLetter(take: LetterTaker): void
  /** A letter that arrived; resolves when it is on its way to the guest, which waits while that takes less than comes. */
  letter(bytes: Uint8Array): Promise<void>
  /** The latest is told at once. */
  onView(take: (view: CommitteeView) => void): void
  /** Bytes of `published` (03 §1.2); the latest is told at once. */
  onPublish(take: (committee: Uint8Array) => void): void
  onNotice(take: (notice: CommitteeNotice) => void): void
  status(signal: AbortSignal): Promise<EpochStatus>
  proposal(proposalHash: Uint8Array, signal: AbortSignal): Promise<ProposalReply>
  propose(change: WantedChange, signal: AbortSignal): Promise<ProposeReply>
  answer(answer: OperatorAnswer, signal: AbortSignal): Promise<void>
  join(fields: JoinFields, signal: AbortSignal): Promise<JoinReply>
  leave(wish: LeaveWish, signal: AbortSignal): Promise<ProposeReply>
  /** Bytes of the certificate of an epoch; null when it is not known. */
  history(e: number, signal: AbortSignal): Promise<Uint8Array | null>
  learn(cert: Uint8Array, signal: AbortSignal): Promise<LearnReply['learnt']>
  alerts(signal: AbortSignal): Promise<AlertsReply['alerts']>
}

/** Brings an envelope to another party. Of a rejection with a `code` the guest is told that it did not leave. */
export type EnvelopeTaker = (to: number, bytes: Uint8Array, priority: Priority) => Promise<void>

export interface GuestExit {
  readonly code: number | null
  /** For people. */
  readonly reason: string
  /** The last code line of the guest: which `VaultError`, say. */
  readonly detail: string | null
}

/** A running guest as the host sees it. Every call rejects with a `PortError` when the guest is gone. */
export interface Guest {
  readonly hello: HelloToHost
  /** `request` = bytes of a plain request (05 §3.1). */
  check(request: Uint8Array, signal: AbortSignal, offer?: LeadOffer): Promise<CheckReply>
  lead(request: Uint8Array, plan: LeadPlan, signal: AbortSignal): Promise<LeadReply>
  /**
   * An envelope that arrived from party `from`; resolves when it is on its way to the guest, which waits while
   * the guest takes less than comes.
   */
  deliver(from: number, bytes: Uint8Array): Promise<void>
  onEnvelope(take: EnvelopeTaker): void
  status(signal: AbortSignal): Promise<GuestStatus>
  /** Party indices whose hosts are connected now. */
  links(up: readonly number[]): void
  /** The signed `/hf-node` value. */
  signNode(fields: NodeFields, signal: AbortSignal): Promise<Uint8Array>
  init(fields: InitFields, signal: AbortSignal): Promise<MemberFields>
  readonly committee: GuestCommittee
  onEvent(take: (event: GuestEvent) => void): void
  /** Asks the guest to end, and kills it when it does not; resolves when it is gone. */
  stop(): Promise<void>
  readonly exited: Promise<GuestExit>
}
