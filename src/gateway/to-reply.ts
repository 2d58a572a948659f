import { ERRORS, type ErrorId, RequestError } from '../../protocols/request/errors.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import type { ReplyError } from '../coordinator/reply.ts'
import type { JsonRpcError } from '../wire/json-rpc.ts'

/** An error in the form of JSON-RPC. `code` differs from the table only for the few rows that say so. */
export function rpcError(
  { id, message, retryable, requestId, details, blame }: ReplyError,
  code: number = ERRORS[id].code,
): JsonRpcError {
  return {
    code,
    message,
    data: {
      id,
      retryable,
      requestId: requestId ?? null,
      ...(details === undefined ? {} : { details }),
      ...(blame === undefined ? {} : { blame }),
    },
  }
}

/** An error of the table, with words of ours. */
export const errorOf = (
  id: ErrorId,
  message: string = ERRORS[id].text,
  code?: number,
): JsonRpcError => rpcError({ id, message, retryable: ERRORS[id].retryable }, code)

/**
 * What a caller is told of something that was thrown. Only errors made to be told keep their words;
 * `unexpected` gets all others, and the caller learns no more than that.
 */
export function toReply(error: unknown, unexpected: (error: unknown) => void): JsonRpcError {
  if (error instanceof RequestError) return errorOf(error.id, error.message)
  if (error instanceof DecodeError) return errorOf('REQ_MALFORMED')
  unexpected(error)
  return errorOf('INTERNAL_ERROR')
}
