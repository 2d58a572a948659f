import { taggedMessage } from '../../../../protocols/request/credentials/client-key.ts'
import { presetPolicy } from '../../../../protocols/request/policy/preset-policy.ts'
import type { OwnerSignature } from '../../../../protocols/request/scopes/next-scope.ts'
import type { Scope } from '../../../../protocols/request/scopes/scope.ts'
import { scopeHash, scopeIdOf } from '../../../../protocols/request/scopes/scope-document.ts'
import { type Signer, signer } from '../credentials/actors.ts'
import { boss, developer, NETWORK, RP } from '../credentials/world.ts'

export const olga: Signer = signer('EdDSA', 'olga')
export const otto: Signer = signer('ES256K', 'otto')
export const oskar: Signer = signer('EIP191', 'oskar')

const FIRST: Omit<Scope, 'id'> = {
  v: 1,
  network: NETWORK,
  version: 1,
  previous: null,
  environment: 'production',
  name: 'Example',
  owners: { threshold: 2, keys: [olga.key, otto.key, oskar.key] },
  profiles: ['network'],
  registration: { mode: 'open' },
  rp: RP,
  developerKeys: [developer],
  oidc: [
    {
      issuer: 'https://id.example',
      audiences: ['client-1'],
      algs: ['RS256'],
      jwksUri: 'https://id.example/keys',
      maxAge: 600,
    },
  ],
  policy: presetPolicy('hybrid'),
  adopt: { mode: 'delay', seconds: 86_400 },
  recovery: { means: ['code'] },
  export: { allowed: false, delay: 86_400 },
  chains: { 'eip155:1': { rpc: ['https://rpc.example'] } },
  fetchAllow: [],
  approvers: [{ id: 'boss', url: 'https://boss.example/sign', key: boss.key, timeout: 30 }],
  webhooks: [],
  frozen: false,
  revoked: [],
}

/** Version 1 of a scope, changed, with the id that it then has. */
export function firstScope(change: Partial<Scope> = {}): Scope {
  const first = { ...FIRST, ...change }
  return { ...first, id: scopeIdOf(first) }
}

export const following = (last: Scope, change: Partial<Scope> = {}): Scope => ({
  ...last,
  version: last.version + 1,
  previous: scopeHash(last),
  ...change,
})

export const signatures = (scope: Scope, ...owners: readonly Signer[]): OwnerSignature[] =>
  owners.map(({ key, sign }) => ({
    kid: key.kid,
    signature: sign(taggedMessage('scope', scopeHash(scope))),
  }))
