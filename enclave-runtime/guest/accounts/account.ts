import {
  bytesField,
  listField,
  objectFields,
  textField,
} from '../../../protocols/agreement/fields.ts'
import type { KeyCertificate } from '../../../protocols/keygen/key-certificate.ts'
import { credentialIdOf } from '../../../protocols/request/account-id.ts'
import { addressOf } from '../../../protocols/request/ethereum-address.ts'
import type { PublicKey } from '../../../protocols/request/proofs.ts'
import { parseSpki } from '../../../protocols/request/spki.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { transcriptOf } from '../../../protocols/sharing/hashes.ts'
import { type DerivedKey, derive } from '../../../protocols/sign/bip32.ts'
import { keyPart } from '../keys/key-part.ts'
import { policyHashOf } from '../requests/policy.ts'

/** The Ethereum key of an account below its generated key: 44/60/0/0/0, nothing hardened (05 §1.5). */
export const ETHEREUM_PATH: readonly number[] = [44, 60, 0, 0, 0]
const MAX_ACCOUNT_BYTES = 16 * 1024 // a credential, and the votes of 16 guests
const MAX_VOTES_BYTES = 8 * 1024
const MAX_PART_BYTES = 1024 // 16 coefficients
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
  /** Of what its credential may do: part of every session's binding. */
  readonly policyHash: Uint8Array
  /** Verified before an account comes to be. */
  readonly certificate: KeyCertificate
  /** The Ethereum key. */
  readonly derived: DerivedKey
  /** EIP-55. */
  readonly address: string
  /** The votes that gave a ready key to this account, as they travel; empty for a key that was made for it. */
  readonly votes: Uint8Array
}

/** What the record of an account holds. */
export interface StoredAccount extends Pick<Account, 'id' | 'digest' | 'credential' | 'votes'> {
  readonly keyId: Uint8Array
  /** `keyPart`: whose request it is can be told also when the share beside the other copy cannot be read. */
  readonly part: Uint8Array
}

/** An account from what it is made of; throws for a certificate whose key has no Ethereum key below it. */
export function accountOf(
  id: Uint8Array,
  digest: Uint8Array,
  credential: PublicKey,
  certificate: KeyCertificate,
  votes: Uint8Array = new Uint8Array(),
): Account {
  const derived = derive(certificate.publicKey, certificate.chainCode, ETHEREUM_PATH)
  const address = addressOf(derived.publicKey)
  const credentialId = credentialIdOf(id, credential)
  const policyHash = policyHashOf(credentialId)
  const whose = { id, digest, credential, credentialId, policyHash }
  return { ...whose, certificate, derived, address, votes }
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
export const encodeAccount = ({
  id,
  digest,
  credential,
  certificate,
  votes,
}: Account): Uint8Array =>
  encodeCanonical([
    'keyedAccount',
    1,
    'ACTIVE',
    id,
    digest,
    encodeCredential(credential),
    certificate.keyId,
    keyPart(certificate, transcriptOf(certificate.pub, certificate.records)),
    votes,
  ])

/** Throws `DecodeError`, also for an account of an older version, which held a whole certificate. */
export function decodeAccount(bytes: Uint8Array): StoredAccount {
  const fields = objectFields(decodeCanonical(bytes, MAX_ACCOUNT_BYTES), 'keyedAccount', 7)
  const [state, id, digest, credential, keyId, part, votes] = fields
  if (textField(state, 'state', 16) !== 'ACTIVE') throw new DecodeError('unknown state')
  if (!(votes instanceof Uint8Array) || votes.length > MAX_VOTES_BYTES)
    throw new DecodeError('votes')
  if (!(part instanceof Uint8Array) || part.length > MAX_PART_BYTES)
    throw new DecodeError('what is public of the key')
  return {
    id: bytesField(id, 'id', 16),
    digest: bytesField(digest, 'digest', 32),
    credential: decodeCredential(credential),
    keyId: bytesField(keyId, 'keyId', 32),
    part,
    votes,
  }
}
