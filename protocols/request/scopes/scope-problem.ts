import { bytesToHex } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'
import { parseJwks } from '../credentials/jwks.ts'
import { nodesOf } from '../policy/policy-document.ts'
import type { Scope } from './scope.ts'

/** Recovery in production takes at least as long (05 §7). */
const MIN_PRODUCTION_DELAY = 3600

/** The first rule that a scope breaks as a whole (05 §1.2), in a sentence; undefined where it breaks none. */
export function scopeProblem(scope: Scope): string | undefined {
  const { owners, developerKeys, approvers, oidc, policy, recovery, environment } = scope
  if ((scope.version === 1) !== (scope.previous === null))
    return 'version 1, and no other, has no previous version'
  if (owners.threshold > owners.keys.length) return 'a threshold above the number of owners'
  if (!areDistinct(owners.keys.map(({ kid }) => kid))) return 'two owners of one name'
  if (!areDistinct(owners.keys.map(({ spki }) => bytesToHex(spki)))) return 'an owner twice'
  if (!areDistinct(developerKeys.map(({ kid }) => kid))) return 'two developers of one name'
  if (!areDistinct(developerKeys.map(({ spki }) => bytesToHex(spki)))) return 'a developer twice'
  if (developerKeys.some((key) => key.notBefore >= key.notAfter))
    return 'a developer key that is never valid'
  if (!areDistinct(approvers.map(({ id }) => id))) return 'two approvers of one name'
  if (!areDistinct(oidc.map(({ issuer }) => issuer))) return 'an issuer twice'
  const named = nodesOf(policy).flatMap((node) => ('approval' in node ? [node.approval] : []))
  if (named.some((id) => !approvers.some((one) => one.id === id)))
    return 'a policy that names no approver of the scope'
  if (environment === 'production' && Object.values(recovery.delays ?? {}).some(isShort))
    return 'recovery in production takes an hour at least'
  return issuerProblem(scope) ?? relyingPartyProblem(scope) ?? addressProblem(scope)
}

const isShort = (seconds: number): boolean => seconds < MIN_PRODUCTION_DELAY

function issuerProblem({ oidc }: Scope): string | undefined {
  for (const { jwks, jwksUri } of oidc) {
    if ((jwks === undefined) === (jwksUri === undefined))
      return 'an issuer has its keys or the place where they are'
    try {
      if (jwks !== undefined) parseJwks(jwks)
    } catch (error) {
      if (error instanceof DecodeError) return error.message
      throw error
    }
  }
  return undefined
}

function relyingPartyProblem({ rp, environment }: Scope): string | undefined {
  if (rp === undefined) return undefined
  const around = rp.crossOrigin === false ? [] : rp.crossOrigin
  if (![...rp.origins, ...around].every((origin) => isOrigin(origin, environment)))
    return 'an origin is https, a host and perhaps a port'
  if (!rp.origins.every((origin) => isUnder(new URL(origin).hostname, rp.id)))
    return 'an origin outside the domain of the relying party'
  return undefined
}

function addressProblem(scope: Scope): string | undefined {
  const { environment, fetchAllow, approvers, webhooks, oidc, chains } = scope
  if (!fetchAllow.every((origin) => isOrigin(origin, environment)))
    return 'an origin is https, a host and perhaps a port'
  const urls = [
    ...approvers.map(({ url }) => url),
    ...webhooks.map(({ url }) => url),
    ...oidc.flatMap(({ jwksUri }) => jwksUri ?? []),
    ...Object.values(chains).flatMap(({ rpc }) => rpc),
  ]
  return urls.every((url) => isSafe(url, environment)) ? undefined : 'an address is https'
}

/** The exact text that browsers sign as an origin. */
const isOrigin = (text: string, environment: Scope['environment']): boolean =>
  isSafe(text, environment) && new URL(text).origin === text

/** https; in development also this machine. */
function isSafe(text: string, environment: Scope['environment']): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return protocol === 'https:' || (environment === 'development' && protocol === 'http:' && isLocal)
}

const isUnder = (host: string, domain: string): boolean =>
  host === domain || host.endsWith(`.${domain}`)

const areDistinct = (texts: readonly string[]): boolean => new Set(texts).size === texts.length
