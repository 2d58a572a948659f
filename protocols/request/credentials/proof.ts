import * as z from 'zod'
import { CBOR_BYTES, SECONDS, textOf } from '../byte-field.ts'
import { MAX_PROOFS } from '../plain-request.ts'
import { MAX_AUTHENTICATOR_DATA_BYTES, MAX_CREDENTIAL_ID_BYTES } from './authenticator-data.ts'
import { MAX_CLIENT_DATA_BYTES } from './client-data.ts'
import { MAX_CLIENT_SIGNATURE_BYTES } from './client-key.ts'
import { clientKeyShape } from './client-key-shape.ts'
import { MAX_TRANSPORTS } from './credential.ts'
import { MAX_TOKEN_CHARS } from './jwt.ts'
import type { OidcProof } from './oidc.ts'
import type { PasskeyProof } from './passkey.ts'
import { MAX_ATTESTATION_BYTES, type PasskeyCreationProof } from './passkey-creation.ts'

/** A signature of a key: of the account, by its credential id as UUID, or of the scope's developers, by kid. */
export interface ClientKeyProof {
  readonly kind: 'key'
  readonly kid: string
  readonly signature: Uint8Array
}

/** A request inside a session (05 §2.2, `session`). */
export interface SessionProof {
  readonly kind: 'session'
  /** The request that opened the session: a `SignedRequest` in its encoding. */
  readonly capability: Uint8Array
  /** Requests that renewed it, oldest first. */
  readonly renewals: readonly Uint8Array[]
  /** `sign("session", digest)` by the client key of the session. */
  readonly signature: Uint8Array
}

/** What a named approver said (05 §2.2, `approval`). */
export interface ApprovalProof {
  readonly kind: 'approval'
  /** Id of the approver in the scope. */
  readonly id: string
  readonly decision: 'allow' | 'deny'
  /** Unix seconds. */
  readonly exp: number
  /** `sign("approval", enc([digest, intentDigest, decision, exp]))`. */
  readonly signature: Uint8Array
}

/** Every proof of this version (05 §2.2). */
export type AccessProof =
  | PasskeyProof
  | PasskeyCreationProof
  | ClientKeyProof
  | OidcProof
  | SessionProof
  | ApprovalProof

/** A request with two passkeys and their attestations. */
export const MAX_CAPABILITY_BYTES: number = 64 * 1024
/** One for each day of a week but the first, and one to spare. */
export const MAX_RENEWALS = 7
/** A core without long parameters, a ticket and a signature. */
const MAX_RENEWAL_BYTES = 4096

const SIGNATURE = CBOR_BYTES(1, MAX_CLIENT_SIGNATURE_BYTES)
const PASSKEY = z.strictObject({
  kind: z.literal('passkey'),
  credentialId: CBOR_BYTES(1, MAX_CREDENTIAL_ID_BYTES),
  authenticatorData: CBOR_BYTES(1, MAX_AUTHENTICATOR_DATA_BYTES),
  clientDataJSON: CBOR_BYTES(1, MAX_CLIENT_DATA_BYTES),
  signature: SIGNATURE,
})
const PASSKEY_CREATE = z.strictObject({
  kind: z.literal('passkey-create'),
  clientDataJSON: CBOR_BYTES(1, MAX_CLIENT_DATA_BYTES),
  attestationObject: CBOR_BYTES(1, MAX_ATTESTATION_BYTES),
  transports: z.array(textOf(32)).max(MAX_TRANSPORTS),
})
const KEY = z.strictObject({ kind: z.literal('key'), kid: textOf(), signature: SIGNATURE })
const OIDC = z.strictObject({
  kind: z.literal('oidc'),
  idToken: textOf(MAX_TOKEN_CHARS),
  clientKey: clientKeyShape(CBOR_BYTES),
  maxExp: SECONDS,
  rand: CBOR_BYTES(16),
  signature: SIGNATURE,
})
const SESSION = z.strictObject({
  kind: z.literal('session'),
  capability: CBOR_BYTES(1, MAX_CAPABILITY_BYTES),
  renewals: z.array(CBOR_BYTES(1, MAX_RENEWAL_BYTES)).max(MAX_RENEWALS),
  signature: SIGNATURE,
})
const APPROVAL = z.strictObject({
  kind: z.literal('approval'),
  id: textOf(),
  decision: z.enum(['allow', 'deny']),
  exp: SECONDS,
  signature: SIGNATURE,
})

/** Proofs of a request in CBOR, at most eight. */
export const PROOFS: z.ZodType<readonly AccessProof[]> = z
  .array(z.discriminatedUnion('kind', [PASSKEY, PASSKEY_CREATE, KEY, OIDC, SESSION, APPROVAL]))
  .max(MAX_PROOFS)

/** Proofs of a capability: those of credentials. A session never opens another. */
export type OpeningProof = PasskeyProof | ClientKeyProof | OidcProof

export const OPENING_PROOFS: z.ZodType<readonly OpeningProof[]> = z
  .array(z.discriminatedUnion('kind', [PASSKEY, KEY, OIDC]))
  .min(1)
  .max(MAX_PROOFS)
