import type {
  CheckReply,
  LeadOffer,
  LeadPlan,
  LeadReply,
} from '../../enclave-runtime/host/guest.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'

/** A peer id as text. */
export type PeerName = string

/** The epoch that serves, as it is when it is read: members and threshold change under a running coordinator. */
export interface Committee {
  readonly threshold: number
  readonly members: readonly CommitteeMember[]
  /** Own party index; 0 for a node that is no member of it. */
  readonly me: PartyIndex
}

export interface CommitteeMember {
  readonly index: PartyIndex
  readonly guestSig: Uint8Array
  readonly peerId: PeerName
  readonly label: string
}

/** What the coordinator sees of its guest: the three questions it asks. */
export interface CoordinatorGuest {
  check(request: Uint8Array, signal: AbortSignal, offer?: LeadOffer): Promise<CheckReply>
  lead(request: Uint8Array, plan: LeadPlan, signal: AbortSignal): Promise<LeadReply>
  status(signal: AbortSignal): Promise<GuestView>
}

export interface GuestView {
  readonly pairs: readonly { readonly party: PartyIndex; readonly state: string }[]
  readonly bans: readonly (readonly [PartyIndex, PartyIndex])[]
}

/** The part of `Links` (07 §12) that says who can be reached. */
export interface LinkStates {
  state(peer: PeerName): {
    readonly up: boolean
    readonly suspect: boolean
    readonly rttMs: number | undefined
  }
}

/** Frames to and from other hosts over `/holdfast/rpc/1.0.0` (07 §12). */
export interface Rpc {
  serve(handle: (frame: Uint8Array, from: PeerName) => AsyncIterable<Uint8Array>): void
  call(peer: PeerName, frame: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** Where the coordinator writes what an operator should know; never a request's content. */
export interface CoordinatorLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** Elapsed time and waiting, as an argument so that tests need neither. */
export interface Clock {
  /** Milliseconds that never jump. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}
