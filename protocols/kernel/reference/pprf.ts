import { tags } from '../../crypto/tags.ts'
import { oracle } from '../../crypto/transcript.ts'
import { keyedBlock } from './blake3-block.ts'
import { bit, equal, u16 } from './fields.ts'
import { bytesOf, codeWord, wordsOf } from './hash.ts'
import type { Secrets } from './secrets.ts'

export const BLOCKS = 64 // κ/k
export const LEAVES = 16 // 2^k
const DEPTH = 4 // k
export const NODE_WORDS = 8 // a seed or leaf: 32 bytes
const PROOF_BYTES = 64
const CHECK_WORDS = 16 // s̃: 64 bytes
const T_BYTES = (DEPTH - 1) * 2 * 32 // t^i_0 ‖ t^i_1, i = 1..3
const BLOCK_BYTES = T_BYTES + PROOF_BYTES + CHECK_WORDS * 4
export const PPRF_BYTES: number = BLOCKS * BLOCK_BYTES

/** Builder (02 §2.4): the message of all blocks, and 64 × 16 leaves. `keys` = 256 × (k_{i,0} ‖ k_{i,1}). */
export function build(
  sid: Uint8Array,
  keys: Uint8Array,
): { pprf: Uint8Array; leaves: Uint32Array } {
  const pprf = new Uint8Array(PPRF_BYTES)
  const leaves = new Uint32Array(BLOCKS * LEAVES * NODE_WORDS)
  const ots = wordsOf(keys)
  for (let block = 0; block < BLOCKS; block++) {
    const message = pprf.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
    const corrections = new Uint32Array(T_BYTES / 4)
    const first = 2 * DEPTH * block * NODE_WORDS
    let nodes: Uint32Array = ots.slice(first, first + 2 * NODE_WORDS)
    for (let level = 1; level < DEPTH; level++) {
      const children = expand(sid, block, level, nodes)
      const at = 2 * (level - 1) * NODE_WORDS
      const t = corrections.subarray(at, at + 2 * NODE_WORDS)
      for (let w = 0; w < children.length; w++) {
        t[w % t.length] = (t[w % t.length] as number) ^ (children[w] as number)
      }
      const key = first + 2 * level * NODE_WORDS
      for (let w = 0; w < t.length; w++) t[w] = (t[w] as number) ^ (ots[key + w] as number)
      nodes.fill(0)
      nodes = children
    }
    const checks = checkValues(sid, block, nodes)
    message.set(bytesOf(corrections))
    message.set(proof(sid, block, checks), T_BYTES)
    message.set(bytesOf(xorAll(checks)), T_BYTES + PROOF_BYTES)
    leaves.set(nodes, block * LEAVES * NODE_WORDS)
    nodes.fill(0)
    checks.fill(0)
  }
  ots.fill(0)
  return { pprf, leaves }
}

/**
 * Evaluator (02 §2.4): all leaves but the one at Δ_b of each block; one decision for all 64 proofs,
 * `undefined` when it is no. Every node is processed whatever the choices are.
 */
export function evaluate(
  { choices, keys }: Secrets['receiver'],
  sid: Uint8Array,
  pprf: Uint8Array,
): Secrets['alice'] | undefined {
  const leaves = new Uint32Array(BLOCKS * LEAVES * NODE_WORDS)
  const delta = new Uint8Array(BLOCKS / 2)
  const ots = wordsOf(keys)
  let good = 1
  for (let block = 0; block < BLOCKS; block++) {
    const message = pprf.slice(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
    const corrections = wordsOf(message.subarray(0, T_BYTES))
    const first = DEPTH * block
    let hidden = 1 - bit(choices, first)
    let nodes: Uint32Array = new Uint32Array(2 * NODE_WORDS)
    addAt(nodes, 1 - hidden, ots.subarray(first * NODE_WORDS, (first + 1) * NODE_WORDS))
    for (let level = 1; level < DEPTH; level++) {
      const children = expand(sid, block, level, nodes)
      clearAt(children, 2 * hidden, NODE_WORDS)
      clearAt(children, 2 * hidden + 1, NODE_WORDS)
      const side = bit(choices, first + level)
      const ot = (first + level) * NODE_WORDS
      const found = ots.slice(ot, ot + NODE_WORDS)
      const at = 2 * (level - 1) * NODE_WORDS
      addSelected(found, corrections.subarray(at, at + 2 * NODE_WORDS), side)
      addSelected(found, children, side)
      addAt(children, 2 * hidden + side, found)
      found.fill(0)
      hidden = 2 * hidden + 1 - side
      nodes.fill(0)
      nodes = children
    }
    const checks = checkValues(sid, block, nodes)
    clearAt(checks, hidden, CHECK_WORDS)
    const missing = xorAll(checks)
    const claimed = wordsOf(message.subarray(T_BYTES + PROOF_BYTES))
    for (let w = 0; w < CHECK_WORDS; w++)
      missing[w] = (missing[w] as number) ^ (claimed[w] as number)
    addAt(checks, hidden, missing)
    const expected = message.subarray(T_BYTES, T_BYTES + PROOF_BYTES)
    good &= Number(equal(proof(sid, block, checks), expected))
    leaves.set(nodes, block * LEAVES * NODE_WORDS)
    delta[block >> 1] = (delta[block >> 1] as number) | (hidden << (4 * (block & 1)))
    nodes.fill(0)
    checks.fill(0)
  }
  ots.fill(0)
  if (good === 1) return { leaves, delta }
  leaves.fill(0)
  delta.fill(0)
  return undefined
}

/** Children of all nodes of a level: TREE(level, y) = left ‖ right. */
function expand(sid: Uint8Array, block: number, level: number, nodes: Uint32Array): Uint32Array {
  const count = nodes.length / NODE_WORDS
  const children = new Uint32Array(2 * nodes.length)
  const message = header('TREE', sid)
  for (let y = 0; y < count; y++) {
    message[9] = block | (level << 16) | (y << 24)
    keyedBlock(nodes, y * NODE_WORDS, message, 40, children, 2 * y * NODE_WORDS, 2 * NODE_WORDS)
  }
  return children
}

/** s̃_x = LEAF of every leaf. */
function checkValues(sid: Uint8Array, block: number, leaves: Uint32Array): Uint32Array {
  const checks = new Uint32Array(LEAVES * CHECK_WORDS)
  const message = header('LEAF', sid)
  for (let x = 0; x < LEAVES; x++) {
    message[9] = block | (x << 16)
    keyedBlock(leaves, x * NODE_WORDS, message, 40, checks, x * CHECK_WORDS, CHECK_WORDS)
  }
  return checks
}

/** CODE ‖ sid, with word 9 left for u16 block ‖ u8 ‖ u8. */
export function header(code: 'TREE' | 'LEAF' | 'ROWX', sid: Uint8Array): Uint32Array {
  const message = new Uint32Array(16)
  message[0] = codeWord(code)
  message.set(wordsOf(sid), 1)
  return message
}

/** The list s̃_0 … s̃_15 is one field (02 §1.2). */
const proof = (sid: Uint8Array, block: number, checks: Uint32Array): Uint8Array =>
  oracle(tags.pprfProof, PROOF_BYTES, sid, u16(block), bytesOf(checks))

function xorAll(checks: Uint32Array): Uint32Array {
  const sum = new Uint32Array(CHECK_WORDS)
  for (let w = 0; w < checks.length; w++) {
    sum[w % CHECK_WORDS] = (sum[w % CHECK_WORDS] as number) ^ (checks[w] as number)
  }
  return sum
}

/** All ones when a = b, else zero; for small numbers. */
const same = (a: number, b: number): number => ((a ^ b) - 1) >> 31

/** items[position] ⊕= value, touching every item. */
function addAt(items: Uint32Array, position: number, value: Uint32Array): void {
  for (let i = 0; i < items.length; i++) {
    const mask = same(Math.floor(i / value.length), position)
    items[i] = (items[i] as number) ^ ((value[i % value.length] as number) & mask)
  }
}

/** items[position] = 0, touching every item. */
function clearAt(items: Uint32Array, position: number, words: number): void {
  for (let i = 0; i < items.length; i++) {
    items[i] = (items[i] as number) & ~same(Math.floor(i / words), position)
  }
}

/** sum ⊕= all nodes whose number has this lowest bit, touching every node. */
function addSelected(sum: Uint32Array, nodes: Uint32Array, side: number): void {
  for (let i = 0; i < nodes.length; i++) {
    const mask = same(Math.floor(i / NODE_WORDS) & 1, side)
    const w = i % NODE_WORDS
    sum[w] = (sum[w] as number) ^ ((nodes[i] as number) & mask)
  }
}
