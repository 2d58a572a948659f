import { DecodeError } from '../../session/codec.ts'
import type { Pair } from './items.ts'
import {
  b16,
  b32,
  b64,
  bool,
  distinct,
  increasing,
  index,
  list,
  MAX_MEMBERS,
  measurements,
  nullable,
  pairs,
  row,
  uint,
  uintUpTo,
} from './items.ts'
import { EPOCH_KINDS, type EpochKind, epochKind } from './kinds.ts'
import { Params } from './params.ts'
import { type Signed, type SignedCodec, signedObject } from './signed.ts'

/** Why a member goes. Keys of one removed for a fault never come back (03 §1.3). */
export const LEAVE_REASONS = { own: 0, removed: 1, fault: 2 } as const

export type LeaveReason = (typeof LEAVE_REASONS)[keyof typeof LEAVE_REASONS]

export interface Leaver {
  readonly index: number
  readonly reason: LeaveReason
}

/** A change of the committee that one of its members proposes and signs (03 §1.2). */
export interface Proposal {
  readonly committeeId: Uint8Array
  /** recordHash of the epoch it changes. */
  readonly baseHash: Uint8Array
  /** Never 0: the genesis epoch has no proposal. */
  readonly kind: EpochKind
  /** `joinHash` of each, 32 bytes, each once. */
  readonly joins: readonly Uint8Array[]
  /** Strictly increasing by index. */
  readonly leaves: readonly Leaver[]
  /** t', the threshold of the next epoch. */
  readonly t: number
  /** Parameters of the next epoch, or null: those of the base with the new t. */
  readonly params: Params | null
  readonly allowAdd: readonly Uint8Array[]
  readonly allowDrop: readonly Uint8Array[]
  /** Banned pairs that the next epoch sets up anew. */
  readonly unban: readonly Pair[]
  /** Unix milliseconds. */
  readonly expiresAt: number
  readonly proposerIndex: number
  /** 16 bytes. */
  readonly nonce: Uint8Array
}

const hashes = list(b32, MAX_MEMBERS)

export const Proposal: SignedCodec<Proposal> = signedObject<Proposal>(
  'proposal',
  {
    committeeId: b32,
    baseHash: b32,
    kind: epochKind,
    joins: {
      write: hashes.write,
      read: (item, name) => distinct(hashes.read(item, name), name),
    },
    leaves: increasing(
      list(
        row<Leaver>({
          index,
          reason: {
            write: (reason) => reason,
            read: (item, name) => uintUpTo(LEAVE_REASONS.fault).read(item, name) as LeaveReason,
          },
        }),
        MAX_MEMBERS,
      ),
      (leaver) => leaver.index,
    ),
    t: uintUpTo(MAX_MEMBERS),
    params: nullable(Params),
    allowAdd: measurements,
    allowDrop: measurements,
    unban: pairs,
    expiresAt: uint,
    proposerIndex: index,
    nonce: b16,
  },
  {
    check: ({ kind, params, t }) => {
      if (kind === EPOCH_KINDS.genesis) throw new DecodeError('nobody proposes a genesis')
      if (params !== null && params.t !== t) throw new DecodeError('params has another t')
    },
  },
)

/** One old member's yes or no to a proposal, signed by its guest; a higher `seq` replaces (03 §4.1 S2). */
export interface Answer {
  readonly committeeId: Uint8Array
  readonly baseHash: Uint8Array
  readonly proposalHash: Uint8Array
  readonly seq: number
  readonly yes: boolean
  readonly index: number
  /** Ed25519 of the operator over the answer with null in this place (03 §1.1); null where none is needed. */
  readonly operatorSig: Uint8Array | null
}

export const Answer: SignedCodec<Answer> = signedObject<Answer>('answer', {
  committeeId: b32,
  baseHash: b32,
  proposalHash: b32,
  seq: uint,
  yes: bool,
  index,
  operatorSig: nullable(b64),
})

export type SignedProposal = Signed<Proposal>
export type SignedAnswer = Signed<Answer>
