import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { bytesField, listField, objectFields, uintField } from '../fields.ts'
import { increasing, index, list, MAX_MEMBERS } from '../objects/items.ts'
import type { Field } from '../objects/object-codec.ts'
import { type SignatureList, signatureList } from '../objects/signed.ts'
import { ABORT, roundField, type SignedVote, type Value, type Vote, valueField } from './vote.ts'

/** A signed vote as it travels, with its attachment, which is not signed and proves itself (03 §5). */
export interface VoteMessage {
  readonly type: 'vote'
  readonly vote: Vote
  readonly signature: Uint8Array
  /** PRE-PREPARE: what makes the value valid for others (READY-cert, evidence, entry); may be empty. */
  readonly proof: Uint8Array
  /** PRE-PREPARE of a round above 1: the ROUND-CHANGEs of a quorum for that round. */
  readonly changes: readonly SignedVote[]
  /** ROUND-CHANGE, or PRE-PREPARE above round 1: the PREPAREs of the (highest) prepared value. */
  readonly prepares: SignatureList
}

/** A decided value with the COMMITs of a quorum in one round (03 §5). */
export interface Decision {
  readonly round: number
  readonly value: Value
  readonly commits: SignatureList
}

export type Message = VoteMessage | { readonly type: 'decide'; readonly decision: Decision }

/** Largest PRE-PREPARE (03 §1.1). */
export const MAX_PRE_PREPARE_BYTES: number = 96 * 1024
/** Largest other message (03 §1.1). */
export const MAX_MESSAGE_BYTES: number = 16 * 1024
/** Leaves 4 KiB of a PRE-PREPARE for the ROUND-CHANGEs and PREPAREs of 16 members, of 112 and 69 bytes each. */
export const MAX_PROOF_BYTES: number = 92 * 1024

export const EMPTY: Uint8Array = new Uint8Array()

/** The only encoding of a message. Throws a plain `Error` for a proof above its cap: nobody could read that. */
export function encodeMessage(message: Message): Uint8Array {
  if (message.type === 'decide') {
    const { round, value, commits } = message.decision
    return encodeCanonical(['decide', 1, round, value, commits])
  }
  const { vote, signature, proof, changes, prepares } = message
  const { kind, round, value, preparedRound } = vote
  if (proof.length > MAX_PROOF_BYTES) throw new Error(`bug: a proof of ${proof.length} bytes`)
  switch (kind) {
    case 'pre-prepare': {
      const rows = changesOf(round).write(changes)
      return encodeCanonical([kind, 1, round, value, signature, proof, rows, prepares])
    }
    case 'round-change':
      return encodeCanonical([kind, 1, round, preparedRound, value, signature, prepares])
    default:
      return encodeCanonical([kind, 1, round, value, signature])
  }
}

/** The message of which `bytes` is the only encoding; anything else, and every broken bound, is a `DecodeError`. */
export function decodeMessage(bytes: Uint8Array): Message {
  const value = decodeCanonical(bytes, MAX_PRE_PREPARE_BYTES)
  const type: unknown = Array.isArray(value) ? value[0] : undefined
  if (type === 'pre-prepare') return decodePrePrepare(value)
  if (bytes.length > MAX_MESSAGE_BYTES) throw new DecodeError('more than a message may have')
  if (type === 'round-change') return decodeRoundChange(value)
  if (type === 'decide') return decodeDecide(value)
  if (type === 'prepare' || type === 'commit') return decodeBallot(value, type)
  throw new DecodeError('no message of an agreement')
}

/** `undefined` for bytes that are no message. */
export function tryDecodeMessage(bytes: Uint8Array): Message | undefined {
  try {
    return decodeMessage(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

function decodePrePrepare(message: unknown): VoteMessage {
  const [r, v, signature, proof, rows, prepares] = objectFields(message, 'pre-prepare', 6)
  const round = roundField(r, 'round')
  const changes = changesOf(round).read(rows, 'changes')
  const signatures = signatureList.read(prepares, 'prepares')
  const isFree = changes.every(({ vote }) => vote.preparedRound === 0)
  if (isFree && signatures.length > 0) throw new DecodeError('PREPAREs for no prepared value')
  if (round === 1 && changes.length > 0) throw new DecodeError('ROUND-CHANGEs before any round')
  if (!(proof instanceof Uint8Array) || proof.length > MAX_PROOF_BYTES)
    throw new DecodeError('the proof is too long, or none')
  return {
    type: 'vote',
    vote: { kind: 'pre-prepare', round, value: valueField(v, 'value'), preparedRound: 0 },
    signature: bytesField(signature, 'signature', 64),
    proof,
    changes,
    prepares: signatures,
  }
}

function decodeRoundChange(message: unknown): VoteMessage {
  const [r, pr, pv, signature, prepares] = objectFields(message, 'round-change', 5)
  const vote = changeOf(roundField(r, 'round', 2), pr, pv) // nobody changes to round 1
  const signatures = signatureList.read(prepares, 'prepares')
  if (vote.preparedRound === 0 && signatures.length > 0)
    throw new DecodeError('PREPAREs for no prepared value')
  return {
    type: 'vote',
    vote,
    signature: bytesField(signature, 'signature', 64),
    proof: EMPTY,
    changes: [],
    prepares: signatures,
  }
}

function decodeBallot(message: unknown, kind: 'prepare' | 'commit'): VoteMessage {
  const [round, value, signature] = objectFields(message, kind, 3)
  return {
    type: 'vote',
    vote: {
      kind,
      round: roundField(round, 'round'),
      value: valueField(value, 'value'),
      preparedRound: 0,
    },
    signature: bytesField(signature, 'signature', 64),
    proof: EMPTY,
    changes: [],
    prepares: [],
  }
}

function decodeDecide(message: unknown): Message {
  const [round, value, commits] = objectFields(message, 'decide', 3)
  return { type: 'decide', decision: decisionOf(round, value, commits) }
}

/** The fields of a decision; anything else is a `DecodeError`. */
export const decisionOf = (round: unknown, value: unknown, commits: unknown): Decision => ({
  round: roundField(round, 'round'),
  value: valueField(value, 'value'),
  commits: signatureList.read(commits, 'commits'),
})

/** A ROUND-CHANGE inside a PRE-PREPARE: [index, pr, pv, sig]. */
const changesOf = (round: number): Field<readonly SignedVote[]> =>
  increasing(list(changeRow(round), MAX_MEMBERS), ({ from }) => from)

/** Of one round: that of the PRE-PREPARE which they justify. */
const changeRow = (round: number): Field<SignedVote> => ({
  write: ({ from, vote, signature }) => [from, vote.preparedRound, vote.value, signature],
  read: (row, name) => {
    const [from, pr, pv, signature, ...rest] = listField(row, name, 4)
    if (rest.length > 0) throw new DecodeError(`${name} has more than four fields`)
    return {
      from: index.read(from, name),
      vote: changeOf(round, pr, pv),
      signature: bytesField(signature, 'signature', 64),
    }
  },
})

/** pr < round, and (0, 0) if nothing was prepared. */
function changeOf(round: number, pr: unknown, pv: unknown): Vote {
  const preparedRound = uintField(pr, 'prepared round', round - 1)
  const value = valueField(pv, 'prepared value')
  if (preparedRound === 0 && value !== ABORT)
    throw new DecodeError('a value was prepared in no round')
  return { kind: 'round-change', round, value, preparedRound }
}
