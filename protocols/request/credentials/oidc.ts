import { blake3 } from '@noble/hashes/blake3.js'
import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { toBase64url } from '../base64url.ts'
import type { RequestCore } from '../core.ts'
import { RequestError } from '../errors.ts'
import type { JsonValue } from '../json-value.ts'
import type { ClientKey } from './client-key.ts'
import type { IssuerKey, TokenAlgorithm } from './jwks.ts'
import { type Jwt, parseJwt } from './jwt.ts'

/** An identity token bound to a key of the client, which signs the request (05 §2.2, `oidc`). */
export interface OidcProof {
  readonly kind: 'oidc'
  readonly idToken: string
  readonly clientKey: ClientKey
  /** No request that expires later is proved by this token, unix seconds. */
  readonly maxExp: number
  /** 16 bytes, so that issuers see the same nonce only once. */
  readonly rand: Uint8Array
  /** `sign("oidc", digest)` by the client key. */
  readonly signature: Uint8Array
}

/** An issuer that a scope trusts (05 §1.2, `oidc`). */
export interface OidcIssuer {
  /** Compared to the character. */
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly algs: readonly TokenAlgorithm[]
  /** The set itself as JSON text, or where guests read it; either way a certified entry holds it. */
  readonly jwks?: string
  readonly jwksUri?: string
  /** Claims that must have exactly these values. */
  readonly claims?: { readonly [name: string]: string | number | boolean }
  /** Age of a token in seconds. */
  readonly maxAge: number
}

/** Clocks of issuers may be ahead by as much as those of clients (05 §3.3 row 6). */
export const TOKEN_SKEW_SECONDS = 30
/** OpenID Connect Core §2. */
const MAX_SUBJECT_CHARS = 255

/** The nonce that a token must carry (05 §2.2): it names the key, for this scope, and until when. */
export const oidcNonce = (
  networkId: Uint8Array,
  scopeId: Uint8Array,
  { clientKey, maxExp, rand }: Pick<OidcProof, 'clientKey' | 'maxExp' | 'rand'>,
): string => {
  const { kid, alg, spki } = clientKey
  const fields = [networkId, scopeId, { kid, alg, spki }, maxExp, rand]
  return toBase64url(objectHash(objectTags.oidcNonce, encodeCanonical(fields)))
}

/**
 * What an account keeps of a subject: keyed BLAKE3 of [issuer, sub] under the scope's pepper, 32 bytes.
 * The first byte of a canonical list is in no text, so no user name gives the same input (05 §1.1).
 */
export const oidcSubjectHash = (pepper: Uint8Array, issuer: string, sub: string): Uint8Array =>
  blake3(encodeCanonical([issuer, sub]), { key: pepper })

/** What of a token's issuer guests agree on. */
export interface IssuerState {
  readonly issuer: OidcIssuer
  /** The newest certified set (05 §2.2). */
  readonly keys: readonly IssuerKey[]
}

/** A token whose claims hold; its signature is still to be checked. */
export interface OidcClaims {
  readonly jwt: Jwt
  readonly key: IssuerKey
  readonly issuer: string
  readonly sub: string
}

/**
 * The claims of row 13 of 05 §3.3 at the agreed time: form, algorithm, iss, aud (one text), azp, iat, exp,
 * nbf, nonce, sub, claims of the scope; then the key by its kid. Throws OIDC_TOKEN_INVALID, or
 * OIDC_KEY_UNKNOWN for a kid that is not in the newest set: the issuer may just have rotated.
 */
export function checkToken(
  proof: OidcProof,
  core: RequestCore,
  issuers: readonly IssuerState[],
  now: number,
): OidcClaims {
  const jwt = readToken(proof.idToken)
  const { claims } = jwt
  const state = issuers.find(({ issuer }) => issuer.issuer === claims['iss'])
  if (state === undefined) throw invalid('another issuer')
  const { issuer, keys } = state
  if (!issuer.algs.includes(jwt.alg)) throw invalid('an algorithm that the scope does not list')
  const { aud, azp, sub } = claims
  if (typeof aud !== 'string' || !issuer.audiences.includes(aud)) throw invalid('another audience')
  if (azp !== undefined && azp !== aud) throw invalid('made for another party')
  checkTimes(claims, issuer.maxAge, now)
  if (core.exp > proof.maxExp) throw invalid('the request outlives what the token allows')
  if (claims['nonce'] !== oidcNonce(core.networkId, core.scopeId, proof))
    throw invalid('not bound to this client key')
  if (typeof sub !== 'string' || sub.length === 0 || sub.length > MAX_SUBJECT_CHARS)
    throw invalid('no subject')
  for (const [name, value] of Object.entries(issuer.claims ?? {}))
    if (claims[name] !== value) throw invalid('a claim has not the required value')
  const key = keys.find(({ kid }) => kid === jwt.kid)
  if (key === undefined) throw new RequestError('OIDC_KEY_UNKNOWN')
  if (!key.algs.includes(jwt.alg)) throw invalid('the key is for another algorithm')
  return { jwt, key, issuer: issuer.issuer, sub }
}

function checkTimes(
  { iat, exp, nbf }: { readonly [name: string]: JsonValue },
  maxAge: number,
  now: number,
): void {
  if (typeof iat !== 'number' || typeof exp !== 'number') throw invalid('no iat or exp')
  if (iat > now + TOKEN_SKEW_SECONDS) throw invalid('issued in the future')
  if (now - iat > maxAge) throw invalid('too old')
  if (exp <= now) throw invalid('expired')
  if (nbf === undefined) return
  if (typeof nbf !== 'number' || nbf > now + TOKEN_SKEW_SECONDS) throw invalid('not valid yet')
}

function readToken(text: string): Jwt {
  try {
    return parseJwt(text)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new RequestError('OIDC_TOKEN_INVALID', cause.message, { cause })
  }
}

const invalid = (why: string): RequestError => new RequestError('OIDC_TOKEN_INVALID', why)
