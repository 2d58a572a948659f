import { ERRORS, isErrorId, RequestError } from '../../protocols/request/errors.ts'
import { DecodeError } from '../../protocols/session/codec.ts'

/** Errors that only a client has (06 §2), with numeric codes that wallets do not retry. */
const CLIENT_ERRORS = {
  /** The caller's signal. The request may go on; the same idempotency key joins it. */
  ABORTED: { code: -32_000, retryable: false, text: 'aborted by the caller' },
  /** No node gave an answer. */
  NO_NODE: { code: 4900, retryable: true, text: 'no node answered' },
  /** A node answered a signature, transaction or certificate that does not verify. */
  SIGNATURE_INVALID: {
    code: -32_000,
    retryable: true,
    text: 'no node gave an answer that verifies',
  },
  /** The network is not the pinned one, or cannot be known. */
  MANIFEST_INVALID: { code: -32_000, retryable: false, text: 'not the expected network' },
  /** No node shows that its committee is the present one: an old certificate, no stamp that lives, or another network's (03 §3.3). */
  STALE_COMMITTEE: {
    code: -32_000,
    retryable: true,
    text: 'no node shows the present committee',
  },
  /** Nodes name different addresses for one account: at least one of them lies. Nothing is lost. */
  ACCOUNT_DISPUTED: { code: -32_000, retryable: true, text: 'nodes disagree about the account' },
  /** Too few nodes name the account's address; those that do agree. Nothing is lost. */
  ACCOUNT_UNCONFIRMED: { code: -32_000, retryable: true, text: 'too few nodes know the account' },
} as const

export interface HoldfastErrorFields {
  readonly code?: number | undefined
  readonly retryable?: boolean | undefined
  readonly message?: string | undefined
  readonly requestId?: string | undefined
  readonly details?: unknown
  readonly blame?: readonly string[] | undefined
  readonly cause?: unknown
}

/** The one error of the SDK: every path rejects with it (06 §2). Ids are stable, messages are not. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError'
  readonly id: string
  readonly code: number
  readonly retryable: boolean
  readonly requestId: string | undefined
  readonly details: unknown
  /** Peer ids of those that broke the protocol. */
  readonly blame: readonly string[] | undefined

  constructor(id: string, fields: HoldfastErrorFields = {}) {
    const meaning = meaningOf(id)
    super(fields.message ?? meaning.text, { cause: fields.cause })
    this.id = id
    this.code = fields.code ?? meaning.code
    this.retryable = fields.retryable ?? meaning.retryable
    this.requestId = fields.requestId
    this.details = fields.details
    this.blame = fields.blame
  }
}

/** Whatever was thrown, as the one error. */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  if (error instanceof RequestError)
    return new HoldfastError(error.id, { message: error.message, cause: error })
  if (error instanceof DecodeError)
    return new HoldfastError('PARAMS_INVALID', { message: error.message, cause: error })
  return new HoldfastError('INTERNAL_ERROR', { cause: error })
}

const isClientId = (id: string): id is keyof typeof CLIENT_ERRORS =>
  Object.hasOwn(CLIENT_ERRORS, id)

/** An id of a newer node is an error all the same. */
function meaningOf(id: string): { code: number; retryable: boolean; text: string } {
  if (isClientId(id)) return CLIENT_ERRORS[id]
  return isErrorId(id) ? ERRORS[id] : { ...ERRORS.INTERNAL_ERROR, text: id }
}
