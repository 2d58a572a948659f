import { utf8ToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'
import { fromBase64url } from '../base64url.ts'
import { parseJsonText } from '../intents/json-text.ts'
import { isPlainObject, type JsonValue } from '../json-value.ts'
import { utf8Text } from './client-data.ts'
import { type IssuerKey, TOKEN_ALGORITHMS, type TokenAlgorithm } from './jwks.ts'
import type { SignatureVerifier } from './signature-verifier.ts'

/** A signed token in compact form (RFC 7515 §7.1), taken apart and not yet believed. */
export interface Jwt {
  readonly alg: TokenAlgorithm
  readonly kid: string
  readonly claims: { readonly [name: string]: JsonValue }
  readonly signedBytes: Uint8Array
  readonly signature: Uint8Array
}

/** Tokens with many groups in them reach some kilobytes. */
export const MAX_TOKEN_CHARS: number = 16 * 1024

/**
 * Reads a token strictly: three parts of canonical base64url, header and claims JSON without repeated
 * names, an algorithm of the list, a kid, no critical extension. What a header says of where keys lie
 * (`jku`, `jwk`, `x5u`, `x5c`) is ignored. Throws `DecodeError`.
 */
export function parseJwt(token: string): Jwt {
  if (token.length > MAX_TOKEN_CHARS) throw new DecodeError('the token is too long')
  const [head = '', body = '', signature = '', ...rest] = token.split('.')
  if (rest.length > 0 || head === '' || body === '' || signature === '')
    throw new DecodeError('a signed token has three parts')
  const header = jsonObject(head)
  const { alg, kid, typ, crit } = header
  if (!isTokenAlgorithm(alg)) throw new DecodeError('an algorithm that is not accepted')
  if (typeof kid !== 'string') throw new DecodeError('a token that names no key')
  if (typ !== undefined && (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT'))
    throw new DecodeError('a token of another type')
  if (crit !== undefined) throw new DecodeError('critical extensions are not known')
  return {
    alg,
    kid,
    claims: jsonObject(body),
    signedBytes: utf8ToBytes(`${head}.${body}`),
    signature: fromBase64url(signature),
  }
}

/** Whether the issuer's key signed the token. The key decides which algorithms it may be used with. */
export const isSignedByIssuer = (
  jwt: Jwt,
  key: IssuerKey,
  { client }: Pick<SignatureVerifier, 'client'>,
): boolean =>
  key.algs.includes(jwt.alg) &&
  client({ alg: jwt.alg, spki: key.spki }, jwt.signedBytes, jwt.signature)

function jsonObject(part: string): { readonly [name: string]: JsonValue } {
  const value = parseJsonText(utf8Text(fromBase64url(part)))
  if (!isPlainObject(value)) throw new DecodeError('a part of a token is no object')
  return value as { readonly [name: string]: JsonValue }
}

const isTokenAlgorithm = (alg: unknown): alg is TokenAlgorithm =>
  TOKEN_ALGORITHMS.some((one) => one === alg)
