import * as z from 'zod'
import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { parseShape } from '../byte-field.ts'
import { decodeCore, encodeCore, type RequestCore, requestDigest } from '../core.ts'
import { sameBytes } from '../credentials/passkey.ts'
import { type AccessProof, PROOFS } from '../credentials/proof.ts'
import { RequestError } from '../errors.ts'

/** What a client asks of the way its answer comes; no decision looks at it. */
export interface RequestHints {
  readonly deadlineMs: number
  readonly progress: boolean
}

/** A request with all kinds of proofs, as it is sealed (05 §3.1). */
export interface AccessRequest {
  readonly core: RequestCore
  readonly coreBytes: Uint8Array
  /** Digest of `coreBytes`, computed here and never taken from outside. */
  readonly digest: Uint8Array
  readonly proofs: readonly AccessProof[]
  /** A signed ticket in its encoding; null without one. */
  readonly ticket: Uint8Array | null
  readonly hints: RequestHints
}

/** The largest padded plaintext, without its length (05 §3.1). */
export const MAX_ACCESS_REQUEST_BYTES: number = 512 * 1024 - 4
/** Body, proofs, a proof, its key. */
const MAX_DEPTH = 4
const MIN_DEADLINE_MS = 100
const MAX_DEADLINE_MS = 60_000
const MAX_TICKET_BYTES = 1024

const BYTES = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'not bytes')
const BODY = z.strictObject({
  v: z.literal(1),
  core: BYTES,
  proofs: z.custom<unknown>((value) => Array.isArray(value), 'not a list'),
  ticket: BYTES.refine((bytes) => bytes.length <= MAX_TICKET_BYTES, 'too long').optional(),
  hints: z.strictObject({
    deadlineMs: z.number().int().min(MIN_DEADLINE_MS).max(MAX_DEADLINE_MS),
    progress: z.boolean(),
  }),
})

/** Canonical CBOR of {v: 1, core, proofs, ticket?, hints}. Throws `DecodeError` for what no guest would take. */
export function encodeAccessRequest({
  core,
  proofs,
  ticket,
  hints,
}: Pick<AccessRequest, 'core' | 'proofs' | 'ticket' | 'hints'>): Uint8Array {
  const body = {
    v: 1,
    core: encodeCore(core),
    proofs,
    hints,
    ...(ticket === null ? {} : { ticket }),
  }
  parseShape(BODY, body, 'request')
  parseShape(PROOFS, proofs, 'proofs')
  const bytes = encodeCanonical(body)
  if (bytes.length > MAX_ACCESS_REQUEST_BYTES) throw new DecodeError('a request of over 512 KiB')
  return bytes
}

/**
 * The request of which `bytes` is the only encoding (rows 3 and 4 of 05 §3.3). Throws BAD_REQUEST for other
 * bytes and deadlines outside 100 ms to 60 s, REQ_MALFORMED for a core or proofs of another form, and
 * NETWORK_MISMATCH.
 */
export function decodeAccessRequest(bytes: Uint8Array, networkId: Uint8Array): AccessRequest {
  const body = refusing('BAD_REQUEST', () =>
    parseShape(BODY, decodeCanonical(bytes, MAX_ACCESS_REQUEST_BYTES, MAX_DEPTH), 'request'),
  )
  const [core, proofs] = refusing('REQ_MALFORMED', () => [
    decodeCore(body.core),
    parseShape(PROOFS, body.proofs, 'proofs'),
  ])
  if (!sameBytes(core.networkId, networkId)) throw new RequestError('NETWORK_MISMATCH')
  return {
    core,
    coreBytes: body.core,
    digest: requestDigest(body.core),
    proofs,
    ticket: body.ticket ?? null,
    hints: body.hints,
  }
}

function refusing<T>(id: 'BAD_REQUEST' | 'REQ_MALFORMED', read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new RequestError(id, cause.message, { cause })
  }
}
