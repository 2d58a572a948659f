import { p256 } from '@noble/curves/nist.js'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { uuidText } from '../account-id.ts'
import { RequestError } from '../errors.ts'
import { encodeSpki } from '../spki.ts'
import type {
  AccessContext,
  DeveloperKey,
  ProofResults,
  ProvenApproval,
  ProvenCredential,
  ProvenSession,
} from './access-context.ts'
import { type ClientKey, keyProofMessage, taggedMessage } from './client-key.ts'
import { parseCoseKey } from './cose-key.ts'
import { type Credential, type CredentialMaterial, credentialIdFor } from './credential.ts'
import { isSignedByIssuer } from './jwt.ts'
import { checkToken, type OidcClaims, type OidcProof, oidcSubjectHash } from './oidc.ts'
import { type Assertion, checkCeremony, readAssertion, sameBytes } from './passkey.ts'
import { type Creation, checkAttestation, readCreation } from './passkey-creation.ts'
import type { AccessProof, ApprovalProof, ClientKeyProof, SessionProof } from './proof.ts'
import {
  type Capability,
  checkSession,
  decodeCapability,
  decodeRenewal,
  type ReadRenewal,
} from './session.ts'
import { SignedTicket } from './ticket.ts'

/** A proof whose bytes were read; nothing is believed yet. */
type ReadProof =
  | { readonly kind: 'passkey'; readonly assertion: Assertion }
  | { readonly kind: 'passkey-create'; readonly creation: Creation }
  | { readonly kind: 'key'; readonly proof: ClientKeyProof }
  | { readonly kind: 'oidc'; readonly proof: OidcProof }
  | {
      readonly kind: 'session'
      readonly proof: SessionProof
      readonly capability: Capability
      readonly renewals: readonly ReadRenewal[]
    }
  | { readonly kind: 'approval'; readonly proof: ApprovalProof }

type Believed =
  | { readonly credentials: readonly ProvenCredential[] }
  | { readonly introduced: CredentialMaterial }
  | { readonly approval: ProvenApproval }

/** Verified where a credential is unknown, so that it takes as long as where it is known. Whatever it verifies is refused. */
const DECOY: ClientKey = {
  kid: 'decoy',
  alg: 'ES256',
  spki: encodeSpki('ES256', p256.Point.BASE.toBytes(false)),
}

/** Credential id of a developer's key (05 §1.1), with the scope where an account stands. */
export const developerKeyId = (scopeId: Uint8Array, { alg, spki }: ClientKey): Uint8Array =>
  credentialIdFor(scopeId, { kind: 'key', alg, spki })

/**
 * Rows 12 and 13 of 05 §3.3 over all proofs of a request, row by row; the first failure wins. Throws
 * `RequestError`: REQ_MALFORMED, {CHALLENGE, ORIGIN, RP}_MISMATCH, USER_VERIFICATION_REQUIRED,
 * OIDC_TOKEN_INVALID, OIDC_KEY_UNKNOWN, SESSION_EXPIRED, SESSION_CAVEAT, AUTH_FAILED. Unknown credential,
 * window, actions, revocation and signature are one AUTH_FAILED, after as many signatures were verified.
 */
export function verifyProofs(proofs: readonly AccessProof[], context: AccessContext): ProofResults {
  const read = proofs.map(readProof)
  for (const proof of read) checkPasskeyRow(proof, context)
  const tokens = new Map<OidcProof, OidcClaims>()
  const { facts, now } = context
  const issuers = context.issuersAt(now)
  for (const one of read) {
    if (one.kind === 'oidc')
      tokens.set(one.proof, checkToken(one.proof, context.core, issuers, now))
    if (one.kind === 'session')
      checkSession(one.capability, one.renewals, context.core, facts, context, now)
  }
  const believed = read.map((one) => believe(one, context, tokens))
  const credentials: ProvenCredential[] = []
  const introduced: CredentialMaterial[] = []
  const approvals: ProvenApproval[] = []
  for (const one of believed) {
    if (one === undefined) throw new RequestError('AUTH_FAILED')
    if ('credentials' in one) credentials.push(...one.credentials)
    else if ('introduced' in one) introduced.push(one.introduced)
    else approvals.push(one.approval)
  }
  return { credentials, introduced, approvals }
}

/** The form of what a proof carries belongs to the form of the request (row 4 of 05 §3.3). */
function readProof(proof: AccessProof): ReadProof {
  try {
    switch (proof.kind) {
      case 'passkey':
        return { kind: proof.kind, assertion: readAssertion(proof) }
      case 'passkey-create':
        return { kind: proof.kind, creation: readCreation(proof) }
      case 'session':
        return {
          kind: proof.kind,
          proof,
          capability: decodeCapability(proof.capability),
          renewals: proof.renewals.map(decodeRenewal),
        }
      case 'key':
        return { kind: proof.kind, proof }
      case 'oidc':
        return { kind: proof.kind, proof }
      case 'approval':
        return { kind: proof.kind, proof }
    }
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new RequestError('REQ_MALFORMED', cause.message, { cause })
  }
}

function checkPasskeyRow(one: ReadProof, { digest, rp }: AccessContext): void {
  if (one.kind !== 'passkey' && one.kind !== 'passkey-create') return
  if (rp === null) throw new RequestError('RP_MISMATCH', 'the scope has no relying party')
  if (one.kind === 'passkey') {
    const { clientData, authenticator } = one.assertion
    checkCeremony('webauthn.get', clientData, authenticator, digest, rp)
  } else {
    const { clientData, authenticator } = one.creation
    checkCeremony('webauthn.create', clientData, authenticator, digest, rp)
  }
}

/** The last part of row 13: credential, window, actions, signature. Undefined where any of them fails. */
function believe(
  one: ReadProof,
  context: AccessContext,
  tokens: ReadonlyMap<OidcProof, OidcClaims>,
): Believed | undefined {
  switch (one.kind) {
    case 'passkey':
      return believePasskey(one.assertion, context)
    case 'passkey-create':
      return believeCreation(one.creation, context)
    case 'key':
      return believeKey(one.proof, context)
    case 'oidc':
      return believeToken(one.proof, tokens.get(one.proof), context)
    case 'session':
      return believeSession(one.proof, one.capability, context)
    case 'approval':
      return believeApproval(one.proof, context)
  }
}

function believePasskey(assertion: Assertion, context: AccessContext): Believed | undefined {
  const found = context.credentials.find(
    (one) => one.kind === 'passkey' && sameBytes(one.credentialId, assertion.credentialId),
  )
  const key =
    found?.kind === 'passkey' ? parseCoseKey(found.cose) : { ...DECOY, alg: 'ES256' as const }
  const isSigned = context.verifier.passkey(key, assertion.signedBytes, assertion.signature)
  if (found === undefined || !isSigned || !isUsable(found, context)) return undefined
  const { signCount } = assertion.authenticator
  return { credentials: [{ id: found.id, kind: found.kind, roles: found.roles, signCount }] }
}

function believeCreation(
  creation: Creation,
  { rp, verifier }: AccessContext,
): Believed | undefined {
  if (rp === null) return undefined
  checkAttestation(creation, rp, verifier)
  const { attested, authenticator, transports } = creation
  const { credentialId, cose, aaguid } = attested
  const { backupEligible } = authenticator
  return {
    introduced: {
      kind: 'passkey',
      credentialId,
      cose,
      rpId: rp.id,
      aaguid,
      backupEligible,
      transports,
    },
  }
}

/** A credential of the account by its id, else a key of the scope's developers by its kid. */
function believeKey(proof: ClientKeyProof, context: AccessContext): Believed | undefined {
  const own = context.credentials.find(
    (one) => one.kind === 'key' && uuidText(one.id) === proof.kid,
  )
  const developer = context.developerKeys.find(({ kid }) => kid === proof.kid)
  const key = own?.kind === 'key' ? own : (developer ?? DECOY)
  const message = keyProofMessage(key.alg, context.core, context.digest)
  if (!context.verifier.client(key, message, proof.signature)) return undefined
  if (own !== undefined)
    return isUsable(own, context)
      ? { credentials: [{ id: own.id, kind: own.kind, roles: own.roles }] }
      : undefined
  if (developer === undefined || !isDeveloperUsable(developer, context)) return undefined
  const id = developerKeyId(context.core.scopeId, developer)
  return { credentials: [{ id, kind: 'key', roles: ['developer'] }] }
}

function believeToken(
  proof: OidcProof,
  claims: OidcClaims | undefined,
  context: AccessContext,
): Believed | undefined {
  if (claims === undefined) throw new Error('bug: a token whose claims were not checked')
  const isIssued = isSignedByIssuer(claims.jwt, claims.key, context.verifier)
  const message = taggedMessage('oidc', context.digest)
  const isSigned = context.verifier.client(proof.clientKey, message, proof.signature)
  const subjectHash = oidcSubjectHash(context.pepper, claims.issuer, claims.sub)
  const found = context.credentials.find(
    (one) =>
      one.kind === 'oidc' &&
      one.issuer === claims.issuer &&
      sameBytes(one.subjectHash, subjectHash),
  )
  if (!isIssued || !isSigned || found === undefined || !isUsable(found, context)) return undefined
  return { credentials: [{ id: found.id, kind: found.kind, roles: found.roles }] }
}

/**
 * A session approves as the credentials that opened it, while all of them stand. The opening is verified
 * as the request that it was, at its own time; whatever fails there is AUTH_FAILED here.
 */
function believeSession(
  proof: SessionProof,
  capability: Capability,
  context: AccessContext,
): Believed | undefined {
  const { id, params } = capability
  const message = taggedMessage('session', context.digest)
  const isSigned = context.verifier.client(params.client, message, proof.signature)
  const openers = openersOf(capability, context)
  const isRevoked =
    params.epoch !== context.sessionEpoch ||
    context.revokedSessions.some((revoked) => sameBytes(revoked, id))
  if (!isSigned || openers === undefined || isRevoked) return undefined
  const session: ProvenSession = {
    id,
    maxCount: params.caveats.maxCount ?? null,
    openedAt: capability.core.iat,
    ticketIat: SignedTicket.decode(capability.ticket).object.iat, // whose ticket it is was checked before
    openers,
  }
  return {
    credentials: openers.map((opener) => ({
      id: opener.id,
      kind: 'session',
      roles: opener.roles,
      session,
    })),
  }
}

function openersOf(
  { core, id, proofs }: Capability,
  context: AccessContext,
): readonly ProvenCredential[] | undefined {
  const then: AccessContext = {
    ...context,
    core,
    digest: id,
    intentDigest: null,
    asks: 'session.open',
    now: core.iat,
  }
  try {
    const { credentials } = verifyProofs(proofs, then)
    return credentials.every((one) => isStanding(one.id, context)) ? credentials : undefined
  } catch (error) {
    if (error instanceof RequestError) return undefined
    throw error
  }
}

/** Whether a credential that opened a session could approve this request itself: a session widens nothing. */
function isStanding(id: Uint8Array, context: AccessContext): boolean {
  const own = context.credentials.find((one) => sameBytes(one.id, id))
  if (own !== undefined) return isUsable(own, context)
  const developer = context.developerKeys.find((key) =>
    sameBytes(developerKeyId(context.core.scopeId, key), id),
  )
  return developer !== undefined && isDeveloperUsable(developer, context)
}

function believeApproval(proof: ApprovalProof, context: AccessContext): Believed | undefined {
  const { id, decision, exp, signature } = proof
  const approver = context.approvers.find((one) => one.id === id)
  const said = encodeCanonical([context.digest, context.intentDigest, decision, exp])
  const key = approver?.key ?? DECOY
  const isSigned = context.verifier.client(key, taggedMessage('approval', said), signature)
  if (!isSigned || approver === undefined || context.intentDigest === null) return undefined
  return { approval: { id, decision, exp } }
}

const isUsable = (credential: Credential, { now, asks }: AccessContext): boolean =>
  isInWindow(credential, now) && (credential.actions?.includes(asks) ?? true)

const isDeveloperUsable = (key: DeveloperKey, { now, asks, revoked }: AccessContext): boolean =>
  isInWindow(key, now) && key.actions.includes(asks) && !revoked.includes(key.kid)

const isInWindow = (
  { notBefore = 0, notAfter = Number.MAX_SAFE_INTEGER }: { notBefore?: number; notAfter?: number },
  now: number,
): boolean => notBefore <= now && now < notAfter
