import { tags } from '../../crypto/tags.ts'
import { oracle } from '../../crypto/transcript.ts'
import { keyedBlock } from './blake3-block.ts'
import { bit } from './fields.ts'
import { addProduct, timesX } from './gf128.ts'
import { bytesOf, wordsOf } from './hash.ts'
import { BLOCKS, header, LEAVES, NODE_WORDS } from './pprf.ts'
import { transpose } from './transpose.ts'

export const ROWS = 256 // κ
export const COLUMNS = 512 // ξ
const ROW_WORDS = 20 // (ξ + s) / 8 = 80 bytes
const FOLD_WORDS = 4 // 16 bytes
export const COLUMN_WORDS = 8 // 256 bits
export const CHOICE_BYTES = 80 // c' = β ‖ 16 random bytes
const U_BYTES = BLOCKS * ROW_WORDS * 4
export const M1_BYTES: number = U_BYTES + FOLD_WORDS * 4 + ROWS * FOLD_WORDS * 4

/**
 * Bob (02 §3.1): m1 = U ‖ x̂ ‖ t̂ for the choices c', and the columns of his rows v, eight words each.
 */
export function extendBob(
  leaves: Uint32Array,
  sid: Uint8Array,
  choice: Uint8Array,
): { m1: Uint8Array; columns: Uint32Array } {
  const c = wordsOf(choice)
  const U = new Uint32Array(BLOCKS * ROW_WORDS)
  const v = new Uint32Array(ROWS * ROW_WORDS)
  const message = header('ROWX', sid)
  const r = new Uint32Array(ROW_WORDS)
  for (let b = 0; b < BLOCKS; b++) {
    addRow(U, b, c, -1)
    for (let x = 0; x < LEAVES; x++) {
      expandLeaf(leaves, message, b, x, r)
      addRow(U, b, r, -1)
      for (let e = 0; e < 4; e++) addRow(v, 4 * b + e, r, -((x >> e) & 1))
    }
  }
  const chi = challenge(sid, bytesOf(U))
  const columns = transpose(v, ROWS, ROW_WORDS)
  const m1 = new Uint8Array(M1_BYTES)
  m1.set(bytesOf(U))
  m1.set(bytesOf(foldRow(chi, c)), U_BYTES)
  m1.set(bytesOf(foldRows(chi, columns)), U_BYTES + FOLD_WORDS * 4)
  wipe(c, v, r, message)
  return { m1, columns }
}

/**
 * Alice (02 §3.2): the columns of her rows w = v ⊕ Δ·c', or `undefined` when the COTe check fails:
 * all 256 rows, one decision.
 */
export function extendAlice(
  leaves: Uint32Array,
  delta: Uint8Array,
  sid: Uint8Array,
  m1: Uint8Array,
): Uint32Array | undefined {
  const U = wordsOf(m1.subarray(0, U_BYTES))
  const w = new Uint32Array(ROWS * ROW_WORDS)
  const message = header('ROWX', sid)
  const r = new Uint32Array(ROW_WORDS)
  for (let b = 0; b < BLOCKS; b++) {
    const hidden = (bit(delta, 4 * b + 3) << 3) | (bit(delta, 4 * b + 2) << 2)
    const deltaB = hidden | (bit(delta, 4 * b + 1) << 1) | bit(delta, 4 * b)
    for (let x = 0; x < LEAVES; x++) {
      expandLeaf(leaves, message, b, x, r)
      // No bit of x ⊕ Δ_b is set at x = Δ_b: the leaf she lacks is left out without a comparison.
      for (let e = 0; e < 4; e++) addRow(w, 4 * b + e, r, -(((x ^ deltaB) >> e) & 1))
    }
    const u = U.subarray(b * ROW_WORDS, (b + 1) * ROW_WORDS)
    for (let e = 0; e < 4; e++) addRow(w, 4 * b + e, u, -((deltaB >> e) & 1))
  }
  const columns = transpose(w, ROWS, ROW_WORDS)
  const folded = foldRows(challenge(sid, bytesOf(U)), columns)
  const x = wordsOf(m1.subarray(U_BYTES, U_BYTES + FOLD_WORDS * 4))
  const t = wordsOf(m1.subarray(U_BYTES + FOLD_WORDS * 4))
  let difference = 0
  for (let row = 0; row < ROWS; row++) {
    const mask = -bit(delta, row)
    for (let k = 0; k < FOLD_WORDS; k++) {
      const at = row * FOLD_WORDS + k
      difference |= (folded[at] as number) ^ (t[at] as number) ^ ((x[k] as number) & mask)
    }
  }
  wipe(w, r, message, folded)
  if (difference === 0) return columns
  wipe(columns)
  return undefined
}

/** r_x = ROWX(F_b(x)). */
function expandLeaf(
  leaves: Uint32Array,
  message: Uint32Array,
  b: number,
  x: number,
  row: Uint32Array,
): void {
  message[9] = b | (x << 16)
  keyedBlock(leaves, (b * LEAVES + x) * NODE_WORDS, message, 40, row, 0, ROW_WORDS)
}

/** rows[index] ⊕= row & mask. */
function addRow(rows: Uint32Array, index: number, row: Uint32Array, mask: number): void {
  const at = index * ROW_WORDS
  for (let k = 0; k < ROW_WORDS; k++) {
    rows[at + k] = (rows[at + k] as number) ^ ((row[k] as number) & mask)
  }
}

/** χ_1..χ_4, 16 bytes each. */
const challenge = (sid: Uint8Array, U: Uint8Array): Uint32Array =>
  wordsOf(oracle(tags.rvoleChi, 64, sid, U))

/** fold(row) = ⊕ χ_j·row[16(j−1)..16j) ⊕ row[64..80). */
export function foldRow(chi: Uint32Array, row: Uint32Array): Uint32Array {
  const sum = row.slice(4 * FOLD_WORDS)
  for (let at = 0; at < 4 * FOLD_WORDS; at += FOLD_WORDS) {
    addProduct(sum, row.subarray(at, at + FOLD_WORDS), chi.subarray(at, at + FOLD_WORDS))
  }
  return sum
}

/**
 * The fold of all rows at once, on their columns: χ is public, so bit i of a row adds the public
 * element χ_j·x^i, whose set bits say which columns to add. No address depends on a row. Equal to
 * `foldRow` of each row. Result: 256 × 16 bytes.
 */
export function foldRows(chi: Uint32Array, columns: Uint32Array): Uint32Array {
  const sums = columns.slice(COLUMNS * COLUMN_WORDS)
  for (let j = 0; j < 4; j++) {
    const power = chi.slice(j * FOLD_WORDS, (j + 1) * FOLD_WORDS)
    for (let i = 0; i < 128; i++) {
      const from = (128 * j + i) * COLUMN_WORDS
      for (let k = 0; k < 128; k++) {
        if ((((power[k >> 5] as number) >>> (k & 31)) & 1) === 0) continue
        const to = k * COLUMN_WORDS
        for (let word = 0; word < COLUMN_WORDS; word++) {
          sums[to + word] = (sums[to + word] as number) ^ (columns[from + word] as number)
        }
      }
      timesX(power)
    }
  }
  const rows = transpose(sums, 128, COLUMN_WORDS)
  wipe(sums)
  return rows
}

const wipe = (...words: Uint32Array[]): void => {
  for (const each of words) each.fill(0)
}
