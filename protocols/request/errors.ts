/** What an error id means to a program: JSON-RPC code, whether trying again can help, and a sentence. */
export interface ErrorMeaning {
  readonly code: number
  readonly retryable: boolean
  readonly text: string
}

export type ErrorId =
  | 'BAD_REQUEST'
  | 'REQ_MALFORMED'
  | 'NETWORK_MISMATCH'
  | 'METHOD_UNSUPPORTED'
  | 'PARAMS_INVALID'
  | 'REQ_NOT_YET'
  | 'REQ_EXPIRED'
  | 'REQ_TTL'
  | 'AUTH_FAILED'
  | 'ENTRY_KEY_EXPIRED'
  | 'DECRYPT_FAILED'
  | 'SCOPE_FROZEN'
  | 'CHALLENGE_EXPIRED'
  | 'CHALLENGE_MISMATCH'
  | 'ORIGIN_MISMATCH'
  | 'RP_MISMATCH'
  | 'USER_VERIFICATION_REQUIRED'
  | 'OIDC_TOKEN_INVALID'
  | 'OIDC_KEY_UNKNOWN'
  | 'SESSION_EXPIRED'
  | 'SESSION_CAVEAT'
  | 'SCOPE_INVALID'
  | 'SCOPE_VERSION_STALE'
  | 'POLICY_INVALID'
  | 'APPROVAL_REQUIRED'
  | 'APPROVAL_DENIED'
  | 'APPROVAL_TIMEOUT'
  | 'NONCE_REUSED'
  | 'STATE_CONFLICT'
  | 'MSG_BUILD_FAILED'
  | 'TX_BUILD_FAILED'
  | 'INTENT_MISMATCH'
  | 'SCOPE_NOT_FOUND'
  | 'KEY_NOT_FOUND'
  | 'NOT_FOUND'
  | 'POLICY_DENIED'
  | 'MPC_PROTOCOL_UNSUPPORTED'
  | 'LIMIT_EXCEEDED'
  | 'MPC_QUORUM'
  | 'MPC_DEADLINE'
  | 'EPOCH_MISMATCH'
  | 'OVERLOADED'
  | 'NOT_YET'
  | 'OPERATION_IN_PROGRESS'
  | 'DKG_FAILED'
  | 'SIGN_FAILED'
  | 'PAIR_BANNED'
  | 'SESSION_ID_REUSED'
  | 'MPC_ABORT_BLAMED'
  | 'STORAGE_FAILED'
  | 'INTERNAL_ERROR'

const final = (code: number, text: string): ErrorMeaning => ({ code, retryable: false, text })
const retry = (code: number, text: string): ErrorMeaning => ({ code, retryable: true, text })

/**
 * Every error id of this version with its code and retryability (spec "Order of checks", 05 §3.3, and
 * "Error codes", 05 §4.3). Ids are stable, texts are not. Two rows of 05 §3.3 give BAD_REQUEST another
 * code; the first, the one of bytes that cannot be read, is taken.
 */
export const ERRORS: Readonly<Record<ErrorId, ErrorMeaning>> = {
  BAD_REQUEST: final(-32700, 'the bytes are no request'),
  REQ_MALFORMED: final(-32600, 'the request has not the required form'),
  NETWORK_MISMATCH: final(-32600, 'the request is for another network'),
  METHOD_UNSUPPORTED: final(4200, 'this method is not supported'),
  PARAMS_INVALID: final(-32602, 'the parameters do not fit the method'),
  REQ_NOT_YET: final(4100, 'the request is dated in the future'),
  REQ_EXPIRED: final(4100, 'the request has expired'),
  REQ_TTL: final(4100, 'the request is valid for too long'),
  AUTH_FAILED: final(4100, 'not authorised'),
  ENTRY_KEY_EXPIRED: retry(-32600, 'the entry key is not in force'),
  DECRYPT_FAILED: final(-32600, 'the frame is not sealed to this guest'),
  SCOPE_FROZEN: final(4100, 'the scope is frozen'),
  CHALLENGE_EXPIRED: final(4100, 'the ticket is missing or has expired'),
  CHALLENGE_MISMATCH: final(4100, 'the passkey approved something else'),
  ORIGIN_MISMATCH: final(4100, 'the passkey was used on another origin'),
  RP_MISMATCH: final(4100, 'the passkey belongs to another relying party'),
  USER_VERIFICATION_REQUIRED: final(4100, 'the authenticator did not verify the user'),
  OIDC_TOKEN_INVALID: final(4100, 'the identity token is not acceptable'),
  OIDC_KEY_UNKNOWN: retry(4100, 'the key of the identity token is not known yet'),
  SESSION_EXPIRED: final(4100, 'the session has ended'),
  SESSION_CAVEAT: final(4100, 'the session does not cover this'),
  SCOPE_INVALID: final(-32602, 'not a valid scope document'),
  SCOPE_VERSION_STALE: final(-32000, 'not the next version of the scope'),
  POLICY_INVALID: final(-32602, 'not a valid policy'),
  APPROVAL_REQUIRED: retry(-32003, 'an approval or a delay is outstanding'),
  APPROVAL_DENIED: final(-32003, 'an approver said no'),
  APPROVAL_TIMEOUT: final(-32003, 'an approval came too late'),
  NONCE_REUSED: final(-32000, 'the nonce was used for another request'),
  STATE_CONFLICT: final(-32000, 'the state does not allow this'),
  MSG_BUILD_FAILED: final(-32000, 'the message cannot be signed as given'),
  TX_BUILD_FAILED: final(-32000, 'the transaction cannot be signed as given'),
  INTENT_MISMATCH: final(-32000, 'the intent is not for this key'),
  SCOPE_NOT_FOUND: final(-32001, 'no such scope'),
  KEY_NOT_FOUND: final(-32001, 'no such key'),
  NOT_FOUND: final(-32001, 'not found'),
  POLICY_DENIED: final(-32003, 'the policy does not allow this'),
  MPC_PROTOCOL_UNSUPPORTED: final(-32004, 'this protocol is not supported'),
  LIMIT_EXCEEDED: retry(-32005, 'too many requests'),
  MPC_QUORUM: retry(-32002, 'insufficient signers'),
  MPC_DEADLINE: retry(-32002, 'the deadline passed'),
  EPOCH_MISMATCH: retry(-32002, 'the session is of another epoch'),
  OVERLOADED: retry(-32002, 'too busy'),
  NOT_YET: retry(-32002, 'not yet'),
  OPERATION_IN_PROGRESS: retry(-32002, 'an operation is in progress'),
  DKG_FAILED: retry(-32002, 'the key generation failed'),
  SIGN_FAILED: retry(-32002, 'the signing failed'),
  PAIR_BANNED: final(-32010, 'a pair of the signers is banned'),
  SESSION_ID_REUSED: final(-32010, 'the session id was used before'),
  MPC_ABORT_BLAMED: final(-32010, 'a party broke the protocol'),
  STORAGE_FAILED: final(-32603, 'the record could not be stored'),
  INTERNAL_ERROR: final(-32603, 'internal error'),
}

/** Whether a text from outside (a reply of another node) is an id of the table. */
export const isErrorId = (text: string): text is ErrorId => Object.hasOwn(ERRORS, text)

/** A refusal that a caller may be told: `id` for programs; the message names no secret, user name or proof. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly id: ErrorId
  readonly details: string | undefined

  /** `details` says what exactly, in plain words, and becomes the message. */
  constructor(id: ErrorId, details?: string, options?: ErrorOptions) {
    super(details === undefined ? ERRORS[id].text : `${ERRORS[id].text}: ${details}`, options)
    this.id = id
    this.details = details
  }
}
