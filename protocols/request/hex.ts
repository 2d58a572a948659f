import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

const HEX_BYTES = /^0x(?:[0-9a-fA-F]{2})*$/

/** `0x` and two lower-case digits for each byte. */
export const hexText = (bytes: Uint8Array): string => `0x${bytesToHex(bytes)}`

/** The bytes of a `0x` text with an even number of digits of either case; otherwise undefined. */
export const hexBytes = (text: string): Uint8Array | undefined =>
  HEX_BYTES.test(text) ? hexToBytes(text.slice(2)) : undefined
