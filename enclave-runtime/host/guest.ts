import type {
  CheckReply,
  GuestEvent,
  GuestStatus,
  HelloToHost,
  InitFields,
  LeadPlan,
  LeadReply,
  MemberFields,
  NodeFields,
  Priority,
} from '../port/messages.ts'

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
  LeadPlan,
  LeadReply,
  MemberFields,
  NodeFields,
  PairState,
  Priority,
  RefusedReply,
  SignatureForm,
} from '../port/messages.ts'

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
  check(request: Uint8Array, signal: AbortSignal): Promise<CheckReply>
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
  onEvent(take: (event: GuestEvent) => void): void
  /** Asks the guest to end, and kills it when it does not; resolves when it is gone. */
  stop(): Promise<void>
  readonly exited: Promise<GuestExit>
}
