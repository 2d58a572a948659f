import { objectFields, textField, uintField } from '../../../protocols/agreement/fields.ts'
import { type ErrorId, isErrorId } from '../../../protocols/request/errors.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Letter } from './post.ts'

const MAX_ANSWER_BYTES = 256 // two short fields
export const MAX_RESULT_BYTES: number = 66 * 1024 // a key certificate of 64 KiB, and its frame
const MAX_RETRY_MS = 600_000

/** Why a follower does not take part now (03 §9.1). A closed list. */
const NOT_YET_REASONS = [
  'busy',
  'setup-missing',
  'overloaded',
  'clock',
  'pending',
  'behind',
  'catching-up',
] as const
export type NotYetReason = (typeof NOT_YET_REASONS)[number]

export interface NotYet {
  readonly reason: NotYetReason
  readonly retryAfterMs: number
}

export const encodeNotYet = ({ reason, retryAfterMs }: NotYet): Uint8Array =>
  encodeCanonical(['notYet', 1, reason, retryAfterMs])

/** Throws `DecodeError`. */
export function decodeNotYet(body: Uint8Array): NotYet {
  const [told, delay] = objectFields(decodeCanonical(body, MAX_ANSWER_BYTES), 'notYet', 2)
  const reason = NOT_YET_REASONS.find((known) => known === told)
  if (reason === undefined) throw new DecodeError('unknown reason')
  return { reason, retryAfterMs: uintField(delay, 'retryAfterMs', MAX_RETRY_MS) }
}

export const encodeRefuse = (id: ErrorId): Uint8Array => encodeCanonical(['refuse', 1, id])

/** Throws `DecodeError`. */
export function decodeRefuse(body: Uint8Array): ErrorId {
  const [told] = objectFields(decodeCanonical(body, MAX_ANSWER_BYTES), 'refuse', 1)
  const id = textField(told, 'id', 48)
  if (!isErrorId(id)) throw new DecodeError('unknown error id')
  return id
}

/** The result of a request that was done before: a signature, or a key certificate. */
export const encodeResult = (result: Uint8Array): Uint8Array =>
  encodeCanonical(['result', 1, result])

/** Throws `DecodeError`. */
export function decodeResult(body: Uint8Array): Uint8Array {
  const [result] = objectFields(decodeCanonical(body, MAX_RESULT_BYTES), 'result', 1)
  if (!(result instanceof Uint8Array)) throw new DecodeError('not a result')
  return result
}

/** An answer to the letter that opened a session. */
export const answerTo = (
  { session, attempt }: Letter,
  type: 'notYet' | 'refuse' | 'result' | 'abort',
  body: Uint8Array,
): Letter => ({ session, attempt, round: 0, type: MESSAGE_TYPES[type], body })
