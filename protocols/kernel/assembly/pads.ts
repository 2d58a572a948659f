import { addWords, begin, COLH, LANES, setItems, setKey, setWord, squeeze, wipeKeyed } from './keyed-lanes'
import { oracleBegin, oracleEnd, oracleField, TAG_RVOLE_COLUMN } from './oracle'
import { LIMBS, lanesFromWords } from './scalar-lanes'

export const WIDTH: i32 = 3 // ℓ + ρ
/** Bytes of the pads of four columns: three times four scalars. */
export const PADS: i32 = WIDTH * LIMBS

const COLUMN: i32 = 32 // bytes
const COLUMN_WORDS: i32 = 8
const BODY: u32 = 40 // code, u16 j, u16 0, column
const HALF: i32 = 256

const key: usize = memory.data(32, 16)
const words: usize = memory.data(2 * HALF, 16)

/** Readies the COLH of one execution. Public: sid. */
export function beginPads(sid: usize): void {
  oracleBegin(TAG_RVOLE_COLUMN)
  oracleField(sid, 32)
  oracleEnd(key, 32)
  begin(COLH)
  setKey(key)
}

/**
 * COLH of columns 4·group to 4·group + 3 (02 §3.1), not reduced: below 2^256. Secret: columns, pads.
 * The caller ends with `wipePads`.
 */
export function padsOf(out: usize, group: i32, columns: usize): void {
  setWord(1, v128.add<i32>(i32x4.splat(LANES * group), i32x4(0, 1, 2, 3)))
  setItems(2, columns + COLUMN * LANES * group)
  hash(out)
}

/** The pads of the same columns ⊕ Δ, just after `padsOf`. */
export function shiftedPads(out: usize, delta: usize): void {
  addWords(2, delta, COLUMN_WORDS)
  hash(out)
}

export function wipePads(): void {
  memory.fill(words, 0, 2 * HALF)
  wipeKeyed()
}

function hash(out: usize): void {
  squeeze(words, 0, BODY)
  squeeze(words + HALF, 1, BODY)
  for (let i = 0; i < WIDTH; i++) lanesFromWords(out + LIMBS * i, words + 128 * i)
}
