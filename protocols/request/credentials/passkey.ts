import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'
import { RequestError } from '../errors.ts'
import { verifyMessage } from '../proofs.ts'
import { parseSpki } from '../spki.ts'
import { type AuthenticatorData, parseAuthenticatorData } from './authenticator-data.ts'
import { type ClientData, parseClientData } from './client-data.ts'
import type { PasskeyKey } from './cose-key.ts'
import type { RelyingParty } from './relying-party.ts'
import { parseRsaSpki, verifyRs256 } from './rsa.ts'

/** A passkey's approval of a request, as bytes (05 §2.2, `passkey`). Results of extensions never travel. */
export interface PasskeyProof {
  readonly kind: 'passkey'
  readonly credentialId: Uint8Array
  readonly authenticatorData: Uint8Array
  readonly clientDataJSON: Uint8Array
  readonly signature: Uint8Array
}

/** An assertion whose bytes were read once; later steps look at these values only. */
export interface Assertion {
  readonly credentialId: Uint8Array
  readonly clientData: ClientData
  readonly authenticator: AuthenticatorData
  /** What the authenticator signed: its data and the hash of the client's. */
  readonly signedBytes: Uint8Array
  readonly signature: Uint8Array
}

/** Throws `DecodeError` for malformed data, and for an assertion that carries a new credential. */
export function readAssertion(proof: PasskeyProof): Assertion {
  const authenticator = parseAuthenticatorData(proof.authenticatorData)
  if (authenticator.attested !== null) throw new DecodeError('an assertion with a new credential')
  return {
    credentialId: proof.credentialId,
    clientData: parseClientData(proof.clientDataJSON),
    authenticator,
    signedBytes: concatBytes(proof.authenticatorData, sha256(proof.clientDataJSON)),
    signature: proof.signature,
  }
}

/**
 * Row 12 of 05 §3.3 in its order: type, challenge, origin, crossOrigin, rpIdHash, UP, UV, BS only with BE.
 * Throws CHALLENGE_MISMATCH, ORIGIN_MISMATCH, RP_MISMATCH or USER_VERIFICATION_REQUIRED.
 */
export function checkCeremony(
  type: 'webauthn.get' | 'webauthn.create',
  clientData: ClientData,
  authenticator: AuthenticatorData,
  digest: Uint8Array,
  rp: RelyingParty,
): void {
  if (clientData.type !== type) throw new RequestError('CHALLENGE_MISMATCH', 'another ceremony')
  if (!sameBytes(clientData.challenge, digest)) throw new RequestError('CHALLENGE_MISMATCH')
  if (!rp.origins.includes(clientData.origin)) throw new RequestError('ORIGIN_MISMATCH')
  if (!isFramedWell(clientData, rp))
    throw new RequestError('ORIGIN_MISMATCH', 'inside a frame of another origin')
  if (!sameBytes(authenticator.rpIdHash, sha256(utf8ToBytes(rp.id))))
    throw new RequestError('RP_MISMATCH')
  const { userPresent, userVerified, backupEligible, backedUp } = authenticator
  if (!userPresent) throw new RequestError('USER_VERIFICATION_REQUIRED', 'no user was present')
  if (!userVerified) throw new RequestError('USER_VERIFICATION_REQUIRED')
  if (backedUp && !backupEligible)
    throw new RequestError('USER_VERIFICATION_REQUIRED', 'flags that contradict each other')
}

/** A frame names the page around it, and only where the scope lists that page. */
function isFramedWell({ crossOrigin, topOrigin }: ClientData, rp: RelyingParty): boolean {
  if (!crossOrigin) return topOrigin === null
  return rp.crossOrigin !== false && topOrigin !== null && rp.crossOrigin.includes(topOrigin)
}

/**
 * Whether this key signed these bytes in the form of WebAuthn (§6.5.5): strict DER for ES256, with either
 * s, because authenticators do not normalise it; 64 bytes for EdDSA; PKCS #1 for RS256.
 */
export function verifyPasskeySignature(
  { alg, spki }: PasskeyKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (alg === 'EdDSA') return verifyMessage(alg, spki, message, signature)
  try {
    if (alg === 'RS256') return verifyRs256(parseRsaSpki(spki), message, signature)
    const options = { prehash: false, format: 'der', lowS: false } as const
    return p256.verify(signature, sha256(message), parseSpki(alg, spki), options)
  } catch {
    return false // a key or a signature that is none: noble throws for bytes that are no DER
  }
}

/** Whether a counter that ever moved did not move on: an event, never a refusal (05 §3.3). */
export const counterFell = (last: number, now: number): boolean =>
  (last !== 0 || now !== 0) && now <= last

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
