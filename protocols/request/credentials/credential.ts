import * as z from 'zod'
import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import { id16 } from '../account-id.ts'
import { CBOR_BYTES, SECONDS, textOf } from '../byte-field.ts'
import { POLICY_CLASSES, type PolicyClass } from '../method-class.ts'
import { MAX_CREDENTIAL_ID_BYTES } from './authenticator-data.ts'
import { CLIENT_ALGORITHMS, type ClientAlgorithm, MAX_SPKI_BYTES } from './client-key.ts'
import { problemOf } from './client-key-shape.ts'
import { parseCoseKey } from './cose-key.ts'

export const ROLES = ['user', 'developer', 'guardian', 'device'] as const
export type Role = (typeof ROLES)[number]

/** What makes a credential, by its kind (05 §1.3). */
export type CredentialMaterial =
  | {
      readonly kind: 'passkey'
      readonly credentialId: Uint8Array
      readonly cose: Uint8Array
      readonly rpId: string
      readonly aaguid: Uint8Array
      readonly backupEligible: boolean
      readonly transports: readonly string[]
    }
  | { readonly kind: 'key'; readonly alg: ClientAlgorithm; readonly spki: Uint8Array }
  | { readonly kind: 'oidc'; readonly issuer: string; readonly subjectHash: Uint8Array }

/** A credential of an account (05 §1.3). Kinds for recovery and devices come with a later version. */
export type Credential = {
  /** 16 bytes, of `credentialIdFor`. */
  readonly id: Uint8Array
  readonly label: string
  readonly roles: readonly Role[]
  /** Unix seconds: from, and before. */
  readonly notBefore?: number
  readonly notAfter?: number
  /** The only classes it may approve; all where absent. */
  readonly actions?: readonly PolicyClass[]
} & CredentialMaterial

/** Transports that a browser names. */
export const MAX_TRANSPORTS = 8
const MAX_COSE_BYTES = 600

const COMMON = {
  id: CBOR_BYTES(16),
  label: textOf(),
  roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length),
  notBefore: SECONDS.optional(),
  notAfter: SECONDS.optional(),
  actions: z.array(z.enum(POLICY_CLASSES)).min(1).max(POLICY_CLASSES.length).optional(),
}

/** A credential as account documents hold it, in CBOR. */
export const CREDENTIAL: z.ZodType<Credential> = z
  .discriminatedUnion('kind', [
    z.strictObject({
      ...COMMON,
      kind: z.literal('passkey'),
      credentialId: CBOR_BYTES(1, MAX_CREDENTIAL_ID_BYTES),
      cose: CBOR_BYTES(1, MAX_COSE_BYTES).refine(isCose, 'not a COSE key'),
      rpId: textOf(),
      aaguid: CBOR_BYTES(16),
      backupEligible: z.boolean(),
      transports: z.array(textOf(32)).max(MAX_TRANSPORTS),
    }),
    z
      .strictObject({
        ...COMMON,
        kind: z.literal('key'),
        alg: z.enum(CLIENT_ALGORITHMS),
        spki: CBOR_BYTES(20, MAX_SPKI_BYTES),
      })
      .refine((key) => problemOf(key) === undefined, 'not a key of its algorithm'),
    z.strictObject({
      ...COMMON,
      kind: z.literal('oidc'),
      issuer: textOf(256),
      subjectHash: CBOR_BYTES(32),
    }),
  ])
  .refine(
    ({ roles }) => new Set(roles).size === roles.length,
    'a role twice',
  ) as z.ZodType<Credential>

/** Credential id of 05 §1.1, 16 bytes: of the account, the kind and the public material. */
export const credentialIdFor = (
  accountId: Uint8Array,
  credential: CredentialMaterial,
): Uint8Array =>
  id16(
    objectHash(
      objectTags.credentialId,
      encodeCanonical([accountId, credential.kind, publicMaterial(credential)]),
    ),
  )

function publicMaterial(credential: CredentialMaterial): unknown {
  switch (credential.kind) {
    case 'passkey':
      return credential.cose
    case 'key':
      return credential.spki
    case 'oidc':
      return [credential.issuer, credential.subjectHash]
  }
}

function isCose(bytes: Uint8Array): boolean {
  try {
    parseCoseKey(bytes)
    return true
  } catch {
    return false
  }
}
