import * as z from 'zod'
import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { JSON_BYTES, parseShape, textOf } from '../byte-field.ts'
import { decodeCore, encodeCore, MAX_CORE_BYTES, type RequestCore, requestDigest } from '../core.ts'
import { RequestError } from '../errors.ts'
import { type ClientKey, taggedMessage } from './client-key.ts'
import { clientKeyShape } from './client-key-shape.ts'
import { sameBytes } from './passkey.ts'
import { MAX_CAPABILITY_BYTES, OPENING_PROOFS, type OpeningProof } from './proof.ts'
import type { Verification } from './signature-verifier.ts'
import { checkTicket } from './ticket.ts'

/** What a session may be used for; all that are present must hold (05 §2.3). */
export interface Caveats {
  readonly methods?: readonly string[]
  /** CAIP-2 names. */
  readonly chains?: readonly string[]
  /** Key ids. */
  readonly keys?: readonly Uint8Array[]
  /** Native value of one request, a decimal string. */
  readonly maxValue?: string
  /** Requests in all; the lane counts them. */
  readonly maxCount?: number
}

/** Parameters of the request that opens a session (05 §2.3). */
export interface OpenSession {
  readonly client: ClientKey
  /** Seconds, at most a day. */
  readonly ttl: number
  /** The session epoch of the account: raising it ends every session. */
  readonly epoch: number
  readonly caveats: Caveats
}

export const OPEN_METHOD = 'completeAuthentication'
export const RENEW_METHOD = 'renewSession'
export const DAY_SECONDS = 86_400
/** A session ends seven days after it was opened, however often it is renewed (05 §2.3). */
export const MAX_SESSION_SECONDS: number = 7 * DAY_SECONDS
const MAX_LIST = 64
const DECIMAL = /^(?:0|[1-9][0-9]{0,77})$/ // 2^256 has 78 digits

const CAVEATS = z.strictObject({
  methods: z.array(textOf()).min(1).max(MAX_LIST).optional(),
  chains: z.array(textOf()).min(1).max(MAX_LIST).optional(),
  keys: z.array(JSON_BYTES(32)).min(1).max(MAX_LIST).optional(),
  maxValue: z.string().regex(DECIMAL).optional(),
  maxCount: z.number().int().min(1).optional(),
})

/** Parameters of `completeAuthentication` in JSON. */
export const OPEN_SESSION: z.ZodType<OpenSession> = z.strictObject({
  client: clientKeyShape(JSON_BYTES),
  ttl: z.number().int().min(1).max(DAY_SECONDS).default(DAY_SECONDS),
  epoch: z.number().int().min(0).default(0),
  caveats: CAVEATS.default({}),
}) as unknown as z.ZodType<OpenSession>

const RENEW = z.strictObject({ session: JSON_BYTES(32) })

/** A request that opened a session, as the session carries it: {v: 1, core, proofs, ticket}. */
export interface Capability {
  readonly core: RequestCore
  /** Digest of the core: the session's id. */
  readonly id: Uint8Array
  readonly params: OpenSession
  readonly proofs: readonly OpeningProof[]
  readonly ticket: Uint8Array
}

const BYTES = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'not bytes')
const CAPABILITY = z.strictObject({
  v: z.literal(1),
  core: BYTES,
  proofs: OPENING_PROOFS,
  ticket: BYTES,
})

export const encodeCapability = ({
  core,
  proofs,
  ticket,
}: Pick<Capability, 'core' | 'proofs' | 'ticket'>): Uint8Array =>
  encodeCanonical({ v: 1, core: encodeCore(core), proofs, ticket })

/** The capability of which `bytes` is the only encoding; anything else is a `DecodeError`. */
export function decodeCapability(bytes: Uint8Array): Capability {
  const value = parseShape(CAPABILITY, decodeCanonical(bytes, MAX_CAPABILITY_BYTES), 'capability')
  const core = decodeCore(value.core)
  if (core.method !== OPEN_METHOD) throw new DecodeError('a capability opens a session')
  const params = parseShape(OPEN_SESSION, core.params, 'capability')
  return { core, id: requestDigest(value.core), params, proofs: value.proofs, ticket: value.ticket }
}

/** A renewal: the core, its ticket, `sign("session", digest)` by the client key. */
export interface Renewal {
  readonly core: RequestCore
  readonly ticket: Uint8Array
  readonly signature: Uint8Array
}

/** A renewal that was read, with the digest of its core. */
export type ReadRenewal = Renewal & { readonly digest: Uint8Array }

export const encodeRenewal = ({ core, ticket, signature }: Renewal): Uint8Array =>
  encodeCanonical([encodeCore(core), ticket, signature])

export function decodeRenewal(bytes: Uint8Array): ReadRenewal {
  const value = decodeCanonical(bytes, MAX_CORE_BYTES, 2)
  const [core, ticket, signature, ...rest] = Array.isArray(value) ? (value as unknown[]) : []
  const isWhole =
    core instanceof Uint8Array &&
    ticket instanceof Uint8Array &&
    signature instanceof Uint8Array &&
    rest.length === 0
  if (!isWhole) throw new DecodeError('not a renewal')
  return { core: decodeCore(core), digest: requestDigest(core), ticket, signature }
}

/** What a request does, as far as caveats ask; null is unknown, and unknown is outside every caveat. */
export interface RequestFacts {
  readonly caip2: string | null
  readonly keyId: Uint8Array | null
  /** Native value in the smallest unit; 0 where the request moves none. */
  readonly value: bigint | null
}

/**
 * Times and caveats of a session (row 13 of 05 §3.3) for a request at the agreed time. Whether its opening
 * credential stands, and its signature, is asked later. Throws SESSION_EXPIRED or SESSION_CAVEAT; AUTH_FAILED
 * for a session of another network, scope or account.
 */
export function checkSession(
  capability: Capability,
  renewals: readonly ReadRenewal[],
  core: RequestCore,
  facts: RequestFacts,
  verification: Verification,
  now: number,
): void {
  const { client, ttl } = capability.params
  if (!isSameAccount(capability.core, core)) throw new RequestError('AUTH_FAILED')
  expires(() => checkTicket(capability.ticket, capability.core, 'session', verification, null))
  const opened = capability.core.iat
  let end = opened + ttl
  for (const renewal of renewals) end += renewed(renewal, capability, client, end, verification)
  if (opened > now + 30 || now >= Math.min(end, opened + MAX_SESSION_SECONDS))
    throw new RequestError('SESSION_EXPIRED')
  const broken = brokenCaveat(capability.params.caveats, core, facts)
  if (broken !== undefined) throw new RequestError('SESSION_CAVEAT', broken)
}

/** The seconds that a renewal adds. Its ticket must have been issued while the session was running. */
function renewed(
  renewal: ReadRenewal,
  { core: opening, id }: Capability,
  client: ClientKey,
  end: number,
  verification: Verification,
): number {
  const { core, digest, signature } = renewal
  const params = RENEW.safeParse(core.params)
  const { iat } = expires(() => checkTicket(renewal.ticket, core, 'renewal', verification, null))
  const holds =
    core.method === RENEW_METHOD &&
    params.success &&
    sameBytes(params.data.session, id) &&
    isSameAccount(opening, core) &&
    iat >= opening.iat &&
    iat < end &&
    verification.verifier.client(client, taggedMessage('session', digest), signature)
  if (!holds) throw new RequestError('SESSION_EXPIRED', 'a renewal that does not hold')
  return DAY_SECONDS
}

function brokenCaveat(
  { methods, chains, keys, maxValue }: Caveats,
  { method }: RequestCore,
  { caip2, keyId, value }: RequestFacts,
): string | undefined {
  if (methods !== undefined && !methods.includes(method)) return 'methods'
  if (chains !== undefined && (caip2 === null || !chains.includes(caip2))) return 'chains'
  if (keys !== undefined && (keyId === null || !keys.some((key) => sameBytes(key, keyId))))
    return 'keys'
  if (maxValue !== undefined && (value === null || value > BigInt(maxValue))) return 'maxValue'
  return undefined
}

const isSameAccount = (a: RequestCore, b: RequestCore): boolean =>
  a.accountId !== null &&
  b.accountId !== null &&
  sameBytes(a.networkId, b.networkId) &&
  sameBytes(a.scopeId, b.scopeId) &&
  sameBytes(a.accountId, b.accountId)

/** A ticket that does not hold leaves a session without a beginning or without its renewal. */
function expires<T>(check: () => T): T {
  try {
    return check()
  } catch (cause) {
    if (!(cause instanceof RequestError)) throw cause
    throw new RequestError('SESSION_EXPIRED', 'its ticket does not hold', { cause })
  }
}
