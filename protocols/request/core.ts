import { objectTags } from '../crypto/tags.ts'
import { objectHash } from '../crypto/transcript.ts'
import { decodeCanonical, encodeCanonical } from '../session/canonical-cbor.ts'
import { DecodeError } from '../session/codec.ts'
import { assertJsonValue, isPlainObject, type JsonValue, MAX_JSON_DEPTH } from './json-value.ts'

/** What a credential signs: one exact request (spec "Core", 05 §2.1). */
export interface RequestCore {
  /** 32 bytes. */
  readonly networkId: Uint8Array
  /** 16 bytes; zeros where no scope exists. */
  readonly scopeId: Uint8Array
  /** 16 bytes, or null before the account exists. */
  readonly accountId: Uint8Array | null
  readonly method: string
  readonly params: JsonParams
  /** 16 bytes. */
  readonly nonce: Uint8Array
  /** Unix seconds. */
  readonly iat: number
  /** Unix seconds. */
  readonly exp: number
  /** 32 bytes or null. */
  readonly ticketHash: Uint8Array | null
  /** 32 bytes or null. */
  readonly head: Uint8Array | null
}

/** Parameters of a method: by position or by name. */
export type JsonParams = readonly JsonValue[] | { readonly [key: string]: JsonValue }

const CORE_NAME = 'holdfast/request/1'
const CORE_FIELDS = 11
/** Encoded parameters: room for a large document, cheap to hash (05 §2.1). */
export const MAX_PARAMS_BYTES: number = 256 * 1024
/** The parameters and the eleven heads and fixed fields around them. */
export const MAX_CORE_BYTES: number = MAX_PARAMS_BYTES + 1024
/** A method's name: printable, no longer than any other text (05 §1). */
const METHOD = /^[\x21-\x7e]{1,128}$/

/** The encoding that is hashed. Throws `DecodeError` for a core that breaks a limit of 05 §2.1. */
export function encodeCore(core: RequestCore): Uint8Array {
  assertCore(core)
  const encoded = encodeCanonical([
    CORE_NAME,
    core.networkId,
    core.scopeId,
    core.accountId,
    core.method,
    core.params,
    core.nonce,
    core.iat,
    core.exp,
    core.ticketHash,
    core.head,
  ])
  return new Uint8Array(encoded) // under Node the encoder may give a Buffer, whose slices share memory
}

/** The core of which `bytes` is the only encoding; anything else is a `DecodeError`. */
export function decodeCore(bytes: Uint8Array): RequestCore {
  const value = decodeCanonical(bytes, MAX_CORE_BYTES, MAX_JSON_DEPTH + 1)
  if (!Array.isArray(value) || value.length !== CORE_FIELDS || value[0] !== CORE_NAME)
    throw new DecodeError('not a request core')
  const [, networkId, scopeId, accountId, method, params, nonce, iat, exp, ticketHash, head] =
    value as unknown[]
  const core = { networkId, scopeId, accountId, method, params, nonce, iat, exp, ticketHash, head }
  assertCore(core)
  return core
}

/** The digest of a request, which is also its id: what `key` proofs sign (05 §2.1). 32 bytes. */
export const requestDigest = (coreBytes: Uint8Array): Uint8Array =>
  objectHash(objectTags.requestDigest, coreBytes)

type Unchecked = { readonly [Field in keyof RequestCore]: unknown }

function assertCore(core: Unchecked): asserts core is RequestCore {
  bytes(core.networkId, 32, 'networkId')
  bytes(core.scopeId, 16, 'scopeId')
  if (core.accountId !== null) bytes(core.accountId, 16, 'accountId')
  if (typeof core.method !== 'string' || !METHOD.test(core.method))
    throw new DecodeError('method is no name of a method')
  if (!Array.isArray(core.params) && !isPlainObject(core.params))
    throw new DecodeError('params is neither an array nor an object')
  assertJsonValue(core.params)
  if (encodeCanonical(core.params).length > MAX_PARAMS_BYTES)
    throw new DecodeError(`params exceed ${MAX_PARAMS_BYTES} bytes`)
  bytes(core.nonce, 16, 'nonce')
  seconds(core.iat, 'iat')
  seconds(core.exp, 'exp')
  if (core.ticketHash !== null) bytes(core.ticketHash, 32, 'ticketHash')
  if (core.head !== null) bytes(core.head, 32, 'head')
}

function bytes(value: unknown, length: number, name: string): void {
  if (!(value instanceof Uint8Array) || value.length !== length)
    throw new DecodeError(`${name} is not ${length} bytes`)
}

function seconds(value: unknown, name: string): void {
  if (!Number.isSafeInteger(value) || Number(value) < 0 || Object.is(value, -0))
    throw new DecodeError(`${name} is no time in unix seconds`)
}
