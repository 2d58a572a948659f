import type { RequestCore } from '../core.ts'
import type { PolicyClass } from '../method-class.ts'
import type { ClientKey } from './client-key.ts'
import type { Credential, CredentialMaterial, Role } from './credential.ts'
import type { IssuerState } from './oidc.ts'
import type { ApprovalProof } from './proof.ts'
import type { RelyingParty } from './relying-party.ts'
import type { RequestFacts } from './session.ts'
import type { Verification } from './signature-verifier.ts'

/** A key of the developers of a scope (05 §1.2). */
export type DeveloperKey = ClientKey & {
  readonly notBefore: number
  readonly notAfter: number
  readonly actions: readonly PolicyClass[]
}

/** A named approver of a scope (05 §1.2). */
export interface Approver {
  readonly id: string
  readonly key: ClientKey
}

/** All that guests agree on before they look at proofs. */
export interface AccessContext extends Verification {
  readonly core: RequestCore
  /** Of the core, computed by this guest. */
  readonly digest: Uint8Array
  readonly intentDigest: Uint8Array | null
  /** What the request asks for, of which credentials may be kept away. */
  readonly asks: PolicyClass
  readonly facts: RequestFacts
  /** The agreed time, unix seconds. */
  readonly now: number
  readonly rp: RelyingParty | null
  readonly developerKeys: readonly DeveloperKey[]
  /** Kids that the newest scope revoked. */
  readonly revoked: readonly string[]
  /** Issuers that the scope trusts, with the sets of keys that were certified at a time (unix seconds). */
  readonly issuersAt: (time: number) => readonly IssuerState[]
  readonly approvers: readonly Approver[]
  /** 32 bytes, of the scope. */
  readonly pepper: Uint8Array
  /** Of the account; empty where there is none. */
  readonly credentials: readonly Credential[]
  readonly sessionEpoch: number
  /** Ids of sessions that were revoked one by one. */
  readonly revokedSessions: readonly Uint8Array[]
}

/** A credential whose approval of this one digest was verified. */
export interface ProvenCredential {
  /** 16 bytes: of the credential, or of a developer's key. */
  readonly id: Uint8Array
  readonly kind: Credential['kind'] | 'session'
  readonly roles: readonly Role[]
  /** Of a passkey: what it counted, for the event of a counter that fell. */
  readonly signCount?: number
  /** Of a session, and only of one. */
  readonly session?: ProvenSession
}

/** A session whose client key signed this digest. */
export interface ProvenSession {
  /** Digest of the request that opened it. */
  readonly id: Uint8Array
  /** Requests in all, for the lane to count; null without that caveat. */
  readonly maxCount: number | null
  /** Unix seconds. */
  readonly openedAt: number
  /** When the ticket of its opening was issued. */
  readonly ticketIat: number
  /** The credentials that signed the opening. Whether they were enough is the policy's question. */
  readonly openers: readonly ProvenCredential[]
}

/** A verified word of an approver; whether it is in time is the policy's question. */
export type ProvenApproval = Pick<ApprovalProof, 'id' | 'decision' | 'exp'>

export interface ProofResults {
  readonly credentials: readonly ProvenCredential[]
  /** Passkeys that this request brings; they approve nothing themselves. */
  readonly introduced: readonly CredentialMaterial[]
  readonly approvals: readonly ProvenApproval[]
}
