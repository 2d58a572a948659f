import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { RequestError } from '../errors.ts'
import { hexBytes } from '../hex.ts'

const LOOKS_LIKE_HEX = /^0x[0-9a-fA-F]*$/

/**
 * The bytes that `data` of personal_sign stands for, by the rule of wallets: `0x` and an even number of
 * hex digits are those bytes (`0x` alone is none); any other text is its UTF-8. Deviation: `0x` and an odd
 * number of digits, which wallets read differently, is refused with MSG_BUILD_FAILED.
 */
export function messageBytes(data: string): Uint8Array {
  const bytes = hexBytes(data)
  if (bytes !== undefined) return bytes
  if (LOOKS_LIKE_HEX.test(data))
    throw new RequestError('MSG_BUILD_FAILED', 'hex data with an odd number of digits')
  if (!data.isWellFormed()) throw new RequestError('MSG_BUILD_FAILED', 'text that is not Unicode')
  return utf8ToBytes(data)
}

/** The digest of EIP-191 version 45 ("personal message"), 32 bytes. */
export const messageDigest = (message: Uint8Array): Uint8Array =>
  keccak_256(concatBytes(utf8ToBytes(`\x19Ethereum Signed Message:\n${message.length}`), message))
