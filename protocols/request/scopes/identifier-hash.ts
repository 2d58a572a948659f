import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'
import { MAX_TEXT_CHARS } from '../proofs.ts'

/** Made by the guests of a scope and kept by them: without it a user name cannot be tried (05 §1.1). */
export const PEPPER_BYTES = 32

/**
 * identifierHash of 05 §1.1, 32 bytes: keyed BLAKE3 of the user name in NFC, so that two spellings of one
 * name are one account. Throws `DecodeError` for a name that is not 1 to 128 characters of Unicode.
 */
export function identifierHash(pepper: Uint8Array, user: string): Uint8Array {
  if (pepper.length !== PEPPER_BYTES) throw new Error('bug: a pepper has 32 bytes')
  if (!user.isWellFormed()) throw new DecodeError('a user name is Unicode')
  const name = user.normalize('NFC')
  if (name.length === 0 || name.length > MAX_TEXT_CHARS)
    throw new DecodeError('a user name has 1 to 128 characters')
  return blake3(utf8ToBytes(name), { key: pepper })
}
