import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../session/codec.ts'
import { bytesField, listField, uintField } from '../fields.ts'
import { b32, ordinal } from './items.ts'
import { MAX_OBJECT_BYTES } from './object-codec.ts'

/** Kinds of QBFT messages that are signed (03 §5). */
export const VOTE_KINDS = { prePrepare: 0, prepare: 1, commit: 2, roundChange: 3 } as const

/** ABORT, or the hash of what is decided. */
export type VoteValue = 0 | Uint8Array

/** The signed body of a QBFT message (03 §5); whose it is stands beside it. */
export type Vote =
  | {
      readonly iid: Uint8Array
      readonly kind: 0 | 1 | 2
      /** From 1. */
      readonly round: number
      readonly v: VoteValue
    }
  | {
      readonly iid: Uint8Array
      readonly kind: 3
      readonly round: number
      /** The round of the prepared value; 0 if there is none, and then pv is 0. */
      readonly pr: number
      readonly pv: VoteValue
    }

/** `["qb", 1, iid, kind, round, v]`, or `["qb", 1, iid, 3, round, pr, pv]`. */
export const Vote: Codec<Vote> = {
  encode: (vote) => {
    const head = ['qb', 1, vote.iid, vote.kind, vote.round]
    const items = vote.kind === 3 ? [...head, vote.pr, vote.pv] : [...head, vote.v]
    readVote(items)
    return encodeCanonical(items)
  },
  decode: (bytes) => readVote(decodeCanonical(bytes, MAX_OBJECT_BYTES)),
}

function readVote(item: unknown): Vote {
  const [type, version, id, kind, count, ...rest] = listField(item, 'qb', 7)
  if (type !== 'qb' || version !== 1) throw new DecodeError('no vote of version 1')
  const iid = b32.read(id, 'iid')
  const round = ordinal.read(count, 'round')
  const known = uintField(kind, 'kind', VOTE_KINDS.roundChange) as Vote['kind']
  if (rest.length !== (known === 3 ? 2 : 1)) throw new DecodeError('not the fields of this vote')
  if (known !== 3) return { iid, kind: known, round, v: voteValue(rest[0], 'v') }
  const [pr, pv] = [uintField(rest[0], 'pr'), voteValue(rest[1], 'pv')]
  if (pr >= round || (pr === 0 && pv !== 0)) throw new DecodeError('no such prepared value')
  return { iid, kind: known, round, pr, pv }
}

const voteValue = (item: unknown, name: string): VoteValue =>
  item === 0 ? 0 : bytesField(item, name, 32)

/** The instance that decides attempt k of epoch e: H(qbft; [committeeId, e, k, baseHash]), 32 bytes (03 §5). */
export const epochInstanceId = (
  committeeId: Uint8Array,
  e: number,
  k: number,
  baseHash: Uint8Array,
): Uint8Array => objectHash(objectTags.qbft, encodeCanonical([committeeId, e, k, baseHash]))
