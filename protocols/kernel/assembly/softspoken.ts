import { foldColumns, foldRow, wipeFold } from './fold'
import { begin, ROWX, setKeys, setWord, setWords, squeeze, wipeKeyed } from './keyed-lanes'
import { oracleBegin, oracleEnd, oracleField, TAG_RVOLE_CHI } from './oracle'
import { transpose } from './transpose'

const BLOCKS: u32 = 64 // κ/k
const LEAVES: i32 = 16 // 2^k
const LEAF: i32 = 32 // bytes
const ROWS: i32 = 256 // κ
const ROW: i32 = 80 // bytes, (ξ + s)/8
const FOLD: i32 = 16 // bytes
const CHI: i32 = 64 // bytes
const BODY: u32 = 40 // code, sid and word 9
const PART: usize = 512 // two compressions of four lanes

export const CHOICE: i32 = ROW // c' = β ‖ 16 random bytes
export const COLUMN: i32 = 32 // bytes
const COLUMNS: i32 = 8 * ROW
const U: i32 = <i32>BLOCKS * ROW
/** Bytes of m1 = U ‖ x̂ ‖ t̂. */
export const M1: i32 = U + FOLD + ROWS * FOLD

const rows: usize = memory.data(ROWS * ROW, 16)
const parts: usize = memory.data(4 * 512, 16)
const total: usize = memory.data(ROW, 16)
const chi: usize = memory.data(CHI, 16)
const folded: usize = memory.data(ROWS * FOLD, 16)
const xHat: usize = memory.data(FOLD, 16)
/** What the last extension left: 640 columns of 256 bits, the first 512 for the caller. Secret. */
export const columns: usize = memory.data(COLUMNS * COLUMN, 16)

/**
 * Bob (02 §3.1): m1 for the choices c', and `columns` of his rows v. Public: sid and m1. Secret: leaves, c'.
 * The caller ends with `wipeExtension`.
 */
export function extendBob(m1: usize, leaves: usize, sid: usize, choice: usize): void {
  for (let b: u32 = 0; b < BLOCKS; b++) {
    expandBlock(leaves, sid, b)
    const u = m1 + b * ROW
    for (let i = 0; i < ROW; i += 16) {
      v128.store(u + i, v128.xor(v128.load(total + i), v128.load(choice + i)))
    }
  }
  challenge(sid, m1)
  transpose(columns, rows, ROWS, ROW)
  foldRow(m1 + U, chi, choice)
  foldColumns(m1 + U + FOLD, chi, columns)
}

/**
 * Alice (02 §3.2): `columns` of her rows w = v ⊕ Δ·c'; false when the COTe check fails: all 256 rows, one
 * decision. Public: sid, m1, the answer. Secret: leaves, Δ. The caller ends with `wipeExtension`.
 */
export function extendAlice(leaves: usize, delta: usize, sid: usize, m1: usize): bool {
  for (let b: u32 = 0; b < BLOCKS; b++) {
    expandBlock(leaves, sid, b)
    const u = m1 + b * ROW
    const deltaB: u32 = load<u8>(delta + (b >> 1)) >> (4 * (b & 1))
    // The sum over x with bit e of x ⊕ Δ_b set is v^e, or where bit e of Δ_b is set the total without it: either
    // way the leaf she lacks, at x = Δ_b, cancels without a comparison.
    for (let i = 0; i < ROW; i += 16) {
      const other = v128.xor(v128.load(total + i), v128.load(u + i))
      for (let e: u32 = 0; e < 4; e++) {
        const at = rows + (4 * b + e) * ROW + i
        const mask = i32x4.splat(-<i32>((deltaB >> e) & 1))
        v128.store(at, v128.xor(v128.load(at), v128.and(other, mask)))
      }
    }
  }
  challenge(sid, m1)
  transpose(columns, rows, ROWS, ROW)
  foldColumns(folded, chi, columns)
  memory.copy(xHat, m1 + U, FOLD)
  const x = v128.load(xHat)
  const t = m1 + U + FOLD
  let difference = i32x4.splat(0)
  for (let row = 0; row < ROWS; row++) {
    const mask = i32x4.splat(-<i32>((load<u8>(delta + (row >> 3)) >> (row & 7)) & 1))
    const expected = v128.xor(v128.load(t + FOLD * row), v128.and(x, mask))
    difference = v128.or(difference, v128.xor(v128.load(folded + FOLD * row), expected))
  }
  return !v128.any_true(difference)
}

/** Everything an extension leaves in this module and those below. */
export function wipeExtension(): void {
  memory.fill(rows, 0, ROWS * ROW)
  memory.fill(parts, 0, 4 * PART)
  memory.fill(total, 0, ROW)
  memory.fill(folded, 0, ROWS * FOLD)
  memory.fill(columns, 0, COLUMNS * COLUMN)
  wipeFold()
  wipeKeyed()
}

/** χ_1..χ_4 = RO(rvole-chi; sid_m, U). */
function challenge(sid: usize, u: usize): void {
  oracleBegin(TAG_RVOLE_CHI)
  oracleField(sid, 32)
  oracleField(u, U)
  oracleEnd(chi, CHI)
}

/** r_x = ROWX(F_b(x)) of all 16 leaves: rows 4b + e = ⊕ of those with bit e of x set, `total` = ⊕ of all. */
function expandBlock(leaves: usize, sid: usize, b: u32): void {
  begin(ROWX)
  setWords(1, sid, 8)
  let part = parts
  for (let x = 0; x < LEAVES; x += 4, part += PART) {
    setWord(9, v128.add<u32>(i32x4.splat(b | (x << 16)), i32x4(0, 1 << 16, 2 << 16, 3 << 16)))
    setKeys(leaves + LEAF * (LEAVES * b + x))
    squeeze(part, 0, BODY)
    squeeze(part + PART / 2, 1, BODY)
  }
  const row = rows + 4 * ROW * b
  for (let i = 0; i < ROW; i += 16) gather(row + i, total + i, parts + 4 * i)
}

// @ts-ignore: decorator
@inline
function both(at: usize, first: usize, second: usize): v128 {
  return v128.xor(v128.load(at + first * PART), v128.load(at + second * PART))
}

/** The sum over the lanes of each of four vectors. */
// @ts-ignore: decorator
@inline
function across(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = v128.xor(v128.shuffle<u32>(a, b, 0, 4, 1, 5), v128.shuffle<u32>(a, b, 2, 6, 3, 7))
  const cd = v128.xor(v128.shuffle<u32>(c, d, 0, 4, 1, 5), v128.shuffle<u32>(c, d, 2, 6, 3, 7))
  return v128.xor(v128.shuffle<u64>(ab, cd, 0, 2), v128.shuffle<u64>(ab, cd, 1, 3))
}

/** Four words of the rows and the total: lane and part are the low and high two bits of x. */
function gather(row: usize, sum: usize, at: usize): void {
  const a2 = both(at, 1, 3)
  const b2 = both(at + 16, 1, 3)
  const c2 = both(at + 32, 1, 3)
  const d2 = both(at + 48, 1, 3)
  v128.store(row + 2 * ROW, across(a2, b2, c2, d2))
  v128.store(
    row + 3 * ROW,
    across(both(at, 2, 3), both(at + 16, 2, 3), both(at + 32, 2, 3), both(at + 48, 2, 3)),
  )
  const a = v128.xor(a2, both(at, 0, 2))
  const b = v128.xor(b2, both(at + 16, 0, 2))
  const c = v128.xor(c2, both(at + 32, 0, 2))
  const d = v128.xor(d2, both(at + 48, 0, 2))
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5)
  const ef = v128.shuffle<u32>(a, b, 2, 6, 3, 7)
  const gh = v128.shuffle<u32>(c, d, 2, 6, 3, 7)
  const x0 = v128.shuffle<u64>(ab, cd, 0, 2)
  const x1 = v128.shuffle<u64>(ab, cd, 1, 3)
  const x2 = v128.shuffle<u64>(ef, gh, 0, 2)
  const x3 = v128.shuffle<u64>(ef, gh, 1, 3)
  const odd = v128.xor(x1, x3)
  v128.store(row, odd)
  v128.store(row + ROW, v128.xor(x2, x3))
  v128.store(sum, v128.xor(odd, v128.xor(x0, x2)))
}
