import type { DeveloperKey } from '../credentials/access-context.ts'
import type { ClientKey } from '../credentials/client-key.ts'
import type { OidcIssuer } from '../credentials/oidc.ts'
import type { RelyingParty } from '../credentials/relying-party.ts'
import type { PolicyDoc } from '../policy/policy-document.ts'

/** Rules of one application for all its accounts (05 §1.2), one version of them. */
export interface Scope {
  readonly v: 1
  /** 16 bytes, the same in every version. */
  readonly id: Uint8Array
  /** 32 bytes. */
  readonly network: Uint8Array
  readonly version: number
  /** Hash of the last version, 32 bytes; null in version 1. */
  readonly previous: Uint8Array | null
  readonly environment: 'development' | 'production'
  readonly name: string
  readonly owners: { readonly threshold: number; readonly keys: readonly ClientKey[] }
  readonly profiles: readonly ('network' | 'device')[]
  readonly registration: {
    readonly mode: 'open' | 'developer' | 'closed'
    readonly maxAccounts?: number
  }
  readonly rp?: RelyingParty
  readonly developerKeys: readonly DeveloperKey[]
  readonly oidc: readonly OidcIssuer[]
  readonly policy: PolicyDoc
  /** How existing accounts come under a new version. */
  readonly adopt: { readonly mode: 'consent' | 'delay'; readonly seconds: number }
  readonly recovery: {
    readonly means: readonly ('code' | 'social' | 'guardians' | 'pin' | 'developer')[]
    readonly delays?: { readonly [means: string]: number }
    readonly minGuardians?: number
  }
  readonly export: { readonly allowed: boolean; readonly delay: number }
  /** By CAIP-2 name. */
  readonly chains: {
    readonly [caip2: string]: { readonly rpc: readonly string[]; readonly batchDelegate?: string }
  }
  readonly fetchAllow: readonly string[]
  readonly approvers: readonly {
    readonly id: string
    readonly url: string
    readonly key: ClientKey
    readonly timeout: number
  }[]
  readonly webhooks: readonly {
    readonly id: string
    readonly url: string
    readonly events: readonly string[]
    readonly secretId: string
  }[]
  readonly frozen: boolean
  /** Kids of developers' keys. */
  readonly revoked: readonly string[]
}
