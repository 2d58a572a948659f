import { gfAddProduct } from './gf128'
import { transpose } from './transpose'

const WORDS: i32 = 4 // χ_1..χ_4
const FIELD: i32 = 16 // bytes of an element
const DEGREE: i32 = 128
const COLUMN: i32 = 32 // bytes
const GROUP: i32 = 4 // columns whose 16 sums are tabled
const GROUPS: i32 = DEGREE / GROUP
const TABLE: i32 = 16 * COLUMN
const REACH: i32 = DEGREE + GROUP - 1 // places that one group adds to
const PLACES: i32 = 2 * DEGREE - 1 // of a product before its reduction

const tables: usize = memory.data(GROUPS * TABLE, 16)
const windows: usize = memory.data(2 * REACH, 2)
const sums: usize = memory.data(PLACES * COLUMN, 16)

/** fold(row) = ⊕ χ_j·row[16(j−1) .. 16j) ⊕ row[64..80) (02 §3.1). Secret: the row. */
export function foldRow(out: usize, chi: usize, row: usize): void {
  memory.copy(out, row + WORDS * FIELD, FIELD)
  for (let at = 0; at < WORDS * FIELD; at += FIELD) gfAddProduct(out, chi + at, row + at)
}

/**
 * The fold of 256 rows at once, on their 640 columns: 256 × 16 bytes. χ is public, and alone says which sums of
 * columns are added where; no address depends on a column (10 §4.4). Secret: the columns. Ends with `wipeFold`.
 */
export function foldColumns(out: usize, chi: usize, columns: usize): void {
  memory.fill(sums, 0, PLACES * COLUMN)
  for (let j = 0; j < WORDS; j++) {
    slideWindow(chi + FIELD * j)
    const from = columns + DEGREE * COLUMN * j
    for (let g = 0; g < GROUPS; g++) sumSubsets(tables + TABLE * g, from + GROUP * COLUMN * g)
    for (let place = 0; place < PLACES; place++) addTabled(place)
  }
  // x^128 = x^7 + x^2 + x + 1
  for (let place = PLACES - 1; place >= DEGREE; place--) {
    const from = sums + COLUMN * place
    const to = from - COLUMN * DEGREE
    add(to, from)
    add(to + COLUMN, from)
    add(to + 2 * COLUMN, from)
    add(to + 7 * COLUMN, from)
  }
  for (let k = 0; k < DEGREE; k++) {
    add(sums + COLUMN * k, columns + COLUMN * (WORDS * DEGREE + k))
  }
  transpose(out, sums, DEGREE, COLUMN)
}

export function wipeFold(): void {
  memory.fill(tables, 0, GROUPS * TABLE)
  memory.fill(sums, 0, PLACES * COLUMN)
}

/** For each place m the offset of the sum whose columns t have bit m − t of χ_j set. */
function slideWindow(chi: usize): void {
  let window: u32 = 0
  for (let m = 0; m < REACH; m++) {
    const bit: u32 = m < DEGREE ? (load<u8>(chi + (m >> 3)) >> (m & 7)) & 1 : 0
    window = ((window << 1) | bit) & 15
    store<u16>(windows + 2 * m, <u16>(window * COLUMN))
  }
}

/** The 16 sums of four columns. */
function sumSubsets(table: usize, four: usize): void {
  for (let subset = 1; subset < 16; subset++) {
    const rest = table + COLUMN * (subset & (subset - 1))
    const column = four + COLUMN * ctz(subset)
    const at = table + COLUMN * subset
    v128.store(at, v128.xor(v128.load(rest), v128.load(column)))
    v128.store(at, v128.xor(v128.load(rest, 16), v128.load(column, 16)), 16)
  }
}

/** What all groups add to one place. */
function addTabled(place: i32): void {
  const at = sums + COLUMN * place
  let low = v128.load(at)
  let high = v128.load(at, 16)
  const first = max(0, (place - REACH + GROUP) >> 2)
  const last = min(GROUPS - 1, place >> 2)
  let window = windows + 2 * (place - GROUP * first)
  const end = tables + TABLE * last
  for (let table = tables + TABLE * first; table <= end; table += TABLE, window -= 2 * GROUP) {
    const from = table + <usize>load<u16>(window)
    low = v128.xor(low, v128.load(from))
    high = v128.xor(high, v128.load(from, 16))
  }
  v128.store(at, low)
  v128.store(at, high, 16)
}

// @ts-ignore: decorator
@inline
function add(to: usize, from: usize): void {
  v128.store(to, v128.xor(v128.load(to), v128.load(from)))
  v128.store(to, v128.xor(v128.load(to, 16), v128.load(from, 16)), 16)
}
