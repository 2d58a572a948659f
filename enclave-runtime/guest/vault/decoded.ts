import { DecodeError } from '../../../protocols/session/codec.ts'
import { VaultError } from './vault-error.ts'

/** What authenticated and yet does not decode was written by another version. Throws `VaultError` RECORD_CORRUPT. */
export function decoded<T>(name: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new VaultError('RECORD_CORRUPT', `the record ${name} is not of this version`, { cause })
  }
}
