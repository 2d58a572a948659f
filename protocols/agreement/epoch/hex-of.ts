import { bytesToHex } from '@noble/hashes/utils.js'

const known = new WeakMap<Uint8Array, string>()

/** Hexadecimal form of bytes that nobody changes any more: a key for maps, and how members are addressed. */
export function hexOf(bytes: Uint8Array): string {
  const before = known.get(bytes)
  if (before !== undefined) return before
  const text = bytesToHex(bytes)
  known.set(bytes, text)
  return text
}

export const same = (a: Uint8Array, b: Uint8Array): boolean => a === b || hexOf(a) === hexOf(b)
