import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { decodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { RequestError } from '../errors.ts'
import { isPlainObject } from '../json-value.ts'
import {
  type AttestedCredential,
  type AuthenticatorData,
  parseAuthenticatorData,
} from './authenticator-data.ts'
import { type ClientData, parseClientData } from './client-data.ts'
import { COSE_ALGORITHMS } from './cose-key.ts'
import { sameBytes } from './passkey.ts'
import type { RelyingParty } from './relying-party.ts'
import type { SignatureVerifier } from './signature-verifier.ts'

/** A new passkey that approves the request which registers it (05 §2.2, `passkey-create`). */
export interface PasskeyCreationProof {
  readonly kind: 'passkey-create'
  readonly clientDataJSON: Uint8Array
  readonly attestationObject: Uint8Array
  /** What the browser says of ways to reach it: hints, at most 8. */
  readonly transports: readonly string[]
}

/** A creation whose bytes were read once. */
export interface Creation {
  readonly clientData: ClientData
  readonly authenticator: AuthenticatorData
  readonly attested: AttestedCredential
  readonly format: string
  readonly statement: Readonly<Record<string, unknown>>
  readonly signedBytes: Uint8Array
  readonly transports: readonly string[]
}

/** Authenticator data and a statement with a chain of certificates. */
export const MAX_ATTESTATION_BYTES: number = 16 * 1024
const STATEMENT_DEPTH = 4

/** Throws `DecodeError` for anything but one attestation object in the canonical CBOR of CTAP2. */
export function readCreation(proof: PasskeyCreationProof): Creation {
  const object = decodeCanonical(proof.attestationObject, MAX_ATTESTATION_BYTES, STATEMENT_DEPTH)
  if (!isPlainObject(object)) throw new DecodeError('no attestation object')
  const { fmt, attStmt, authData, ...rest } = object
  if (typeof fmt !== 'string' || !isPlainObject(attStmt) || !(authData instanceof Uint8Array))
    throw new DecodeError('no attestation object')
  if (Object.keys(rest).length > 0) throw new DecodeError('unknown members of an attestation')
  const authenticator = parseAuthenticatorData(authData)
  const { attested } = authenticator
  if (attested === null) throw new DecodeError('an attestation without a credential')
  return {
    clientData: parseClientData(proof.clientDataJSON),
    authenticator,
    attested,
    format: fmt,
    statement: attStmt,
    signedBytes: concatBytes(authData, sha256(proof.clientDataJSON)),
    transports: proof.transports,
  }
}

/**
 * The policy on attestations (05 §2.2). Formats are none and packed by the credential's own key; every
 * other format counts as none, since no chain of certificates is verified. Where the scope lists models,
 * only those may register, and a format that cannot be verified is refused. Throws AUTH_FAILED.
 */
export function checkAttestation(
  creation: Creation,
  rp: RelyingParty,
  verifier: Pick<SignatureVerifier, 'passkey'>,
): void {
  const { attested, format, statement } = creation
  if (format === 'none' && Object.keys(statement).length > 0)
    throw new RequestError('AUTH_FAILED', 'an attestation of format none says something')
  const isSelf = format === 'packed' && !('x5c' in statement)
  if (isSelf && !isSelfAttested(creation, verifier))
    throw new RequestError('AUTH_FAILED', 'the attestation does not verify')
  if (rp.aaguids === undefined) return
  if (format !== 'none' && !isSelf)
    throw new RequestError('AUTH_FAILED', 'an attestation format that is not supported')
  if (!rp.aaguids.some((aaguid) => sameBytes(aaguid, attested.aaguid)))
    throw new RequestError('AUTH_FAILED', 'a model that the scope does not list')
}

/** Packed self attestation: the new key signs its own data, under the algorithm it has (WebAuthn §8.2). */
function isSelfAttested(
  { statement, attested, signedBytes }: Creation,
  verifier: Pick<SignatureVerifier, 'passkey'>,
): boolean {
  const { alg, sig, ...rest } = statement
  return (
    alg === COSE_ALGORITHMS[attested.key.alg] &&
    sig instanceof Uint8Array &&
    Object.keys(rest).length === 0 &&
    verifier.passkey(attested.key, signedBytes, sig)
  )
}
