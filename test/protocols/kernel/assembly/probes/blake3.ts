import {
  blake3Hash,
  contextKeyOf,
  hashBegin,
  hashEnd,
  hashUpdate,
} from '../../../../../protocols/kernel/assembly/blake3.ts'
import {
  compressLanes,
  DERIVE_KEY_MATERIAL,
  KEYED_HASH,
} from '../../../../../protocols/kernel/assembly/blake3-compress.ts'
import { keyedBlock } from '../../../../../protocols/kernel/assembly/oracle.ts'

export { blake3Hash, keyedBlock }

const ARENA = memory.data(1 << 18, 16)
const derived = memory.data(32, 16)

export function arena(): usize {
  return ARENA
}

export function keyed(out: usize, outLength: i32, key: usize, from: usize, length: i32): void {
  hashBegin(key, KEYED_HASH)
  hashUpdate(from, length)
  hashEnd(out, outLength)
}

export function derive(
  out: usize,
  outLength: i32,
  context: usize,
  contextLength: i32,
  from: usize,
  length: i32,
): void {
  contextKeyOf(derived, context, contextLength)
  hashBegin(derived, DERIVE_KEY_MATERIAL)
  hashUpdate(from, length)
  hashEnd(out, outLength)
}

/** The message in two parts, cut at `cut`. */
export function parts(out: usize, key: usize, from: usize, length: i32, cut: i32): void {
  hashBegin(key, KEYED_HASH)
  hashUpdate(from, cut)
  hashUpdate(from + cut, length - cut)
  hashEnd(out, 32)
}

/** `count` times four blocks. */
export function lanes(cv: usize, message: usize, out: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    compressLanes(cv, message, out, i32x4.splat(i), 64, KEYED_HASH)
  }
}
