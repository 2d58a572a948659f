import { DecodeError } from '../../session/codec.ts'
import {
  b32,
  increasing,
  index,
  indices,
  list,
  MAX_MEMBERS,
  nullable,
  ordinal,
  uint,
} from './items.ts'
import { Answer, type SignedAnswer } from './proposal.ts'
import { type Signed, type SignedCodec, signed, signedObject } from './signed.ts'

/** Opens attempt k of an epoch, signed by its initiator (03 §1.2, §4.1 S3). */
export interface Start {
  readonly committeeId: Uint8Array
  /** The epoch that it makes: e+1 of the base, 0 for the genesis epoch. */
  readonly e: number
  /** From 1; counts all attempts on this base. */
  readonly k: number
  /** networkId for the genesis epoch. */
  readonly proposalHash: Uint8Array
  /** q signed yes, strictly increasing by index; all n for the genesis epoch. */
  readonly answers: readonly SignedAnswer[]
  readonly initiator: number
  /** t old members, strictly increasing; all n for the genesis epoch. */
  readonly dealers: readonly number[]
  /** Keys of the base that were known to q members, and their root: see `keySetRoot`. */
  readonly cutCount: number
  readonly cutRoot: Uint8Array
  /** Unix milliseconds. */
  readonly createdAt: number
  /** A duration. */
  readonly deadlineMs: number
  readonly nonce: Uint8Array
  /** Of the ABORT certificate of k-1; null for k = 1. */
  readonly abortCertHash: Uint8Array | null
}

export const Start: SignedCodec<Start> = signedObject<Start>(
  'start',
  {
    committeeId: b32,
    e: uint,
    k: ordinal,
    proposalHash: b32,
    answers: increasing(list(signed(Answer), MAX_MEMBERS), ({ object }) => object.index),
    initiator: index,
    dealers: indices(MAX_MEMBERS),
    cutCount: uint,
    cutRoot: b32,
    createdAt: uint,
    deadlineMs: uint,
    nonce: b32,
    abortCertHash: nullable(b32),
  },
  {
    check: ({ k, abortCertHash }) => {
      if ((k === 1) !== (abortCertHash === null))
        throw new DecodeError(
          'a start names the ABORT certificate before it, and the first has none',
        )
    },
  },
)

export type SignedStart = Signed<Start>
