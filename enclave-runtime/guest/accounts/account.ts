import {
  bytesField,
  listField,
  objectFields,
  textField,
} from '../../../protocols/agreement/fields.ts'
import {
  decodeKeyCertificate,
  encodeKeyCertificate,
  type KeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import { credentialIdOf } from '../../../protocols/request/account-id.ts'
import { addressOf } from '../../../protocols/request/ethereum-address.ts'
import type { PublicKey } from '../../../protocols/request/proofs.ts'
import { parseSpki } from '../../../protocols/request/spki.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { type DerivedKey, derive } from '../../../protocols/sign/bip32.ts'

/** The Ethereum key of an account below its generated key: 44/60/0/0/0, nothing hardened (05 §1.5). */
export const ETHEREUM_PATH: readonly number[] = [44, 60, 0, 0, 0]
const MAX_ACCOUNT_BYTES = 70 * 1024 // a certificate of 64 KiB and a credential
const MAX_KID_CHARS = 128
const ALGORITHMS = ['ES256', 'EdDSA', 'ES256K'] as const

/** Who may approve, and the key that signs. Nothing here is secret. */
export interface Account {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** Digest of the request that made it, 32 bytes. */
  readonly digest: Uint8Array
  readonly credential: PublicKey
  readonly credentialId: Uint8Array
  /** Verified before an account comes to be. */
  readonly certificate: KeyCertificate
  /** The Ethereum key. */
  readonly derived: DerivedKey
  /** EIP-55. */
  readonly address: string
}

/** An account from what it is made of; throws for a certificate whose key has no Ethereum key below it. */
export function accountOf(
  id: Uint8Array,
  digest: Uint8Array,
  credential: PublicKey,
  certificate: KeyCertificate,
): Account {
  const derived = derive(certificate.publicKey, certificate.chainCode, ETHEREUM_PATH)
  const address = addressOf(derived.publicKey)
  const credentialId = credentialIdOf(id, credential)
  return { id, digest, credential, credentialId, certificate, derived, address }
}

export const encodeCredential = ({ kid, alg, spki }: PublicKey): unknown[] => [kid, alg, spki]

/** Throws `DecodeError`. */
export function decodeCredential(value: unknown): PublicKey {
  const [kid, told, spki] = listField(value, 'credential', 3)
  const alg = ALGORITHMS.find((known) => known === told)
  if (typeof kid !== 'string' || kid.length > MAX_KID_CHARS || alg === undefined)
    throw new DecodeError('not a credential')
  if (!(spki instanceof Uint8Array)) throw new DecodeError('spki is not bytes')
  parseSpki(alg, spki)
  return { kid, alg, spki }
}

/** The plaintext of the record `account/<id>`. */
export const encodeAccount = ({ id, digest, credential, certificate }: Account): Uint8Array =>
  encodeCanonical([
    'account',
    1,
    'ACTIVE',
    id,
    digest,
    encodeCredential(credential),
    encodeKeyCertificate(certificate),
  ])

/** Throws `DecodeError`. */
export function decodeAccount(bytes: Uint8Array): Account {
  const fields = objectFields(decodeCanonical(bytes, MAX_ACCOUNT_BYTES), 'account', 5)
  const [state, id, digest, credential, certificate] = fields
  if (textField(state, 'state', 16) !== 'ACTIVE') throw new DecodeError('unknown state')
  if (!(certificate instanceof Uint8Array)) throw new DecodeError('no certificate')
  return accountOf(
    bytesField(id, 'id', 16),
    bytesField(digest, 'digest', 32),
    decodeCredential(credential),
    decodeKeyCertificate(certificate),
  )
}
