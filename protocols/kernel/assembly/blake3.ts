import {
  CHUNK_END,
  CHUNK_START,
  compress,
  compressLanes,
  DERIVE_KEY_CONTEXT,
  IV,
  PARENT,
  ROOT,
} from './blake3-compress'
import { copyAcross, splatWords, transposeWords } from './lanes'

const BLOCK: i32 = 64
const CHUNK_BLOCKS: u32 = 16
const CHUNK: i32 = 1024
const LANES: i32 = 4
const CV: i32 = 32
const MAX_DEPTH: i32 = 24 // 16 GiB, more than the memory has

const STATE: i32 = 256
const key: usize = memory.data(STATE, 16)
const chaining: usize = key + CV
const block: usize = chaining + CV
const parent: usize = block + BLOCK
const output: usize = parent + BLOCK
const stack: usize = memory.data(CV * MAX_DEPTH, 16)
const laneState: usize = memory.data(256, 16)
const laneMessage: usize = memory.data(256, 16)

let mode: u32 = 0
let held: i32 = 0 // bytes in `block`
let blocks: u32 = 0 // compressed in this chunk
let chunks: u32 = 0 // finished
let depth: i32 = 0 // of `stack`

/**
 * One hash of any length is under way at a time; `hashUpdate` takes its parts, `hashEnd` writes any number
 * of bytes and wipes the state. Public: all lengths, and `flags` with the key of derive-key mode.
 */
export function hashBegin(words: usize, flags: u32): void {
  copyValue(key, words)
  mode = flags
  held = 0
  chunks = 0
  depth = 0
  beginChunk()
}

export function hashUpdate(from: usize, length: i32): void {
  while (length > 0) {
    if (held == BLOCK) {
      // More follows, so that this block is not the last of the message.
      if (blocks == CHUNK_BLOCKS - 1) endChunk()
      else absorb(block)
      held = 0
    }
    let taken: i32
    if (held == 0 && blocks == 0 && length > LANES * CHUNK) {
      hashChunks(from)
      taken = LANES * CHUNK
    } else if (held == 0 && blocks < CHUNK_BLOCKS - 1 && length > BLOCK) {
      absorb(from)
      taken = BLOCK
    } else {
      taken = min(BLOCK - held, length)
      memory.copy(block + held, from, taken)
      held += taken
    }
    from += taken
    length -= taken
  }
}

export function hashEnd(out: usize, length: i32): void {
  memory.fill(block + held, 0, BLOCK - held)
  let cv = chaining
  let last = block
  let flags = mode | CHUNK_END | (blocks == 0 ? CHUNK_START : 0)
  let counter = chunks
  let size: u32 = held
  while (depth > 0) {
    compress(cv, last, output, counter, size, flags)
    copyValue(parent + CV, output)
    copyValue(parent, stack + CV * --depth)
    cv = key
    last = parent
    flags = mode | PARENT
    counter = 0
    size = BLOCK
  }
  for (let done = 0; done < length; done += BLOCK) {
    compress(cv, last, output, done / BLOCK, size, flags | ROOT)
    memory.copy(out + done, output, min(BLOCK, length - done))
  }
  wipe()
}

/** The plain hash with `outLength` bytes of output. Public: the lengths. */
export function blake3Hash(out: usize, outLength: i32, from: usize, length: i32): void {
  hashBegin(IV, 0)
  hashUpdate(from, length)
  hashEnd(out, outLength)
}

/** The eight key words of derive-key mode for a context. Public: the context. */
export function contextKeyOf(out: usize, context: usize, length: i32): void {
  hashBegin(IV, DERIVE_KEY_CONTEXT)
  hashUpdate(context, length)
  hashEnd(out, CV)
}

/** 32 bytes. */
// @ts-ignore: decorator
@inline
function copyValue(to: usize, from: usize): void {
  v128.store(to, v128.load(from))
  v128.store(to, v128.load(from, 16), 16)
}

function beginChunk(): void {
  copyValue(chaining, key)
  blocks = 0
}

function absorb(from: usize): void {
  compress(chaining, from, output, chunks, BLOCK, mode | (blocks == 0 ? CHUNK_START : 0))
  copyValue(chaining, output)
  blocks++
}

function endChunk(): void {
  compress(chaining, block, output, chunks, BLOCK, mode | CHUNK_END)
  push(output)
  beginChunk()
}

/** Adds the value of a chunk that is not the last; merges all subtrees that are complete with it. */
function push(value: usize): void {
  chunks++
  copyValue(parent + CV, value)
  for (let total = chunks; (total & 1) == 0; total >>= 1) {
    copyValue(parent, stack + CV * --depth)
    compress(key, parent, output, 0, BLOCK, mode | PARENT)
    copyValue(parent + CV, output)
  }
  copyValue(stack + CV * depth++, parent + CV)
}

/** Four whole chunks, one in each lane; more input follows them. */
function hashChunks(from: usize): void {
  splatWords(laneState, key, 8)
  const counters = v128.add<u32>(i32x4.splat(chunks), i32x4(0, 1, 2, 3))
  for (let i: u32 = 0; i < CHUNK_BLOCKS; i++) {
    const at = from + i * BLOCK
    for (let part = 0; part < BLOCK; part += 16) {
      transposeWords(laneMessage + 4 * part, at + part, CHUNK)
    }
    const ends = (i == 0 ? CHUNK_START : 0) | (i == CHUNK_BLOCKS - 1 ? CHUNK_END : 0)
    compressLanes(laneState, laneMessage, laneState, counters, BLOCK, mode | ends)
  }
  copyAcross(laneMessage, CV, laneState)
  copyAcross(laneMessage + 16, CV, laneState + 64)
  for (let lane = 0; lane < LANES; lane++) push(laneMessage + CV * lane)
}

function wipe(): void {
  memory.fill(key, 0, STATE)
  if (chunks == 0) return
  memory.fill(stack, 0, CV * MAX_DEPTH)
  memory.fill(laneState, 0, 256)
  memory.fill(laneMessage, 0, 256)
}
