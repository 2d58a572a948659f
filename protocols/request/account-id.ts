import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { objectTags } from '../crypto/tags.ts'
import { objectHash } from '../crypto/transcript.ts'
import { encodeCanonical } from '../session/canonical-cbor.ts'
import { DecodeError } from '../session/codec.ts'
import type { PublicKey } from './proofs.ts'

/** The scope of accounts made before any scope exists (05 §4.1, holdfast_createAccount). */
export const NO_SCOPE_ID: Uint8Array = new Uint8Array(16)
/** The identifier hash of accounts without a user name (05 §4.1, holdfast_createAccount). */
export const NO_IDENTIFIER_HASH: Uint8Array = new Uint8Array(32)

/** accountId of 05 §1.1, 16 bytes; `digest` is that of the request that made the account. */
export const accountIdOf = (
  networkId: Uint8Array,
  scopeId: Uint8Array,
  identifierHash: Uint8Array,
  digest: Uint8Array,
): Uint8Array =>
  id16(
    objectHash(objectTags.accountId, encodeCanonical([networkId, scopeId, identifierHash, digest])),
  )

/** Credential id of 05 §1.1 for a key credential, 16 bytes; its public material is the SPKI. */
export const credentialIdOf = (accountId: Uint8Array, key: Pick<PublicKey, 'spki'>): Uint8Array =>
  id16(objectHash(objectTags.credentialId, encodeCanonical([accountId, 'key', key.spki])))

/** The first 16 bytes of a hash, with the version and variant bits of UUID v8 (RFC 9562 §5.8). */
export function id16(hash: Uint8Array): Uint8Array {
  const id = hash.slice(0, 16)
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x80
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80
  return id
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** 16 bytes as a UUID, lower-case. */
export function uuidText(id: Uint8Array): string {
  if (id.length !== 16) throw new DecodeError('an id has 16 bytes')
  const hex = bytesToHex(id)
  const cuts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return [...cuts, hex.slice(20)].join('-')
}

/** The 16 bytes of the one text that `uuidText` writes for them; anything else is a `DecodeError`. */
export function uuidBytes(text: string): Uint8Array {
  if (!UUID.test(text)) throw new DecodeError('not a lower-case UUID')
  return hexToBytes(text.replaceAll('-', ''))
}
