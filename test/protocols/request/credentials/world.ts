import { ed25519 } from '@noble/curves/ed25519.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { signObject } from '../../../../protocols/agreement/objects/signed.ts'
import { uuidText } from '../../../../protocols/request/account-id.ts'
import { toBase64url } from '../../../../protocols/request/base64url.ts'
import { encodeCore, type RequestCore, requestDigest } from '../../../../protocols/request/core.ts'
import type {
  AccessContext,
  DeveloperKey,
} from '../../../../protocols/request/credentials/access-context.ts'
import {
  keyProofMessage,
  taggedMessage,
} from '../../../../protocols/request/credentials/client-key.ts'
import {
  type Credential,
  type CredentialMaterial,
  credentialIdFor,
} from '../../../../protocols/request/credentials/credential.ts'
import type { IssuerKey } from '../../../../protocols/request/credentials/jwks.ts'
import {
  type OidcProof,
  oidcNonce,
  oidcSubjectHash,
} from '../../../../protocols/request/credentials/oidc.ts'
import type {
  ApprovalProof,
  ClientKeyProof,
  OpeningProof,
  SessionProof,
} from '../../../../protocols/request/credentials/proof.ts'
import type { RelyingParty } from '../../../../protocols/request/credentials/relying-party.ts'
import {
  encodeCapability,
  encodeRenewal,
  OPEN_METHOD,
  RENEW_METHOD,
} from '../../../../protocols/request/credentials/session.ts'
import { PURE_VERIFIER } from '../../../../protocols/request/credentials/signature-verifier.ts'
import {
  SignedTicket,
  Ticket,
  ticketHash,
} from '../../../../protocols/request/credentials/ticket.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { seeded } from '../../../support/seeded.ts'
import { ORIGIN, passkey, RP_ID, type Signer, signer, type TestPasskey } from './actors.ts'

export const NOW = 1_800_000_060
export const NETWORK: Uint8Array = new Uint8Array(32).fill(0x11)
export const SCOPE: Uint8Array = new Uint8Array(16).fill(0x22)
export const ACCOUNT: Uint8Array = new Uint8Array(16).fill(0x33)
export const PEPPER: Uint8Array = seeded('pepper')(32)
export const ISSUER = 'https://id.example'
export const AUDIENCE = 'client-1'
const GUEST_SECRET = seeded('guest 2')(32)
export const GUEST_KEYS = (member: number): Uint8Array | undefined =>
  member === 2 ? ed25519.getPublicKey(GUEST_SECRET) : undefined

export const CORE: RequestCore = {
  networkId: NETWORK,
  scopeId: SCOPE,
  accountId: ACCOUNT,
  method: 'personal_sign',
  params: ['0x68656c6c6f', '0x00000000000000000000000000000000000000aa'],
  nonce: new Uint8Array(16).fill(0x44),
  iat: NOW - 10,
  exp: NOW + 110,
  ticketHash: null,
  head: null,
}
export const digestOf = (core: RequestCore): Uint8Array => requestDigest(encodeCore(core))
export const DIGEST: Uint8Array = digestOf(CORE)

export const RP: RelyingParty = {
  id: RP_ID,
  name: 'Example',
  origins: [ORIGIN, 'https://www.app.example'],
  userVerification: 'required',
  crossOrigin: false,
}

export const alice: TestPasskey = passkey('ES256', 'alice')
export const aliceKey: Signer = signer('EdDSA', 'alice')
export const dora: Signer = signer('ES256', 'dora')
export const phone: Signer = signer('ES256', 'phone')
export const issuerSigner: Signer = signer('RS256', 'issuer')
export const boss: Signer = signer('EdDSA', 'boss')

export function credential(
  material: CredentialMaterial,
  more: Partial<Credential> = {},
): Credential {
  const base = { id: credentialIdFor(ACCOUNT, material), label: material.kind, roles: ['user'] }
  return { ...base, ...material, ...more } as Credential
}

export const passkeyCredential = (of: TestPasskey, more: Partial<Credential> = {}): Credential =>
  credential(
    {
      kind: 'passkey',
      credentialId: of.credentialId,
      cose: of.cose,
      rpId: RP_ID,
      aaguid: of.aaguid,
      backupEligible: true,
      transports: [],
    },
    more,
  )
export const keyCredential = ({ key }: Signer, more: Partial<Credential> = {}): Credential =>
  credential({ kind: 'key', alg: key.alg, spki: key.spki }, more)
export const oidcCredential: Credential = credential({
  kind: 'oidc',
  issuer: ISSUER,
  subjectHash: oidcSubjectHash(PEPPER, ISSUER, 'alice'),
})
export const developer: DeveloperKey = {
  ...dora.key,
  notBefore: NOW - 100_000,
  notAfter: NOW + 1000,
  actions: ['sign.message', 'session.open'],
}

export const issuerKey: IssuerKey = { kid: 'k1', algs: ['RS256'], spki: issuerSigner.key.spki }

export const CONTEXT: AccessContext = {
  core: CORE,
  digest: DIGEST,
  intentDigest: new Uint8Array(32).fill(7),
  asks: 'sign.message',
  facts: { caip2: 'eip155:1', keyId: new Uint8Array(32).fill(8), value: 0n },
  now: NOW,
  rp: RP,
  developerKeys: [developer],
  revoked: [],
  issuersAt: () => [
    {
      issuer: { issuer: ISSUER, audiences: [AUDIENCE], algs: ['RS256', 'ES256'], maxAge: 600 },
      keys: [issuerKey],
    },
  ],
  approvers: [{ id: 'boss', key: boss.key }],
  pepper: PEPPER,
  guestKeys: GUEST_KEYS,
  verifier: PURE_VERIFIER,
  credentials: [passkeyCredential(alice), keyCredential(aliceKey), oidcCredential],
  sessionEpoch: 0,
  revokedSessions: [],
}

/** The `key` proof of a credential of the account. */
export const accountProof = (who: Signer, core: RequestCore = CORE): ClientKeyProof => ({
  kind: 'key',
  kid: uuidText(keyCredential(who).id),
  signature: who.sign(keyProofMessage(who.key.alg, core, digestOf(core))),
})
export const developerProof = (who: Signer, core: RequestCore = CORE): ClientKeyProof => ({
  kind: 'key',
  kid: who.key.kid,
  signature: who.sign(keyProofMessage(who.key.alg, core, digestOf(core))),
})

export interface TokenChanges {
  readonly header?: object
  readonly claims?: object
  readonly signer?: Signer
  readonly token?: (token: string) => string
  readonly client?: Signer
  readonly proof?: Partial<OidcProof>
  /** Text of the claims in place of their JSON. */
  readonly body?: string
}

/** An identity token and the client key it is bound to. */
export function oidcProof(changes: TokenChanges = {}, core: RequestCore = CORE): OidcProof {
  const client = changes.client ?? phone
  const bound = { clientKey: phone.key, maxExp: NOW + 3600, rand: new Uint8Array(16).fill(3) }
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'alice',
    iat: NOW - 60,
    exp: NOW + 240,
    nonce: oidcNonce(core.networkId, core.scopeId, bound),
    ...changes.claims,
  }
  const part = (text: string): string => toBase64url(utf8ToBytes(text))
  const header = { alg: 'RS256', kid: 'k1', typ: 'JWT', ...changes.header }
  const signed = `${part(JSON.stringify(header))}.${part(changes.body ?? JSON.stringify(claims))}`
  const signature = (changes.signer ?? issuerSigner).sign(utf8ToBytes(signed))
  const token = `${signed}.${toBase64url(signature)}`
  return {
    kind: 'oidc',
    idToken: changes.token?.(token) ?? token,
    ...bound,
    signature: client.sign(taggedMessage('oidc', digestOf(core))),
    ...changes.proof,
  }
}

/** A ticket of guest 2. */
export function ticketFor(
  purpose: string,
  iat: number,
  more: Partial<Ticket> = {},
): { bytes: Uint8Array; hash: Uint8Array } {
  const object: Ticket = {
    network: NETWORK,
    scope: SCOPE,
    purpose,
    nonce: new Uint8Array(16).fill(5),
    iat,
    exp: iat + 300,
    guest: 2,
    ...more,
  }
  const signed = signObject(Ticket, object, NETWORK, (message) =>
    ed25519.sign(message, GUEST_SECRET),
  )
  return { bytes: SignedTicket.encode(signed), hash: ticketHash(signed) }
}

export interface SessionChanges {
  readonly openedAt?: number
  readonly params?: object
  readonly core?: Partial<RequestCore>
  readonly ticket?: { bytes: Uint8Array; hash: Uint8Array }
  readonly opener?: (core: RequestCore) => readonly OpeningProof[]
  readonly renewedAt?: readonly number[]
  readonly renewal?: { client?: Signer; core?: Partial<RequestCore>; ticketAt?: number }
  readonly client?: Signer
}

/** A session that alice's passkey opened for her phone, and its proof for `core`. */
export function sessionProof(changes: SessionChanges = {}, core: RequestCore = CORE): SessionProof {
  const openedAt = changes.openedAt ?? NOW - 3600
  const ticket = changes.ticket ?? ticketFor('session', openedAt - 5)
  const { kid, alg, spki } = phone.key
  const opening: RequestCore = {
    ...CORE,
    method: OPEN_METHOD,
    params: { client: { kid, alg, spki: toBase64url(spki) }, ...changes.params },
    iat: openedAt,
    exp: openedAt + 120,
    ticketHash: ticket.hash,
    ...changes.core,
  }
  const id = digestOf(opening)
  const proofs = changes.opener?.(opening) ?? [alice.approve(id)]
  const renewals = (changes.renewedAt ?? []).map((at) => {
    const renewalTicket = ticketFor('renewal', changes.renewal?.ticketAt ?? at - 5)
    const renewal: RequestCore = {
      ...CORE,
      method: RENEW_METHOD,
      params: { session: toBase64url(id) },
      iat: at,
      exp: at + 120,
      ticketHash: renewalTicket.hash,
      ...changes.renewal?.core,
    }
    const by = changes.renewal?.client ?? phone
    const signature = by.sign(taggedMessage('session', digestOf(renewal)))
    return encodeRenewal({ core: renewal, ticket: renewalTicket.bytes, signature })
  })
  return {
    kind: 'session',
    capability: encodeCapability({ core: opening, proofs, ticket: ticket.bytes }),
    renewals,
    signature: (changes.client ?? phone).sign(taggedMessage('session', digestOf(core))),
  }
}

export const approvalProof = (
  decision: 'allow' | 'deny' = 'allow',
  changes: Partial<ApprovalProof> = {},
  by: Signer = boss,
): ApprovalProof => {
  const exp = NOW + 60
  const said = encodeCanonical([DIGEST, CONTEXT.intentDigest, decision, exp])
  const signature = by.sign(taggedMessage('approval', said))
  return { kind: 'approval', id: 'boss', decision, exp, signature, ...changes }
}
