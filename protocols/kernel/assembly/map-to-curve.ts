import { feIsZero, feNormalise } from './field'
import {
  PAIR_SIZE,
  pairAdd,
  pairCarry,
  pairMultiply,
  pairSetOne,
  pairSquare,
  pairSubtract,
  pairTake,
} from './field-pair'
import { K1, K2, K3, K4, MAP_A, MAP_B, MAP_Z, ROOT_11 } from './map-constants'
import { Y, Z } from './point-pair'
import { pairPower, pairPowerWipe } from './pair-power'

/** So many scratch elements. */
const SCRATCH: usize = 16

const scratch = memory.data(1280, 16)
const t1: usize = scratch
const t2: usize = scratch + PAIR_SIZE
const t3: usize = scratch + 2 * PAIR_SIZE
const t4: usize = scratch + 3 * PAIR_SIZE
const t5: usize = scratch + 4 * PAIR_SIZE
const t6: usize = scratch + 5 * PAIR_SIZE
const x: usize = scratch + 6 * PAIR_SIZE
const y: usize = scratch + 7 * PAIR_SIZE
const y2: usize = scratch + 8 * PAIR_SIZE
const s: usize = scratch + 9 * PAIR_SIZE
const x3: usize = scratch + 10 * PAIR_SIZE
const x2d: usize = scratch + 11 * PAIR_SIZE
const xd2: usize = scratch + 12 * PAIR_SIZE
const d3: usize = scratch + 13 * PAIR_SIZE
const down: usize = scratch + 14 * PAIR_SIZE
const flag: usize = scratch + 15 * PAIR_SIZE
const zero = memory.data(80, 16)

/**
 * out (X : Y : Z, magnitude 1) = map_to_curve(u) of RFC 9380 in both lanes: the simplified SWU map of
 * appendix F.2 with the root of a ratio of F.2.1.2, straight-line, and the isogeny. u is normalised.
 */
export function mapToCurve(out: usize, u: usize): void {
  simplifiedSwu(u)
  isogeny(out)
}

/** x/t4 and y: the point of E'. t1 to t6 are tv1 to tv6 of F.2. */
function simplifiedSwu(u: usize): void {
  pairSquare(t1, u)
  pairMultiply(t1, t1, MAP_Z)
  pairSquare(t2, t1)
  pairAdd(t2, t2, t1)
  pairSetOne(t3)
  pairAdd(t3, t3, t2)
  pairMultiply(t3, t3, MAP_B)
  pairSubtract(t4, zero, t2)
  select(t4, t4, MAP_Z, areZero(t2))
  pairMultiply(t4, t4, MAP_A)
  pairSquare(t2, t3)
  pairSquare(t6, t4)
  pairMultiply(t5, t6, MAP_A)
  pairAdd(t2, t2, t5)
  pairMultiply(t2, t2, t3)
  pairMultiply(t6, t6, t4)
  pairMultiply(t5, t6, MAP_B)
  pairAdd(t2, t2, t5)
  pairMultiply(x, t1, t3)
  // the root of t2/t6, or of Z·t2/t6: y1 = (t2·t6)·(t2·t6³)^((p−3)/4), and y1·√(−Z)
  pairSquare(s, t6)
  pairMultiply(y, t2, t6)
  pairMultiply(s, s, y)
  pairPower(s, s)
  pairMultiply(y, y, s)
  pairMultiply(y2, y, ROOT_11)
  pairSquare(s, y)
  pairMultiply(s, s, t6)
  pairSubtract(s, s, t2)
  const square = areZero(s)
  pairMultiply(s, t1, u)
  pairMultiply(y2, y2, s)
  select(x, x, t3, square)
  select(y, y2, y, square)
  pairSubtract(y2, zero, y)
  select(y, y2, y, i32x4.eq(parities(y), parities(u)))
}

/** The image of (x/t4, y), homogenised: no division. */
function isogeny(out: usize): void {
  pairSquare(t1, x)
  pairSquare(t2, t4)
  pairMultiply(x3, t1, x)
  pairMultiply(x2d, t1, t4)
  pairMultiply(xd2, x, t2)
  pairMultiply(d3, t2, t4)
  // d·(x² + k(2,1)·x·d + k(2,0)·d²)
  pairMultiply(down, xd2, K2 + PAIR_SIZE)
  pairAdd(down, down, x2d)
  pairMultiply(t3, d3, K2)
  pairAdd(down, down, t3)
  // y's denominator, monic too
  quadratic(t5, K4)
  pairAdd(t5, t5, x3)
  pairCarry(t5)
  pairMultiply(out + Z, down, t5)
  quadratic(t6, K1)
  cubic(K1)
  pairMultiply(out, t6, t5)
  quadratic(t6, K3)
  cubic(K3)
  pairMultiply(t6, t6, y)
  pairMultiply(out + Y, t6, down)
}

/** out = k(·,2)·x²d + k(·,1)·xd² + k(·,0)·d³, of magnitude 3. */
function quadratic(out: usize, k: usize): void {
  pairMultiply(out, x2d, k + 2 * PAIR_SIZE)
  pairMultiply(t3, xd2, k + PAIR_SIZE)
  pairAdd(out, out, t3)
  pairMultiply(t3, d3, k)
  pairAdd(out, out, t3)
}

/** t6 += k(·,3)·x³, of magnitude 1. */
function cubic(k: usize): void {
  pairMultiply(t3, x3, k + 3 * PAIR_SIZE)
  pairAdd(t6, t6, t3)
  pairCarry(t6)
}

/** out = in each lane `a`, or `b` where the mask is set. */
// @ts-ignore: decorator
@inline
function select(out: usize, a: usize, b: usize, mask: v128): void {
  for (let i: usize = 0; i < PAIR_SIZE; i += 16) {
    v128.store(out + i, v128.bitselect(v128.load(b + i), v128.load(a + i), mask))
  }
}

/** A mask of the lanes that are 0 mod p. */
function areZero(a: usize): v128 {
  pairTake(flag, a, 0)
  feNormalise(flag)
  const zero0 = 0 - <u32>feIsZero(flag)
  pairTake(flag, a, 1)
  feNormalise(flag)
  const zero1 = 0 - <u32>feIsZero(flag)
  return lanes(zero0, zero1)
}

/** sgn0: the parity of each lane's canonical form. */
function parities(a: usize): v128 {
  pairTake(flag, a, 0)
  feNormalise(flag)
  const odd0 = load<u32>(flag) & 1
  pairTake(flag, a, 1)
  feNormalise(flag)
  return lanes(odd0, load<u32>(flag) & 1)
}

// @ts-ignore: decorator
@inline
function lanes(a: u32, b: u32): v128 {
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a), 1, b), 3, b)
}

export function mapWipe(): void {
  memory.fill(scratch, 0, SCRATCH * PAIR_SIZE)
  pairPowerWipe()
}
