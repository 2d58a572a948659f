import { PAIR_SIZE, pairSubtract } from './field-pair'
import { POINT_SIZE } from './point'
import { WINDOW_ENTRIES } from './scalar-digits'

const none = memory.data(80, 16)
const negated = memory.data(80, 16)

/**
 * x and y (pairs) = in each lane the multiple 2w − 31 of the table's point, w the lane's 5-bit window: both
 * tables are read in full under masks, and the sign is a masked choice of −y. Secret: w0, w1.
 */
export function selectPair(
  x: usize,
  y: usize,
  table0: usize,
  w0: u32,
  table1: usize,
  w1: u32,
): void {
  const plus0 = 0 - (w0 >> 4) // all ones for 2w − 31 > 0
  const plus1 = 0 - (w1 >> 4)
  // 2w − 31 = 2(w − 16) + 1 or −(2(15 − w) + 1)
  const wanted0 = i32x4.splat((w0 ^ ~plus0) & 15)
  const wanted1 = i32x4.splat((w1 ^ ~plus1) & 15)
  let a0 = i32x4.splat(0)
  let a1 = a0
  let a2 = a0
  let a3 = a0
  let a4 = a0
  let b0 = a0
  let b1 = a0
  let b2 = a0
  let b3 = a0
  let b4 = a0
  let at0 = table0
  let at1 = table1
  for (let i = 0; i < WINDOW_ENTRIES; i++) {
    const mask0 = i32x4.eq(wanted0, i32x4.splat(i))
    const mask1 = i32x4.eq(wanted1, i32x4.splat(i))
    a0 = v128.or(a0, v128.and(mask0, v128.load(at0)))
    a1 = v128.or(a1, v128.and(mask0, v128.load(at0, 16)))
    a2 = v128.or(a2, v128.and(mask0, v128.load(at0, 32)))
    a3 = v128.or(a3, v128.and(mask0, v128.load(at0, 48)))
    a4 = v128.or(a4, v128.and(mask0, v128.load(at0, 64)))
    b0 = v128.or(b0, v128.and(mask1, v128.load(at1)))
    b1 = v128.or(b1, v128.and(mask1, v128.load(at1, 16)))
    b2 = v128.or(b2, v128.and(mask1, v128.load(at1, 32)))
    b3 = v128.or(b3, v128.and(mask1, v128.load(at1, 48)))
    b4 = v128.or(b4, v128.and(mask1, v128.load(at1, 64)))
    at0 += POINT_SIZE
    at1 += POINT_SIZE
  }
  v128.store(x, v128.shuffle<u32>(a0, b0, 0, 4, 1, 5))
  v128.store(x, v128.shuffle<u32>(a0, b0, 2, 6, 3, 7), 16)
  v128.store(x, v128.shuffle<u32>(a1, b1, 0, 4, 1, 5), 32)
  v128.store(x, v128.shuffle<u32>(a1, b1, 2, 6, 3, 7), 48)
  v128.store(x, v128.shuffle<u32>(a2, b2, 0, 4, 1, 5), 64)
  v128.store(y, v128.shuffle<u32>(a2, b2, 2, 6, 3, 7))
  v128.store(y, v128.shuffle<u32>(a3, b3, 0, 4, 1, 5), 16)
  v128.store(y, v128.shuffle<u32>(a3, b3, 2, 6, 3, 7), 32)
  v128.store(y, v128.shuffle<u32>(a4, b4, 0, 4, 1, 5), 48)
  v128.store(y, v128.shuffle<u32>(a4, b4, 2, 6, 3, 7), 64)
  pairSubtract(negated, none, y)
  const plus = i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(plus0), 1, plus1), 3, plus1)
  for (let i: usize = 0; i < PAIR_SIZE; i += 16) {
    v128.store(y + i, v128.bitselect(v128.load(y + i), v128.load(negated + i), plus))
  }
}

/** Forgets the last entry. */
export function selectWipe(): void {
  memory.fill(negated, 0, PAIR_SIZE)
}
