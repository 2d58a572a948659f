import { contextKeyOf, hashBegin, hashEnd, hashUpdate } from './blake3'
import { DERIVE_KEY_MATERIAL, KEYED_HASH } from './blake3-compress'

export const TAG_PAIR_ZETA: i32 = 0
export const TAG_OT_KEY: i32 = 1
export const TAG_PPRF_PROOF: i32 = 2
export const TAG_RVOLE_CHI: i32 = 3
export const TAG_RVOLE_COLUMN: i32 = 4
export const TAG_RVOLE_GADGET: i32 = 5
export const TAG_RVOLE_THETA: i32 = 6
export const TAG_RVOLE_MU: i32 = 7
export const TAG_POK: i32 = 8
export const TAGS: i32 = 9

/** The contexts of `crypto/tags.ts` that the kernel hashes with, in the order of their numbers. */
const PREFIX = 'holdfast dkls v1 '
const NAMES =
  'pair-zeta/ot-key/pprf-proof/rvole-chi/rvole-col/rvole-gadget/rvole-theta/rvole-mu/pok/'

const SLASH: i32 = 0x2f
const KEY_BYTES: i32 = 32

const keys: usize = memory.data(KEY_BYTES * TAGS, 16)
const name: usize = memory.data(64, 16)
const framing: usize = memory.data(4, 4)
let known: u32 = 0 // bit i: the key of tag i is made

/**
 * `RO(tag, outLength; fields…)` of 02 §1.3: begin, a call for each field, end. Fields are read where they lie.
 * Public: tag and lengths. Nothing else may be hashed between begin and end.
 */
export function oracleBegin(tag: i32): void {
  const bit: u32 = 1 << tag
  if ((known & bit) == 0) {
    contextKeyOf(keys + KEY_BYTES * tag, name, tagContext(name, tag))
    known |= bit
  }
  hashBegin(keys + KEY_BYTES * tag, DERIVE_KEY_MATERIAL)
}

/** The same under the key of any context (`contextKeyOf`); the fields come framed, by `hashUpdate`. */
export function oracleBeginWith(key: usize): void {
  hashBegin(key, DERIVE_KEY_MATERIAL)
}

export function oracleField(from: usize, length: i32): void {
  oracleLength(length)
  hashUpdate(from, length)
}

/** A field in parts: its whole length, then `hashUpdate` of each part. */
export function oracleLength(length: i32): void {
  store<u32>(framing, length)
  hashUpdate(framing, 4)
}

export function oracleEnd(out: usize, outLength: i32): void {
  hashEnd(out, outLength)
}

/** `KH(key, code, outLength; body)` of 02 §1.3; at most 60 bytes of body. Public: code and lengths. */
export function keyedBlock(
  out: usize,
  outLength: i32,
  key: usize,
  code: u32,
  body: usize,
  bodyLength: i32,
): void {
  hashBegin(key, KEYED_HASH)
  store<u32>(framing, code)
  hashUpdate(framing, 4)
  hashUpdate(body, bodyLength)
  hashEnd(out, outLength)
}

/** Writes the context of a tag, one byte for each character; gives its length. */
export function tagContext(out: usize, tag: i32): i32 {
  let length = PREFIX.length
  for (let i = 0; i < length; i++) store<u8>(out + i, PREFIX.charCodeAt(i))
  let at = 0
  for (let skipped = 0; skipped < tag; at++) {
    if (NAMES.charCodeAt(at) == SLASH) skipped++
  }
  let character: i32
  do {
    character = NAMES.charCodeAt(at++)
    store<u8>(out + length++, character)
  } while (character != SLASH)
  return length
}
