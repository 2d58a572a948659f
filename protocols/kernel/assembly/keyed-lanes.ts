import {
  CHUNK_END,
  CHUNK_START,
  compressLanes,
  KEYED_HASH,
  ROOT,
} from './blake3-compress'
import { splatWords, transposeWords } from './lanes'

/** `KH` (02 §1.3) of four keys or bodies side by side; a code is four characters, least first. */
export const TREE: u32 = 0x45455254
export const LEAF: u32 = 0x4641454c
export const ROWX: u32 = 0x58574f52
export const COLH: u32 = 0x484c4f43
export const GADG: u32 = 0x47444147

export const LANES: i32 = 4
export const OUT: i32 = 256 // bytes: 16 vectors of one compression

const ONE_BLOCK: u32 = CHUNK_START | CHUNK_END | ROOT | KEYED_HASH
const VECTOR: i32 = 16

const keys: usize = memory.data(8 * VECTOR, 16)
const message: usize = memory.data(16 * VECTOR, 16)

/** The code, and zeros after it. */
export function begin(code: u32): void {
  memory.fill(message, 0, 16 * VECTOR)
  v128.store(message, i32x4.splat(code))
}

/** Words from number `at` on that all lanes have alike. */
export function setWords(at: i32, words: usize, count: i32): void {
  splatWords(message + VECTOR * at, words, count)
}

/** Word number `at` of each lane. */
export function setWord(at: i32, words: v128): void {
  v128.store(message + VECTOR * at, words)
}

/** Eight words from number `at` on: 32 bytes of each of four items in a row. */
export function setItems(at: i32, items: usize): void {
  transposeWords(message + VECTOR * at, items, 32)
  transposeWords(message + VECTOR * (at + 4), items + 16, 32)
}

/** Exclusive-or of `words` to `count` words of all lanes, from number `at` on. */
export function addWords(at: i32, words: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const place = message + VECTOR * (at + i)
    v128.store(place, v128.xor(v128.load(place), v128.load32_splat(words + 4 * i)))
  }
}

/** One key for all lanes. */
export function setKey(words: usize): void {
  splatWords(keys, words, 8)
}

/** Four keys in a row. */
export function setKeys(four: usize): void {
  transposeWords(keys, four, 32)
  transposeWords(keys + 4 * VECTOR, four + 16, 32)
}

/** Output block `counter` (64 bytes of each lane) of bodies with `length` bytes, the code included. */
export function squeeze(out: usize, counter: u32, length: u32): void {
  compressLanes(keys, message, out, i32x4.splat(counter), length, ONE_BLOCK)
}

/** Everything here may be secret: zeroed before an operation returns. */
export function wipeKeyed(): void {
  memory.fill(keys, 0, 8 * VECTOR)
  memory.fill(message, 0, 16 * VECTOR)
}
