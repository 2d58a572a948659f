/**
 * Two elements of the field of ./field side by side: limb i of the one is u32 lane 2i, of the other lane
 * 2i + 1 of 80 bytes, so that `extmul` multiplies two limbs of each at once. A pair costs 1.4 single
 * products. Magnitudes are those of ./field. No function branches on, or addresses memory by, a value.
 */
export const PAIR_SIZE: usize = 80

const LIMBS: v128 = i64x2.splat(0x1fffffff)
const TOPS: v128 = i64x2.splat(0xffffff)
const LANES: v128 = i32x4.splat(0x1fffffff)

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return i64x2.extmul_low_i32x4_u(a, b)
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return i64x2.extmul_high_i32x4_u(a, b)
}

// @ts-ignore: decorator
@inline
function plus(a: v128, b: v128): v128 {
  return i64x2.add(a, b)
}

/** Limbs 2j + 1 before limbs 2j. */
// @ts-ignore: decorator
@inline
function swapped(a: v128): v128 {
  return v128.shuffle<u32>(a, a, 2, 3, 0, 1)
}

/** Limbs from 64-bit lanes back to 32-bit ones. */
// @ts-ignore: decorator
@inline
function packed(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 2, 4, 6)
}

/** 31264·a by shifts: faster than unpacking for another `extmul`. */
// @ts-ignore: decorator
@inline
function fold(a: v128): v128 {
  return plus(
    i64x2.sub(i64x2.shl(a, 15), i64x2.shl(a, 11)),
    plus(i64x2.shl(a, 9), i64x2.shl(a, 5)),
  )
}

// @ts-ignore: decorator
@inline
function foldTwice(a: v128): v128 {
  return i64x2.shl(fold(a), 8)
}

// @ts-ignore: decorator
@inline
function times977(a: v128): v128 {
  return i64x2.shr_u(fold(a), 5)
}

/** out = a·b in both lanes. The magnitudes of a and b may multiply to 7; the result has 1. */
export function pairMultiply(out: usize, a: usize, b: usize): void {
  const a0 = v128.load(a, 0)
  const a1 = v128.load(a, 16)
  const a2 = v128.load(a, 32)
  const a3 = v128.load(a, 48)
  const a4 = v128.load(a, 64)
  const b0 = v128.load(b, 0)
  const b1 = v128.load(b, 16)
  const b2 = v128.load(b, 32)
  const b3 = v128.load(b, 48)
  const b4 = v128.load(b, 64)
  const bs0 = swapped(b0)
  const bs1 = swapped(b1)
  const bs2 = swapped(b2)
  const bs3 = swapped(b3)
  const bs4 = swapped(b4)
  let sum = low(a0, b4)
  sum = plus(sum, high(a0, b3))
  sum = plus(sum, low(a1, b3))
  sum = plus(sum, high(a1, b2))
  sum = plus(sum, low(a2, b2))
  sum = plus(sum, high(a2, b1))
  sum = plus(sum, low(a3, b1))
  sum = plus(sum, high(a3, b0))
  sum = plus(sum, low(a4, b0))
  const t8 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, high(a0, bs4))
  sum = plus(sum, low(a1, bs3))
  sum = plus(sum, high(a1, bs3))
  sum = plus(sum, low(a2, bs2))
  sum = plus(sum, high(a2, bs2))
  sum = plus(sum, low(a3, bs1))
  sum = plus(sum, high(a3, bs1))
  sum = plus(sum, low(a4, bs0))
  const t9 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a1, b4))
  sum = plus(sum, high(a1, b3))
  sum = plus(sum, low(a2, b3))
  sum = plus(sum, high(a2, b2))
  sum = plus(sum, low(a3, b2))
  sum = plus(sum, high(a3, b1))
  sum = plus(sum, low(a4, b1))
  const t10 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, high(a1, bs4))
  sum = plus(sum, low(a2, bs3))
  sum = plus(sum, high(a2, bs3))
  sum = plus(sum, low(a3, bs2))
  sum = plus(sum, high(a3, bs2))
  sum = plus(sum, low(a4, bs1))
  const t11 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a2, b4))
  sum = plus(sum, high(a2, b3))
  sum = plus(sum, low(a3, b3))
  sum = plus(sum, high(a3, b2))
  sum = plus(sum, low(a4, b2))
  const t12 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, high(a2, bs4))
  sum = plus(sum, low(a3, bs3))
  sum = plus(sum, high(a3, bs3))
  sum = plus(sum, low(a4, bs2))
  const t13 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a3, b4))
  sum = plus(sum, high(a3, b3))
  sum = plus(sum, low(a4, b3))
  const t14 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, high(a3, bs4))
  sum = plus(sum, low(a4, bs3))
  const t15 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a4, b4))
  const t16 = v128.and(sum, LIMBS)
  const t17 = i64x2.shr_u(sum, 29)
  sum = low(a0, b0)
  sum = plus(sum, fold(t9))
  sum = plus(sum, foldTwice(t17))
  let r0 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, bs0))
  sum = plus(sum, high(a0, bs0))
  sum = plus(sum, fold(t10))
  sum = plus(sum, i64x2.shl(t9, 8))
  sum = plus(sum, i64x2.shl(t17, 16))
  let r1 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, b1))
  sum = plus(sum, high(a0, b0))
  sum = plus(sum, low(a1, b0))
  sum = plus(sum, fold(t11))
  sum = plus(sum, i64x2.shl(t10, 8))
  const r2 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, bs1))
  sum = plus(sum, high(a0, bs1))
  sum = plus(sum, low(a1, bs0))
  sum = plus(sum, high(a1, bs0))
  sum = plus(sum, fold(t12))
  sum = plus(sum, i64x2.shl(t11, 8))
  const r3 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, b2))
  sum = plus(sum, high(a0, b1))
  sum = plus(sum, low(a1, b1))
  sum = plus(sum, high(a1, b0))
  sum = plus(sum, low(a2, b0))
  sum = plus(sum, fold(t13))
  sum = plus(sum, i64x2.shl(t12, 8))
  const r4 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, bs2))
  sum = plus(sum, high(a0, bs2))
  sum = plus(sum, low(a1, bs1))
  sum = plus(sum, high(a1, bs1))
  sum = plus(sum, low(a2, bs0))
  sum = plus(sum, high(a2, bs0))
  sum = plus(sum, fold(t14))
  sum = plus(sum, i64x2.shl(t13, 8))
  const r5 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, b3))
  sum = plus(sum, high(a0, b2))
  sum = plus(sum, low(a1, b2))
  sum = plus(sum, high(a1, b1))
  sum = plus(sum, low(a2, b1))
  sum = plus(sum, high(a2, b0))
  sum = plus(sum, low(a3, b0))
  sum = plus(sum, fold(t15))
  sum = plus(sum, i64x2.shl(t14, 8))
  const r6 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, bs3))
  sum = plus(sum, high(a0, bs3))
  sum = plus(sum, low(a1, bs2))
  sum = plus(sum, high(a1, bs2))
  sum = plus(sum, low(a2, bs1))
  sum = plus(sum, high(a2, bs1))
  sum = plus(sum, low(a3, bs0))
  sum = plus(sum, high(a3, bs0))
  sum = plus(sum, fold(t16))
  sum = plus(sum, i64x2.shl(t15, 8))
  const r7 = v128.and(sum, LIMBS)
  sum = plus(plus(i64x2.shr_u(sum, 29), t8), plus(fold(t17), i64x2.shl(t16, 8)))
  const top = i64x2.shr_u(sum, 24)
  r0 = plus(r0, times977(top))
  r1 = plus(r1, i64x2.shl(top, 3))
  v128.store(out, packed(r0, r1), 0)
  v128.store(out, packed(r2, r3), 16)
  v128.store(out, packed(r4, r5), 32)
  v128.store(out, packed(r6, r7), 48)
  v128.store(out, packed(v128.and(sum, TOPS), i64x2.splat(0)), 64)
}

/** out = a² in both lanes. a has magnitude 2 at most. */
export function pairSquare(out: usize, a: usize): void {
  const a0 = v128.load(a, 0)
  const a1 = v128.load(a, 16)
  const a2 = v128.load(a, 32)
  const a3 = v128.load(a, 48)
  const a4 = v128.load(a, 64)
  const d0 = i32x4.add(a0, a0)
  const d1 = i32x4.add(a1, a1)
  const d2 = i32x4.add(a2, a2)
  const d3 = i32x4.add(a3, a3)
  const d4 = i32x4.add(a4, a4)
  const ds0 = swapped(d0)
  const ds1 = swapped(d1)
  const ds2 = swapped(d2)
  const ds3 = swapped(d3)
  const ds4 = swapped(d4)
  let sum = low(a0, d4)
  sum = plus(sum, high(a0, d3))
  sum = plus(sum, low(a1, d3))
  sum = plus(sum, high(a1, d2))
  sum = plus(sum, low(a2, a2))
  const t8 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, high(a0, ds4))
  sum = plus(sum, low(a1, ds3))
  sum = plus(sum, high(a1, ds3))
  sum = plus(sum, low(a2, ds2))
  const t9 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a1, d4))
  sum = plus(sum, high(a1, d3))
  sum = plus(sum, low(a2, d3))
  sum = plus(sum, high(a2, a2))
  const t10 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, high(a1, ds4))
  sum = plus(sum, low(a2, ds3))
  sum = plus(sum, high(a2, ds3))
  const t11 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a2, d4))
  sum = plus(sum, high(a2, d3))
  sum = plus(sum, low(a3, a3))
  const t12 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, high(a2, ds4))
  sum = plus(sum, low(a3, ds3))
  const t13 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a3, d4))
  sum = plus(sum, high(a3, a3))
  const t14 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, high(a3, ds4))
  const t15 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a4, a4))
  const t16 = v128.and(sum, LIMBS)
  const t17 = i64x2.shr_u(sum, 29)
  sum = low(a0, a0)
  sum = plus(sum, fold(t9))
  sum = plus(sum, foldTwice(t17))
  let r0 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, ds0))
  sum = plus(sum, fold(t10))
  sum = plus(sum, i64x2.shl(t9, 8))
  sum = plus(sum, i64x2.shl(t17, 16))
  let r1 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, d1))
  sum = plus(sum, high(a0, a0))
  sum = plus(sum, fold(t11))
  sum = plus(sum, i64x2.shl(t10, 8))
  const r2 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, ds1))
  sum = plus(sum, high(a0, ds1))
  sum = plus(sum, fold(t12))
  sum = plus(sum, i64x2.shl(t11, 8))
  const r3 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, d2))
  sum = plus(sum, high(a0, d1))
  sum = plus(sum, low(a1, a1))
  sum = plus(sum, fold(t13))
  sum = plus(sum, i64x2.shl(t12, 8))
  const r4 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, ds2))
  sum = plus(sum, high(a0, ds2))
  sum = plus(sum, low(a1, ds1))
  sum = plus(sum, fold(t14))
  sum = plus(sum, i64x2.shl(t13, 8))
  const r5 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, d3))
  sum = plus(sum, high(a0, d2))
  sum = plus(sum, low(a1, d2))
  sum = plus(sum, high(a1, a1))
  sum = plus(sum, fold(t15))
  sum = plus(sum, i64x2.shl(t14, 8))
  const r6 = v128.and(sum, LIMBS)
  sum = i64x2.shr_u(sum, 29)
  sum = plus(sum, low(a0, ds3))
  sum = plus(sum, high(a0, ds3))
  sum = plus(sum, low(a1, ds2))
  sum = plus(sum, high(a1, ds2))
  sum = plus(sum, fold(t16))
  sum = plus(sum, i64x2.shl(t15, 8))
  const r7 = v128.and(sum, LIMBS)
  sum = plus(plus(i64x2.shr_u(sum, 29), t8), plus(fold(t17), i64x2.shl(t16, 8)))
  const top = i64x2.shr_u(sum, 24)
  r0 = plus(r0, times977(top))
  r1 = plus(r1, i64x2.shl(top, 3))
  v128.store(out, packed(r0, r1), 0)
  v128.store(out, packed(r2, r3), 16)
  v128.store(out, packed(r4, r5), 32)
  v128.store(out, packed(r6, r7), 48)
  v128.store(out, packed(v128.and(sum, TOPS), i64x2.splat(0)), 64)
}
/** out = a + b: the magnitudes add. */
// @ts-ignore: decorator
@inline
export function pairAdd(out: usize, a: usize, b: usize): void {
  v128.store(out, i32x4.add(v128.load(a), v128.load(b)))
  v128.store(out, i32x4.add(v128.load(a, 16), v128.load(b, 16)), 16)
  v128.store(out, i32x4.add(v128.load(a, 32), v128.load(b, 32)), 32)
  v128.store(out, i32x4.add(v128.load(a, 48), v128.load(b, 48)), 48)
  v128.store(out, i32x4.add(v128.load(a, 64), v128.load(b, 64)), 64)
}

// 8p as in `feSubtract`
const BIAS_01: v128 = i32x4(0x80000000 - 7816, 0x80000000 - 7816, 0x80000000 - 68, 0x80000000 - 68)
const BIAS: v128 = i32x4.splat(0x80000000 - 4)
const BIAS_TOP: v128 = i32x4(0x8000000 - 4, 0x8000000 - 4, 0, 0)

/** out = a − b, of magnitude 1. a and b have magnitude 3 at most. */
export function pairSubtract(out: usize, a: usize, b: usize): void {
  carried(
    out,
    i32x4.add(v128.load(a), i32x4.sub(BIAS_01, v128.load(b))),
    i32x4.add(v128.load(a, 16), i32x4.sub(BIAS, v128.load(b, 16))),
    i32x4.add(v128.load(a, 32), i32x4.sub(BIAS, v128.load(b, 32))),
    i32x4.add(v128.load(a, 48), i32x4.sub(BIAS, v128.load(b, 48))),
    i32x4.add(v128.load(a, 64), i32x4.sub(BIAS_TOP, v128.load(b, 64))),
  )
}

/** out = 21a (3b of the curve), of magnitude 1. a has magnitude 2 at most. */
export function pairTimes21(out: usize, a: usize): void {
  for (let i: usize = 0; i < PAIR_SIZE; i += 16) {
    const limbs = v128.load(a + i)
    v128.store(out + i, i32x4.add(i32x4.shl(limbs, 1), limbs))
  }
  pairCarry(out)
  for (let i: usize = 0; i < PAIR_SIZE; i += 16) {
    const limbs = v128.load(out + i)
    v128.store(out + i, i32x4.sub(i32x4.shl(limbs, 3), limbs))
  }
  pairCarry(out)
}

/** Brings any magnitude up to 7 to 1, in place. */
export function pairCarry(a: usize): void {
  carried(
    a,
    v128.load(a),
    v128.load(a, 16),
    v128.load(a, 32),
    v128.load(a, 48),
    v128.load(a, 64),
  )
}

/** Stores limbs of magnitude 7 at most as an element of magnitude 1. */
// @ts-ignore: decorator
@inline
function carried(out: usize, a0: v128, a1: v128, a2: v128, a3: v128, a4: v128): void {
  const c0 = i32x4.shr_u(a0, 29)
  const c1 = i32x4.shr_u(a1, 29)
  const c2 = i32x4.shr_u(a2, 29)
  const c3 = i32x4.shr_u(a3, 29)
  const top = i32x4.shr_u(a4, 24)
  const back = i32x4.mul(v128.shuffle<u32>(top, top, 0, 1, 0, 1), i32x4(977, 977, 8, 8))
  const zero = i32x4.splat(0)
  v128.store(out, i32x4.add(i32x4.add(v128.and(a0, LANES), back), v128.shuffle<u32>(zero, c0, 0, 1, 4, 5)))
  v128.store(out, i32x4.add(v128.and(a1, LANES), v128.shuffle<u32>(c0, c1, 2, 3, 4, 5)), 16)
  v128.store(out, i32x4.add(v128.and(a2, LANES), v128.shuffle<u32>(c1, c2, 2, 3, 4, 5)), 32)
  v128.store(out, i32x4.add(v128.and(a3, LANES), v128.shuffle<u32>(c2, c3, 2, 3, 4, 5)), 48)
  v128.store(out, i32x4.add(v128.and(a4, i32x4.splat(0xffffff)), v128.shuffle<u32>(c3, zero, 2, 3, 4, 5)), 64)
}

/** The element in `lane` (public) of a pair. */
export function pairTake(out: usize, pair: usize, lane: usize): void {
  const from = pair + 4 * lane
  for (let i: usize = 0; i < 10; i++) store<u32>(out + 4 * i, load<u32>(from + 8 * i))
}

/** Two elements side by side. */
export function pairOf(out: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < 10; i++) {
    store<u32>(out + 8 * i, load<u32>(a + 4 * i))
    store<u32>(out + 8 * i, load<u32>(b + 4 * i), 4)
  }
}

// @ts-ignore: decorator
@inline
export function pairCopy(out: usize, a: usize): void {
  for (let i: usize = 0; i < PAIR_SIZE; i += 16) v128.store(out + i, v128.load(a + i))
}

export function pairSetOne(out: usize): void {
  memory.fill(out, 0, PAIR_SIZE)
  store<u64>(out, 0x100000001)
}
