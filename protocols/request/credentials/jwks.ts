import { concatBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'
import { fromBase64url } from '../base64url.ts'
import { parseJsonText } from '../intents/json-text.ts'
import { isPlainObject, type JsonValue } from '../json-value.ts'
import { encodeSpki } from '../spki.ts'
import type { ClientAlgorithm } from './client-key.ts'
import { encodeRsaSpki, rsaKey } from './rsa.ts'

/** Signatures of identity tokens that may be accepted; `none` and HMAC are not among them (05 §2.2). */
export const TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number] & ClientAlgorithm

/** One key of an issuer, for the algorithms it may be used with. */
export interface IssuerKey {
  readonly kid: string
  readonly algs: readonly TokenAlgorithm[]
  readonly spki: Uint8Array
}

/** Keys of an issuer as a certified entry of the scope's log holds them (05 §2.2). */
export const MAX_JWKS_BYTES: number = 64 * 1024
const MAX_KEYS = 64
const MAX_KID_CHARS = 128

/**
 * The keys of a JWK set (RFC 7517) that can verify tokens. Keys for other uses or of other types are
 * passed over, as RFC 7517 §5 asks; a key of a type in use that is malformed, or a kid that occurs twice,
 * is a `DecodeError`.
 */
export function parseJwks(text: string): IssuerKey[] {
  if (text.length > MAX_JWKS_BYTES) throw new DecodeError('the key set is too long')
  const set = parseJsonText(text)
  const keys = isPlainObject(set) ? set['keys'] : undefined
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new DecodeError('not a JWK set')
  const found = keys.flatMap((jwk: JsonValue) => {
    const key = parseJwk(jwk)
    return key === undefined ? [] : [key]
  })
  if (new Set(found.map(({ kid }) => kid)).size !== found.length)
    throw new DecodeError('a kid occurs twice in a JWK set')
  return found
}

function parseJwk(jwk: unknown): IssuerKey | undefined {
  if (!isPlainObject(jwk)) throw new DecodeError('a JWK is an object')
  const { kty, kid, use, alg, crv } = jwk
  if (use !== undefined && use !== 'sig') return undefined
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > MAX_KID_CHARS) return undefined
  const number = (name: string): Uint8Array => {
    const value = jwk[name]
    if (typeof value !== 'string') throw new DecodeError(`a JWK lacks ${name}`)
    return fromBase64url(value)
  }
  const key = (algs: readonly TokenAlgorithm[], spki: () => Uint8Array): IssuerKey | undefined => {
    const usable = alg === undefined ? algs : algs.filter((one) => one === alg)
    return usable.length === 0 ? undefined : { kid, algs: usable, spki: spki() }
  }
  if (kty === 'RSA')
    return key(['RS256', 'PS256'], () => encodeRsaSpki(rsaKey(number('n'), number('e'))))
  if (kty === 'EC' && crv === 'P-256')
    return key(['ES256'], () =>
      encodeSpki('ES256', concatBytes(Uint8Array.of(4), number('x'), number('y'))),
    )
  if (kty === 'OKP' && crv === 'Ed25519')
    return key(['EdDSA'], () => encodeSpki('EdDSA', number('x')))
  return undefined
}
