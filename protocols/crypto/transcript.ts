import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { ObjectTag, Tag } from './tags.ts'

/**
 * `RO(tag, length; fields…)` of the specification (02 §1.3): BLAKE3 in derive-key mode over
 * length-framed fields, so that no two lists of fields hash the same bytes.
 */
export function oracle(tag: Tag, length: number, ...fields: readonly Uint8Array[]): Uint8Array {
  const framed = fields.flatMap((field) => [u32(field.length), field])
  return blake3(concatBytes(...framed), { context: utf8ToBytes(tag), dkLen: length })
}

/** `H(tag; v)` of the specification (03 §1.1): the 32-byte hash of an object's canonical encoding. */
export const objectHash = (tag: ObjectTag, encoded: Uint8Array): Uint8Array =>
  blake3(encoded, { context: utf8ToBytes(tag) })

/** What computes `RO`: this file, or a kernel, which is faster. */
export type Oracle = (tag: Tag, length: number, ...fields: readonly Uint8Array[]) => Uint8Array

const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}
