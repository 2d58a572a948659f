import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import {
  accountIdOf,
  NO_IDENTIFIER_HASH,
  NO_SCOPE_ID,
} from '../../../protocols/request/account-id.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { type Intent, intentOf } from '../../../protocols/request/intents/intent.ts'
import {
  METHOD_CLASSES,
  type MethodName,
  methodNamed,
  parseParams,
} from '../../../protocols/request/methods.ts'
import { decodePlainRequest, type PlainRequest } from '../../../protocols/request/plain-request.ts'
import type { PublicKey } from '../../../protocols/request/proofs.ts'
import { encodeSpki } from '../../../protocols/request/spki.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { Account } from '../accounts/account.ts'
import { type ActivityLog, meaningOf } from '../accounts/activity-log.ts'
import type { Committee } from '../committee.ts'
import { nextTurn } from '../pairs/next-turn.ts'
import type { AccountRates } from './account-rates.ts'
import { isAllowed } from './policy.ts'
import type { Timeline } from './timeline.ts'
import type { verifyProof } from './verify-proof.ts'

const MAX_SKEW_S = 30 // 05 §1.1
const MAX_TTL_S = 300 // 05 §3.3, row 6
const NO_SIGNATURE = new Uint8Array(64)

/** A request that this guest verified itself, and what it asks for. */
export type Authorized =
  | {
      readonly kind: 'create'
      readonly request: PlainRequest
      readonly accountId: Uint8Array
      readonly credential: PublicKey
    }
  | { readonly kind: 'read'; readonly request: PlainRequest; readonly account: Account }
  | {
      readonly kind: 'sign'
      readonly request: PlainRequest
      readonly account: Account
      readonly intent: Intent
      readonly meaning: Uint8Array
    }

export interface AuthorizeDeps {
  readonly committee: Committee
  readonly account: (id: Uint8Array) => Promise<Account | undefined>
  readonly activities: Pick<ActivityLog, 'isReused'>
  readonly rates: Pick<AccountRates, 'admit'>
  /** Whether the result of this digest is known: it is told again after the request's expiry (05 §3.5). */
  readonly isDone: (digest: Uint8Array) => boolean
  /** What others told of this account and nonce is known once it resolves. */
  readonly heard?: (accountId: Uint8Array, nonce: Uint8Array) => Promise<void> | undefined
  /** Unix seconds. */
  readonly now: () => number
  /** Whether the signature over this digest is the key's. */
  readonly verify: typeof verifyProof
  /** Told which phase of 10 §6.4 begins. */
  readonly timeline?: Pick<Timeline, 'enter'>
}

/**
 * Rows 4 to 16 of 05 §3.3 in their order, as far as this version has them. Every guest that takes part
 * runs this over the bytes itself. Throws `RequestError`.
 */
export async function authorize(deps: AuthorizeDeps, bytes: Uint8Array): Promise<Authorized> {
  const request = decode(bytes)
  const { core, digest } = request

  // 4. Form and network.
  if (!equal(core.networkId, deps.committee.networkId)) throw new RequestError('NETWORK_MISMATCH')
  if (core.ticketHash !== null)
    throw new RequestError('REQ_MALFORMED', 'tickets are not issued by this version')

  // Before anything is decided about it: it may be done already, and its nonce taken.
  if (core.accountId !== null) await deps.heard?.(core.accountId, core.nonce)

  // 6. Times. A request that is done stays done.
  if (!deps.isDone(digest)) checkTimes(request, deps.now())

  // 7. A nonce means one thing. The store is asked beside the next rows, so the question leaves
  // first; its word counts before theirs.
  const { accountId } = core
  const meaning = meaningOf(core)
  const isReused = accountId !== null && deps.activities.isReused(accountId, core.nonce, meaning)
  const [reused, proven] = await Promise.allSettled([
    isReused,
    isReused instanceof Promise
      ? nextTurn().then(() => prove(deps, request))
      : prove(deps, request),
  ])
  if (reused.status === 'rejected') throw reused.reason
  if (reused.value) throw new RequestError('NONCE_REUSED')
  if (proven.status === 'rejected') throw proven.reason
  deps.timeline?.enter('policy')
  const { method, by } = proven.value
  return by === 'new' ? creationOf(deps, request) : authorizeUse(deps, method, request, by, meaning)
}

/** Rows 8 to 13: which method, and whose credential approved. Nothing here depends on what was asked before. */
async function prove(deps: AuthorizeDeps, request: PlainRequest): Promise<Proven> {
  const { core } = request
  // 8. Method and parameters.
  const method = methodNamed(core.method)
  parseParams(method, core.params)
  if (method === 'holdfast_createAccount' && !deps.committee.development)
    throw new RequestError(
      'METHOD_UNSUPPORTED',
      'accounts without a scope need a development network',
    )

  // 9. Scope; the account is looked up, and its absence shows only in row 13.
  if (!equal(core.scopeId, NO_SCOPE_ID)) throw new RequestError('SCOPE_NOT_FOUND')
  if (method === 'holdfast_createAccount') {
    proveCreation(deps, request)
    return { method, by: 'new' }
  }
  const account = core.accountId === null ? undefined : await deps.account(core.accountId)

  // 10. No logs in this version, so no head is known.
  if (core.head !== null) throw new RequestError('STATE_CONFLICT', 'the head is unknown')

  // 13. The credential's signature over this digest.
  deps.timeline?.enter('verify')
  if (account === undefined || !isProven(deps.verify, account.credential, request)) {
    if (account === undefined) equalWork(deps.verify, request)
    throw new RequestError('AUTH_FAILED')
  }
  deps.timeline?.enter('open') // as long as the store is waited for
  return { method, by: account }
}

interface Proven {
  readonly method: MethodName
  readonly by: Account | 'new'
}

function authorizeUse(
  { rates, isDone }: AuthorizeDeps,
  method: MethodName,
  request: PlainRequest,
  account: Account,
  meaning: Uint8Array,
): Authorized {
  const asked = METHOD_CLASSES[method]
  if (asked === 'read.private') return { kind: 'read', request, account }
  // 14. What is done already costs nothing.
  if (!isDone(request.digest) && !rates.admit(account.id, request.digest))
    throw new RequestError('LIMIT_EXCEEDED', 'too many signatures of this account')
  // 15, 16. The intent, with its digest computed here; then what the credential may do.
  const intent = intentOf(method, request.core.params, account.address)
  if (!isAllowed(asked)) throw new RequestError('POLICY_DENIED')
  return { kind: 'sign', request, account, intent, meaning }
}

function proveCreation({ verify }: AuthorizeDeps, request: PlainRequest): void {
  const { core } = request
  if (core.accountId !== null)
    throw new RequestError('PARAMS_INVALID', 'a new account has no account id yet')
  if (core.head !== null) throw new RequestError('STATE_CONFLICT', 'the head is unknown')
  const { credential } = parseParams('holdfast_createAccount', core.params)
  if (!isProven(verify, credential, request)) throw new RequestError('AUTH_FAILED')
}

function creationOf({ committee }: AuthorizeDeps, request: PlainRequest): Authorized {
  const { core, digest } = request
  const { credential } = parseParams('holdfast_createAccount', core.params)
  const accountId = accountIdOf(committee.networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest)
  return { kind: 'create', request, accountId, credential }
}

function decode(bytes: Uint8Array): PlainRequest {
  try {
    return decodePlainRequest(bytes)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new RequestError('REQ_MALFORMED', cause.message, { cause })
  }
}

function checkTimes({ core: { iat, exp } }: PlainRequest, now: number): void {
  if (iat > now + MAX_SKEW_S) throw new RequestError('REQ_NOT_YET')
  if (exp <= now) throw new RequestError('REQ_EXPIRED')
  if (exp - iat > MAX_TTL_S) throw new RequestError('REQ_TTL')
}

/** One verification, whether or not the proof names this key. */
function isProven(
  verify: typeof verifyProof,
  key: PublicKey,
  { digest, proofs }: PlainRequest,
): boolean {
  const proof = proofs.find(({ kid }) => kid === key.kid)
  const valid = verify(key, digest, (proof ?? proofs[0])?.signature ?? NO_SIGNATURE)
  return valid && proof !== undefined
}

/** What an unknown account costs: the verification that a known one would have had. */
function equalWork(verify: typeof verifyProof, request: PlainRequest): void {
  const { accountId } = request.core
  const stranger = STRANGERS[(accountId?.[0] ?? 0) % STRANGERS.length]
  if (stranger !== undefined) isProven(verify, stranger, request)
}

/** Keys of nobody, one of each algorithm: the generators of the groups. */
const STRANGERS: readonly PublicKey[] = [
  { kid: '', alg: 'ES256', spki: encodeSpki('ES256', p256.Point.BASE.toBytes(false)) },
  { kid: '', alg: 'ES256K', spki: encodeSpki('ES256K', secp256k1.Point.BASE.toBytes(false)) },
  { kid: '', alg: 'EdDSA', spki: encodeSpki('EdDSA', ed25519.Point.BASE.toBytes()) },
]

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
