import { begin, LANES, LEAF, setKeys, setWord, setWords, squeeze, TREE, wipeKeyed } from './keyed-lanes'
import { copyAcross } from './lanes'
import { oracleBegin, oracleEnd, oracleField, TAG_PPRF_PROOF } from './oracle'

const BLOCKS: u32 = 64 // κ/k
const LEAVES: i32 = 16 // 2^k
const DEPTH: i32 = 4 // k
const NODE: i32 = 32 // bytes of a seed or leaf
const CHECK: i32 = 64 // bytes of s̃
const CORRECTIONS: i32 = 192 // t^i_0 ‖ t^i_1, i = 1..3
const PROOF: i32 = 64
const MESSAGE: i32 = CORRECTIONS + PROOF + CHECK // of one block
const BODY: u32 = 40 // code, sid and word 9
const OUT: i32 = 256

const upper: usize = memory.data(NODE * LEAVES, 16)
const lower: usize = memory.data(NODE * LEAVES, 16)
const checks: usize = memory.data(CHECK * LEAVES, 16)
const sum: usize = memory.data(CHECK, 16)
const proof: usize = memory.data(PROOF, 16)
const lanes: usize = memory.data(OUT, 16)
const place: usize = memory.data(2, 2)

/**
 * Builder (02 §2.4): `message` of 20,480 bytes and 64 × 16 leaves from 256 × (k_{i,0} ‖ k_{i,1}).
 * Public: sid and the message. Secret: keys, leaves.
 */
export function pprfBuild(leaves: usize, message: usize, keys: usize, sid: usize): void {
  for (let block: u32 = 0; block < BLOCKS; block++) {
    const ots = keys + block * 2 * DEPTH * NODE
    const own = leaves + block * LEAVES * NODE
    const out = message + block * MESSAGE
    memory.copy(upper, ots, 2 * NODE)
    for (let level = 1; level < DEPTH; level++) {
      const count = 1 << level
      expand(lower, upper, count, sid, block, level)
      const t = out + 2 * NODE * (level - 1)
      memory.copy(t, ots + 2 * NODE * level, 2 * NODE)
      addAll(t, lower, count)
      memory.copy(upper, lower, 2 * NODE * count)
    }
    memory.copy(own, lower, NODE * LEAVES)
    checkValues(own, sid, block)
    prove(out + CORRECTIONS, sid, block)
    memory.fill(sum, 0, CHECK)
    addAll(sum, checks, LEAVES)
    memory.copy(out + CORRECTIONS + PROOF, sum, CHECK)
  }
  wipe()
}

/**
 * Evaluator (02 §2.4): all leaves but the one at Δ_b of each block, which stays zero, and Δ (32 bytes) from 256
 * keys and 256 choice bits. One decision for all 64 proofs; when it is false both outputs are zero.
 * Public: sid, message, the answer. Secret: choices, keys, leaves, Δ; every node is processed under masks.
 */
export function pprfEvaluate(
  leaves: usize,
  delta: usize,
  message: usize,
  keys: usize,
  choices: usize,
  sid: usize,
): bool {
  let difference: u64 = 0
  memory.fill(delta, 0, BLOCKS >> 1)
  for (let block: u32 = 0; block < BLOCKS; block++) {
    const ots = keys + block * DEPTH * NODE
    const own = leaves + block * LEAVES * NODE
    const from = message + block * MESSAGE
    const chosen: u32 = load<u8>(choices + (block >> 1)) >> (4 * (block & 1))
    let hidden = ~chosen & 1
    memory.fill(upper, 0, 2 * NODE)
    addAt(upper, 2, 1 - hidden, ots, NODE)
    for (let level = 1; level < DEPTH; level++) {
      const count = 2 << level
      expand(lower, upper, count >> 1, sid, block, level)
      clearAt(lower, count >> 1, hidden, 2 * NODE)
      const side = (chosen >> level) & 1
      memory.copy(sum, ots + NODE * level, NODE)
      addSelected(sum, from + 2 * NODE * (level - 1), 2, side)
      addSelected(sum, lower, count, side)
      addAt(lower, count, 2 * hidden + side, sum, NODE)
      hidden = 2 * hidden + 1 - side
      memory.copy(upper, lower, NODE * count)
    }
    memory.copy(own, lower, NODE * LEAVES)
    checkValues(own, sid, block)
    clearAt(checks, LEAVES, hidden, CHECK)
    memory.copy(sum, from + CORRECTIONS + PROOF, CHECK)
    addAll(sum, checks, LEAVES)
    addAt(checks, LEAVES, hidden, sum, CHECK)
    prove(proof, sid, block)
    for (let i = 0; i < PROOF; i += 8) {
      difference |= load<u64>(proof + i) ^ load<u64>(from + CORRECTIONS + i)
    }
    const byte = delta + (block >> 1)
    store<u8>(byte, load<u8>(byte) | <u8>(hidden << (4 * (block & 1))))
  }
  wipe()
  if (difference == 0) return true
  memory.fill(leaves, 0, BLOCKS * LEAVES * NODE)
  memory.fill(delta, 0, BLOCKS >> 1)
  return false
}

/** TREE of `count` nodes: left ‖ right of each. The lanes past `count` hold what was there, and go nowhere. */
function expand(out: usize, nodes: usize, count: i32, sid: usize, block: u32, level: u32): void {
  begin(TREE)
  setWords(1, sid, 8)
  for (let y = 0; y < count; y += LANES) {
    setWord(9, v128.add<u32>(i32x4.splat(block | (level << 16) | (y << 24)), i32x4(0, 1 << 24, 2 << 24, 3 << 24)))
    hashFour(out + 2 * NODE * y, nodes + NODE * y)
  }
}

/** s̃_x = LEAF of every leaf, into `checks`. */
function checkValues(leaves: usize, sid: usize, block: u32): void {
  begin(LEAF)
  setWords(1, sid, 8)
  for (let x = 0; x < LEAVES; x += LANES) {
    setWord(9, v128.add<u32>(i32x4.splat(block | (x << 16)), i32x4(0, 1 << 16, 2 << 16, 3 << 16)))
    hashFour(checks + CHECK * x, leaves + NODE * x)
  }
}

/** 64 bytes for each of four keys. */
function hashFour(out: usize, keys: usize): void {
  setKeys(keys)
  squeeze(lanes, 0, BODY)
  for (let i = 0; i < 64; i += 16) copyAcross(out + i, 64, lanes + 4 * i)
}

/** RO(pprf-proof); the list s̃_0 … s̃_15 is one field (02 §1.2). */
function prove(out: usize, sid: usize, block: u32): void {
  store<u16>(place, <u16>block)
  oracleBegin(TAG_PPRF_PROOF)
  oracleField(sid, 32)
  oracleField(place, 2)
  oracleField(checks, CHECK * LEAVES)
  oracleEnd(out, PROOF)
}

/** All ones when a = b, else zero; for small numbers. */
// @ts-ignore: decorator
@inline
function same(a: u32, b: u32): v128 {
  return i32x4.splat((<i32>(a ^ b) - 1) >> 31)
}

// @ts-ignore: decorator
@inline
function add(at: usize, value: v128): void {
  v128.store(at, v128.xor(v128.load(at), value))
}

/** to ⊕= all of `count` items of 64 bytes. */
function addAll(to: usize, items: usize, count: i32): void {
  for (let x = 0; x < count; x++) {
    for (let i = 0; i < 64; i += 16) add(to + i, v128.load(items + 64 * x + i))
  }
}

/** items[position] ⊕= value, touching every item. */
function addAt(items: usize, count: i32, position: u32, value: usize, bytes: i32): void {
  for (let x = 0; x < count; x++) {
    const mask = same(x, position)
    for (let i = 0; i < bytes; i += 16) {
      add(items + x * bytes + i, v128.and(v128.load(value + i), mask))
    }
  }
}

/** items[position] = 0, touching every item. */
function clearAt(items: usize, count: i32, position: u32, bytes: i32): void {
  for (let x = 0; x < count; x++) {
    const mask = same(x, position)
    for (let i = 0; i < bytes; i += 16) {
      const at = items + x * bytes + i
      v128.store(at, v128.andnot(v128.load(at), mask))
    }
  }
}

/** to ⊕= all nodes whose number has this lowest bit, touching every node. */
function addSelected(to: usize, nodes: usize, count: i32, side: u32): void {
  for (let x = 0; x < count; x++) {
    const mask = same(x & 1, side)
    for (let i = 0; i < NODE; i += 16) add(to + i, v128.and(v128.load(nodes + x * NODE + i), mask))
  }
}

function wipe(): void {
  memory.fill(upper, 0, NODE * LEAVES)
  memory.fill(lower, 0, NODE * LEAVES)
  memory.fill(checks, 0, CHECK * LEAVES)
  memory.fill(sum, 0, CHECK)
  memory.fill(proof, 0, PROOF)
  memory.fill(lanes, 0, OUT)
  wipeKeyed()
}
