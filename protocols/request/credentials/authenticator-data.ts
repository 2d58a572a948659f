import { decodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError, Reader } from '../../session/codec.ts'
import { isPlainObject } from '../json-value.ts'
import { type PasskeyKey, readCoseKey } from './cose-key.ts'

/** A credential that an authenticator made (WebAuthn §6.5.1). */
export interface AttestedCredential {
  /** 16 bytes: the model; zeros where the browser hides it. */
  readonly aaguid: Uint8Array
  readonly credentialId: Uint8Array
  readonly key: PasskeyKey
  /** The key as the authenticator wrote it. */
  readonly cose: Uint8Array
}

/** What an authenticator signs (WebAuthn §6.1). */
export interface AuthenticatorData {
  readonly rpIdHash: Uint8Array
  readonly userPresent: boolean
  readonly userVerified: boolean
  readonly backupEligible: boolean
  readonly backedUp: boolean
  readonly signCount: number
  /** Null in assertions. */
  readonly attested: AttestedCredential | null
}

/** WebAuthn §5.8.3, 05 §1.3. */
export const MAX_CREDENTIAL_ID_BYTES = 1023
/** An id, an RSA key of 4096 bits and extensions. */
export const MAX_AUTHENTICATOR_DATA_BYTES = 4096
const UP = 0x01
const UV = 0x04
const BE = 0x08
const BS = 0x10
const AT = 0x40
const ED = 0x80

/** Throws `DecodeError` for anything but one whole structure. Extensions are canonical CBOR and ignored. */
export function parseAuthenticatorData(bytes: Uint8Array): AuthenticatorData {
  if (bytes.length > MAX_AUTHENTICATOR_DATA_BYTES)
    throw new DecodeError('authenticator data are too long')
  const reader = new Reader(bytes)
  const rpIdHash = reader.take(32)
  const flags = reader.u8()
  const signCount = new DataView(reader.take(4).buffer).getUint32(0)
  let at = 37
  let attested: AttestedCredential | null = null
  if (flags & AT) {
    const aaguid = reader.take(16)
    const [high = 0, low = 0] = reader.take(2)
    const idLength = (high << 8) | low
    if (idLength === 0 || idLength > MAX_CREDENTIAL_ID_BYTES)
      throw new DecodeError('a credential id has 1 to 1023 bytes')
    const credentialId = reader.take(idLength)
    at += 18 + idLength
    const { key, length } = readCoseKey(bytes.subarray(at))
    attested = { aaguid, credentialId, key, cose: bytes.slice(at, at + length) }
    at += length
  }
  const extensions = bytes.subarray(at)
  if (!(flags & ED)) {
    if (extensions.length > 0) throw new DecodeError('bytes after authenticator data')
  } else if (!isPlainObject(decodeCanonical(extensions, MAX_AUTHENTICATOR_DATA_BYTES, 4)))
    throw new DecodeError('extensions are no map')
  return {
    rpIdHash,
    userPresent: (flags & UP) !== 0,
    userVerified: (flags & UV) !== 0,
    backupEligible: (flags & BE) !== 0,
    backedUp: (flags & BS) !== 0,
    signCount,
    attested,
  }
}
