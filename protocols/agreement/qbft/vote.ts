import { bytesToHex } from '@noble/hashes/utils.js'
import { bytesField, uintField } from '../fields.ts'
import { Vote as Body, VOTE_KINDS, type VoteValue } from '../objects/vote.ts'

/** The value that says no (03 §5). */
export const ABORT = 0

/** What an instance decides: ABORT, or the 32-byte hash of a record or an entry (03 §5). */
export type Value = VoteValue

/** What members sign (03 §5). */
export type VoteKind = 'pre-prepare' | 'prepare' | 'commit' | 'round-change'

/** One statement of one member in one instance. A member makes at most one per kind and round. */
export interface Vote {
  readonly kind: VoteKind
  /** From 1. */
  readonly round: number
  /** A ROUND-CHANGE names what its member prepared last; ABORT if nothing. */
  readonly value: Value
  /** In a ROUND-CHANGE the round in which `value` was prepared, 0 if nothing was; 0 in all others. */
  readonly preparedRound: number
}

/** A vote with its author's signature over `voteBody`. */
export interface SignedVote {
  readonly from: number
  readonly vote: Vote
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** Rounds are 32-bit, so that none is the last that a number can hold exactly. */
export const MAX_ROUND = 0xffff_ffff

/** The body that is signed: `["qb",1,iid,kind,round,…]` (03 §5). */
export function voteBody(iid: Uint8Array, vote: Vote): Uint8Array {
  const { kind, round, value, preparedRound } = vote
  if (kind === 'round-change')
    return Body.encode({ iid, kind: VOTE_KINDS.roundChange, round, pr: preparedRound, pv: value })
  const number = kind === 'pre-prepare' ? VOTE_KINDS.prePrepare : VOTE_KINDS[kind]
  return Body.encode({ iid, kind: number, round, v: value })
}

export const sameValue = (a: Value, b: Value): boolean => valueKey(a) === valueKey(b)

/** Whether two votes of one kind and round say the same. */
export const sameVote = (a: Vote, b: Vote): boolean =>
  a.kind === b.kind &&
  a.round === b.round &&
  a.preparedRound === b.preparedRound &&
  sameValue(a.value, b.value)

/** A text that two values share if and only if they are equal. */
export const valueKey = (value: Value): string => (value === ABORT ? 'abort' : bytesToHex(value))

/** ABORT or 32 bytes; anything else is a `DecodeError`. */
export const valueField = (value: unknown, name: string): Value =>
  value === ABORT ? ABORT : bytesField(value, name, 32)

/** A round from `least`. */
export function roundField(value: unknown, name: string, least = 1): number {
  return uintField(value, name, MAX_ROUND, least)
}
