import * as z from 'zod'
import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { id16 } from '../account-id.ts'
import {
  CBOR_FORM,
  type DocumentForm,
  JSON_FORM,
  parseShape,
  SECONDS,
  textOf,
} from '../byte-field.ts'
import { CLIENT_ALGORITHMS, MAX_SPKI_BYTES } from '../credentials/client-key.ts'
import { clientKeyShape, problemOf } from '../credentials/client-key-shape.ts'
import { MAX_JWKS_BYTES, TOKEN_ALGORITHMS } from '../credentials/jwks.ts'
import { POLICY_CLASSES } from '../method-class.ts'
import { policyShape } from '../policy/policy-document.ts'
import type { Scope } from './scope.ts'
import { scopeProblem } from './scope-problem.ts'

/** Documents (05 §1). */
export const MAX_SCOPE_BYTES: number = 64 * 1024
/** Scope, policy, actions, class, and two levels for each of eight of a tree. */
const MAX_SCOPE_DEPTH = 22
const MAX_LIST = 64
const MAX_OWNERS = 16
const MAX_ORIGINS = 16
const MAX_RPCS = 4
const MAX_URL_CHARS = 2048
/** A new version lets existing users object for at least a day (05 §1.2). */
const MIN_ADOPT_SECONDS = 86_400
const MAX_WAIT_SECONDS = 315_360_000
const CAIP2 = /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/
const ADDRESS = /^0x[0-9a-f]{40}$/

function scopeShape(form: DocumentForm): z.ZodType<Scope> {
  const { bytes, id } = form
  const key = clientKeyShape(bytes)
  const texts = (max = MAX_LIST) => z.array(textOf(MAX_URL_CHARS)).max(max)
  const url = textOf(MAX_URL_CHARS)
  const wait = z.number().int().min(0).max(MAX_WAIT_SECONDS)
  const rp = z.strictObject({
    id: textOf(),
    name: textOf(),
    origins: texts(MAX_ORIGINS).min(1),
    userVerification: z.literal('required'),
    crossOrigin: z.union([z.literal(false), texts(MAX_ORIGINS).min(1)]),
    aaguids: z.array(bytes(16)).min(1).max(MAX_LIST).optional(),
  })
  const developerKey = z
    .strictObject({
      kid: textOf(),
      alg: z.enum(CLIENT_ALGORITHMS),
      spki: bytes(20, MAX_SPKI_BYTES),
      notBefore: SECONDS,
      notAfter: SECONDS,
      actions: z.array(z.enum(POLICY_CLASSES)).min(1).max(POLICY_CLASSES.length),
    })
    .refine((one) => problemOf(one) === undefined, 'not a key of its algorithm')
  const issuer = z.strictObject({
    issuer: textOf(256),
    audiences: z.array(textOf()).min(1).max(MAX_LIST),
    algs: z.array(z.enum(TOKEN_ALGORITHMS)).min(1).max(TOKEN_ALGORITHMS.length),
    jwks: textOf(MAX_JWKS_BYTES).optional(),
    jwksUri: url.optional(),
    claims: z.record(textOf(), z.union([textOf(), z.number().int(), z.boolean()])).optional(),
    maxAge: z.number().int().min(1).max(86_400),
  })
  return z.strictObject({
    v: z.literal(1),
    id,
    network: bytes(32),
    version: z.number().int().min(1),
    previous: bytes(32).nullable(),
    environment: z.enum(['development', 'production']),
    name: textOf(),
    owners: z.strictObject({
      threshold: z.number().int().min(1).max(MAX_OWNERS),
      keys: z.array(key).min(1).max(MAX_OWNERS),
    }),
    profiles: z
      .array(z.enum(['network', 'device']))
      .min(1)
      .max(2),
    registration: z.strictObject({
      mode: z.enum(['open', 'developer', 'closed']),
      maxAccounts: z.number().int().min(1).optional(),
    }),
    rp: rp.optional(),
    developerKeys: z.array(developerKey).max(MAX_LIST),
    oidc: z.array(issuer).max(MAX_LIST),
    policy: policyShape(form),
    adopt: z.strictObject({
      mode: z.enum(['consent', 'delay']),
      seconds: wait.min(MIN_ADOPT_SECONDS),
    }),
    recovery: z.strictObject({
      means: z.array(z.enum(['code', 'social', 'guardians', 'pin', 'developer'])).max(5),
      delays: z.record(textOf(), wait).optional(),
      minGuardians: z.number().int().min(2).max(MAX_LIST).optional(),
    }),
    export: z.strictObject({ allowed: z.boolean(), delay: wait }),
    chains: z.record(
      z.string().regex(CAIP2),
      z.strictObject({
        rpc: texts(MAX_RPCS).min(1),
        batchDelegate: z.string().regex(ADDRESS).optional(),
      }),
    ),
    fetchAllow: texts(),
    approvers: z
      .array(z.strictObject({ id: textOf(), url, key, timeout: z.number().int().min(1).max(30) }))
      .max(MAX_LIST),
    webhooks: z
      .array(z.strictObject({ id: textOf(), url, events: texts(), secretId: textOf() }))
      .max(MAX_LIST),
    frozen: z.boolean(),
    revoked: z.array(textOf()).max(MAX_LIST),
  }) as unknown as z.ZodType<Scope>
}

const FROM_CBOR = scopeShape(CBOR_FORM)
const FROM_JSON = scopeShape(JSON_FORM)

/** The encoding that is hashed. Throws `DecodeError` for a document that breaks a rule of 05 §1.2. */
export function encodeScope(scope: Scope): Uint8Array {
  const checked = whole(parseShape(FROM_CBOR, scope, 'scope'))
  const bytes = encodeCanonical(checked)
  if (bytes.length > MAX_SCOPE_BYTES) throw new DecodeError('a scope has at most 64 KiB')
  return bytes
}

/** The scope of which `bytes` is the only encoding; anything else is a `DecodeError`. */
export const decodeScope = (bytes: Uint8Array): Scope =>
  whole(parseShape(FROM_CBOR, decodeCanonical(bytes, MAX_SCOPE_BYTES, MAX_SCOPE_DEPTH), 'scope'))

/** The scope of a JSON value, in which bytes are base64url and ids UUIDs. Same errors as `encodeScope`. */
export function scopeFromJson(value: unknown): Scope {
  const scope = parseShape(FROM_JSON, value, 'scope')
  encodeScope(scope)
  return scope
}

/** H(scope; scope), 32 bytes: what owners sign and what the next version names (05 §1.2). */
export const scopeHash = (scope: Scope): Uint8Array =>
  objectHash(objectTags.scope, encodeScope(scope))

/** scopeId of 05 §1.1, 16 bytes: of version 1 with null in the place of the id. */
export const scopeIdOf = (first: Omit<Scope, 'id'>): Uint8Array =>
  id16(objectHash(objectTags.scopeId, encodeCanonical({ ...first, id: null })))

/** What no field alone can say. */
function whole(scope: Scope): Scope {
  const problem = scopeProblem(scope)
  if (problem !== undefined) throw new DecodeError(`scope: ${problem}`)
  if (scope.version === 1 && !scope.id.every((byte, i) => byte === scopeIdOf(scope)[i]))
    throw new DecodeError('scope: the id is not that of its first version')
  return scope
}
