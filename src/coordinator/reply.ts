import { ERRORS, type ErrorId, isErrorId } from '../../protocols/request/errors.ts'
import type { JsonValue } from '../../protocols/request/json-value.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { PeerName } from './collaborators.ts'

/** The one answer to one request (03 §9.1). `requestId` is its digest in hex; `blame` names peers. */
export type Reply = Answer | { readonly error: ReplyError }

export interface Answer {
  readonly result: JsonValue
  readonly requestId?: string
  /** Who took part in the attempt that gave it, where this node knows. */
  readonly signers?: readonly PartyIndex[]
}

export interface ReplyError {
  readonly id: ErrorId
  readonly message: string
  readonly retryable: boolean
  readonly requestId?: string
  readonly details?: { readonly [key: string]: JsonValue }
  readonly blame?: readonly PeerName[]
}

/** An error with the meaning of its id; `message` adds what exactly, in words that a caller may read. */
export function failure(
  id: ErrorId,
  more: Partial<Omit<ReplyError, 'id' | 'retryable'>> = {},
): { readonly error: ReplyError } {
  const { text, retryable } = ERRORS[id]
  return { error: { id, message: text, retryable, ...more } }
}

/** An id that came from elsewhere, or `INTERNAL_ERROR` for one that the table does not have. */
export const knownId = (id: string): ErrorId => (isErrorId(id) ? id : 'INTERNAL_ERROR')
