import type { VerifyVote } from './certificate.ts'
import type { Decision } from './message.ts'
import type { Value } from './vote.ts'

/** All of `sent` goes out again until the instance is decided (03 §5). */
export const RESEND_MS = 2_000
/** A sender is told the decision at most this often (03 §5, A7). */
export const ANSWER_MS = 1_000
/** The longest round (03 §5). */
export const MAX_ROUND_MS = 60_000

/** What one instance is run with (03 §5). */
export interface QbftSetup {
  /** 32 bytes. */
  readonly iid: Uint8Array
  /** Indices of the members that vote, increasing. */
  readonly members: readonly number[]
  readonly self: number
  /** Members that may be dishonest. */
  readonly f: number
  /** Votes of a certificate: more than (n + f) / 2, at most n - f for a decision with f silent. */
  readonly quorum: number
  /** Place in `members`, before reduction by n, of the leader of round 1. */
  readonly firstLeader: number
  /** T0: round r lasts T0 x 2^(r-1), at most a minute. */
  readonly firstRoundMs: number
  /** A member whose store was rolled back: it sends nothing, and learns what the others decide (03 §5). */
  readonly silent: boolean
  /** The own signature over a vote's body, 64 bytes. */
  sign(body: Uint8Array): Uint8Array
  readonly verify: VerifyVote
}

/** A value that is valid here and now, and what shows that to others. */
export interface Proposal {
  readonly value: Value
  /** READY-cert, evidence or entry; empty where nothing but the own clock speaks for the value. At most 92 KiB. */
  readonly proof: Uint8Array
}

/** Timers are told apart by these fields; one that is set again replaces the earlier one. */
export type QbftTimer =
  | { readonly type: 'round'; readonly round: number }
  | { readonly type: 'resend' }
  | { readonly type: 'answer'; readonly to: number }

/** What happens to a member. `start` comes first and once, with the stored record if there is one. */
export type QbftEvent =
  | { readonly type: 'start'; readonly record: Uint8Array | null }
  /** `from` is known from the channel, not from the bytes. */
  | { readonly type: 'message'; readonly from: number; readonly bytes: Uint8Array }
  | { readonly type: 'timer'; readonly timer: QbftTimer }
  /** All values that are valid now, the preferred one (COMMIT before ABORT) first. Replaces the list given before. */
  | { readonly type: 'values'; readonly values: readonly Proposal[] }

/** Why a message was dropped. None is a reason for a ban. */
export type DropReason =
  | 'sender' // no other member
  | 'malformed'
  | 'round' // past, or too far ahead
  | 'leader' // proposes out of turn
  | 'signature'
  | 'certificate' // too few PREPAREs or COMMITs, or bad ones
  | 'justification' // a proposal that the ROUND-CHANGEs do not allow

/** What a member must do, in this order. After an error in `write` nothing that follows may be done. */
export type QbftEffect =
  /** Record `qb/<iid>`: durable before any effect after it. */
  | { readonly type: 'write'; readonly record: Uint8Array }
  | { readonly type: 'send'; readonly to: 'all' | number; readonly bytes: Uint8Array }
  | { readonly type: 'timer'; readonly timer: QbftTimer; readonly afterMs: number }
  /** A value that is not valid here yet; if `proof` makes it so, a `values` event says that. */
  | { readonly type: 'proposed'; readonly from: number; readonly proposal: Proposal }
  /** Once, and again after a restart. Timers are over, but for `answer`. */
  | { readonly type: 'decided'; readonly decision: Decision }
  /** Signed proof that a member voted twice: store it under `equiv/<iid>/<about>`, raise an alert. */
  | { readonly type: 'evidence'; readonly about: number; readonly bytes: Uint8Array }
  | { readonly type: 'dropped'; readonly from: number; readonly reason: DropReason }
