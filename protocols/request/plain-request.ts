import * as z from 'zod'
import { decodeCanonical, encodeCanonical } from '../session/canonical-cbor.ts'
import { DecodeError } from '../session/codec.ts'
import { uuidBytes, uuidText } from './account-id.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { decodeCore, encodeCore, type JsonParams, type RequestCore, requestDigest } from './core.ts'
import { RequestError } from './errors.ts'
import { firstIssue } from './first-issue.ts'
import { type KeyProof, MAX_TEXT_CHARS, SIGNATURE_BYTES } from './proofs.ts'

/** A request with its proofs, as it travels unsealed (spec "Sealing", plain form, 05 §3.1). */
export interface PlainRequest {
  readonly core: RequestCore
  readonly coreBytes: Uint8Array
  /** Digest of `coreBytes`, computed here and never taken from outside. */
  readonly digest: Uint8Array
  readonly proofs: readonly KeyProof[]
}

/** The plain form in JSON-RPC: beside `method` and `params` of the core, all the rest of it. */
export interface JsonRpcForm {
  readonly method: string
  readonly params: JsonParams
  readonly holdfast: {
    readonly scopeId: string
    readonly accountId: string | null
    readonly nonce: string
    readonly iat: number
    readonly exp: number
    readonly ticketHash?: string
    readonly head?: string
    readonly proofs: readonly { kind: 'key'; kid: string; signature: string }[]
  }
}

/** The core with the largest parameters and eight proofs, far below what a stream may carry (05 §3.1). */
export const MAX_REQUEST_BYTES: number = 600 * 1024
/** Proofs of one request (05 §2.2). */
export const MAX_PROOFS = 8

const bytesOf = (length: number) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length)
const KID = z
  .string()
  .min(1)
  .max(MAX_TEXT_CHARS)
  .refine((text) => text.isWellFormed())

const ENVELOPE = z.strictObject({
  v: z.literal(1),
  core: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  proofs: z
    .array(
      z.strictObject({ kind: z.literal('key'), kid: KID, signature: bytesOf(SIGNATURE_BYTES) }),
    )
    .max(MAX_PROOFS),
})

const TEXT = z.string().max(MAX_TEXT_CHARS)
const JSON_RPC = z.strictObject({
  method: TEXT,
  params: z.custom<JsonParams>((value) => typeof value === 'object' && value !== null),
  holdfast: z.strictObject({
    scopeId: TEXT,
    accountId: TEXT.nullable(),
    nonce: TEXT,
    iat: z.number(),
    exp: z.number(),
    ticketHash: TEXT.optional(),
    head: TEXT.optional(),
    proofs: z
      .array(z.strictObject({ kind: z.literal('key'), kid: KID, signature: TEXT }))
      .max(MAX_PROOFS),
  }),
})

/** A request of a core and its proofs. Throws `DecodeError` for what no other side would take. */
export function plainRequest(core: RequestCore, proofs: readonly KeyProof[]): PlainRequest {
  return fromParts(encodeCore(core), proofs)
}

/** Canonical CBOR of {v: 1, core, proofs}: what the host passes on and every guest decodes. */
export const encodePlainRequest = ({ coreBytes, proofs }: PlainRequest): Uint8Array =>
  encodeCanonical({
    v: 1,
    core: coreBytes,
    proofs: proofs.map(({ kind, kid, signature }) => ({ kind, kid, signature })),
  })

/** The request of which `bytes` is the only encoding; anything else is a `DecodeError`. */
export function decodePlainRequest(bytes: Uint8Array): PlainRequest {
  const parsed = ENVELOPE.safeParse(decodeCanonical(bytes, MAX_REQUEST_BYTES, 4))
  if (!parsed.success) throw new DecodeError('not a plain request', { cause: parsed.error })
  return fromParts(parsed.data.core, parsed.data.proofs)
}

/**
 * The request of a JSON-RPC body whose `jsonrpc` and `id` were taken off. The network is not in the body:
 * it is the one of the node that was asked. Throws `RequestError` REQ_MALFORMED for any other shape.
 */
export function fromJsonRpc(body: unknown, networkId: Uint8Array): PlainRequest {
  const parsed = JSON_RPC.safeParse(body)
  if (!parsed.success)
    throw new RequestError('REQ_MALFORMED', firstIssue(parsed.error), { cause: parsed.error })
  const { method, params, holdfast } = parsed.data
  try {
    const core: RequestCore = {
      networkId,
      scopeId: uuidBytes(holdfast.scopeId),
      accountId: holdfast.accountId === null ? null : uuidBytes(holdfast.accountId),
      method,
      params,
      nonce: fromBase64url(holdfast.nonce),
      iat: holdfast.iat,
      exp: holdfast.exp,
      ticketHash: holdfast.ticketHash === undefined ? null : fromBase64url(holdfast.ticketHash),
      head: holdfast.head === undefined ? null : fromBase64url(holdfast.head),
    }
    return plainRequest(
      core,
      holdfast.proofs.map(({ kind, kid, signature }) => ({
        kind,
        kid,
        signature: fromBase64url(signature),
      })),
    )
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new RequestError('REQ_MALFORMED', cause.message, { cause })
  }
}

/** The JSON-RPC form of a request, without `jsonrpc` and `id`. */
export function toJsonRpc({ core, proofs }: PlainRequest): JsonRpcForm {
  return {
    method: core.method,
    params: core.params,
    holdfast: {
      scopeId: uuidText(core.scopeId),
      accountId: core.accountId === null ? null : uuidText(core.accountId),
      nonce: toBase64url(core.nonce),
      iat: core.iat,
      exp: core.exp,
      ...(core.ticketHash === null ? {} : { ticketHash: toBase64url(core.ticketHash) }),
      ...(core.head === null ? {} : { head: toBase64url(core.head) }),
      proofs: proofs.map(({ kind, kid, signature }) => ({
        kind,
        kid,
        signature: toBase64url(signature),
      })),
    },
  }
}

/** Decodes what was encoded as well, so that a request made here and one read here are the same thing. */
function fromParts(coreBytes: Uint8Array, proofs: readonly KeyProof[]): PlainRequest {
  if (proofs.length > MAX_PROOFS) throw new DecodeError(`more than ${MAX_PROOFS} proofs`)
  for (const { kid, signature } of proofs) {
    if (!KID.safeParse(kid).success) throw new DecodeError('kid is no text of 1 to 128 characters')
    if (signature.length !== SIGNATURE_BYTES) throw new DecodeError('a signature has 64 bytes')
  }
  return { core: decodeCore(coreBytes), coreBytes, digest: requestDigest(coreBytes), proofs }
}
