import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { VaultError } from './vault-error.ts'

/** Network of records that were made before there was one. */
export const NO_NETWORK: Uint8Array = new Uint8Array(32)

const MAX_META_BYTES = 128

/** The record `meta`: plain, so that a foreign database gives a clear message; compared, never trusted. */
export const encodeMeta = (network: Uint8Array): Uint8Array => encodeCanonical([1, network])

/** The network that the store says it belongs to. Throws `VaultError` RECORD_CORRUPT. */
export function decodeMeta(bytes: Uint8Array): Uint8Array {
  try {
    const fields = decodeCanonical(bytes, MAX_META_BYTES)
    if (!Array.isArray(fields) || fields.length !== 2) throw new DecodeError('meta')
    const [format, network]: unknown[] = fields
    if (format !== 1 || !(network instanceof Uint8Array) || network.length !== 32)
      throw new DecodeError('meta')
    return network
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new VaultError('RECORD_CORRUPT', 'these are not records of this version', { cause })
  }
}
