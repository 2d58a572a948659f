import {
  bytesField,
  objectFields,
  textField,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { type ErrorId, isErrorId } from '../../../protocols/request/errors.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Letter } from '../sessions/post.ts'
import { decodeVotes, encodeVotes, type Vote } from './assignment-votes.ts'

/** A request that is given a ready key; a longer one gets a key of its own. */
export const MAX_ASSIGNED_REQUEST_BYTES: number = 4 * 1024
const MAX_BYTES: number = 16 * 1024 // a request and all votes

/** What a guest knows of an account's key: every letter about one is this, so that any of them may be lost. */
export interface AssignmentLetter {
  readonly accountId: Uint8Array
  /** The whole request with its proofs; null where the receiver has it. */
  readonly request: Uint8Array | null
  /** Whether the sender wants to know what the receiver knows. */
  readonly asks: boolean
  /** Why the sender gives no vote. */
  readonly refused: ErrorId | null
  readonly votes: readonly Vote[]
}

export function assignmentLetter(told: AssignmentLetter): Letter {
  const { accountId, request, asks, refused, votes } = told
  const session = new Uint8Array(32)
  session.set(accountId)
  const body = encodeCanonical([
    'assignment',
    1,
    accountId,
    request,
    asks ? 1 : 0,
    refused,
    encodeVotes(votes),
  ])
  return { session, attempt: 0, round: 0, type: MESSAGE_TYPES.assignment, body }
}

/** Throws `DecodeError`. */
export function decodeAssignmentLetter(body: Uint8Array): AssignmentLetter {
  const [accountId, request, asks, refused, votes] = objectFields(
    decodeCanonical(body, MAX_BYTES),
    'assignment',
    5,
  )
  if (request !== null && !(request instanceof Uint8Array)) throw new DecodeError('no request')
  if (request !== null && request.length > MAX_ASSIGNED_REQUEST_BYTES)
    throw new DecodeError('the request is too long')
  if (!(votes instanceof Uint8Array)) throw new DecodeError('no votes')
  return {
    accountId: bytesField(accountId, 'accountId', 16),
    request,
    asks: uintField(asks, 'asks', 1) === 1,
    refused: refused === null ? null : errorId(refused),
    votes: decodeVotes(votes),
  }
}

function errorId(value: unknown): ErrorId {
  const id = textField(value, 'refused', 48)
  if (!isErrorId(id)) throw new DecodeError('unknown error id')
  return id
}
