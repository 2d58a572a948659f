import { FE_SIZE } from './field'
import {
  PAIR_SIZE,
  pairAdd,
  pairCarry,
  pairCopy,
  pairMultiply,
  pairSetOne,
  pairSubtract,
  pairTimes21,
  pairTake,
} from './field-pair'

/**
 * Two points side by side in homogeneous coordinates (X : Y : Z), x = X/Z, y = Y/Z, O = (0 : 1 : 0): the
 * complete formulas of Renes, Costello and Batina (EUROCRYPT 2016, section 3.2, a = 0). They hold for
 * all points of a curve of odd order, O, equal and opposite ones included, so that no case is special.
 *
 * Between calls X has magnitude 1, Y and Z 2 at most.
 */
export const POINT_PAIR_SIZE: usize = 3 * PAIR_SIZE

export const Y: usize = PAIR_SIZE
export const Z: usize = 2 * PAIR_SIZE

const t0 = memory.data(80, 16)
const t1 = memory.data(80, 16)
const t2 = memory.data(80, 16)
const t3 = memory.data(80, 16)
const t4 = memory.data(80, 16)
const t5 = memory.data(80, 16)

/** a = a + (x, y) (algorithm 8): eleven products. x and y have magnitude 1. */
export function pointPairAddAffine(a: usize, x: usize, y: usize): void {
  pairMultiply(t0, a, x)
  pairMultiply(t1, a + Y, y)
  pairAdd(t3, x, y)
  pairAdd(t4, a, a + Y)
  pairMultiply(t3, t3, t4)
  pairAdd(t4, t0, t1)
  pairSubtract(t3, t3, t4)
  pairMultiply(t4, y, a + Z)
  pairAdd(t4, t4, a + Y)
  pairMultiply(t5, x, a + Z)
  pairAdd(t5, t5, a)
  pairTimes21(t2, a + Z)
  sum(a)
}

/** a = a + b (algorithm 7): twelve products. b has magnitude 1. */
export function pointPairAdd(a: usize, b: usize): void {
  pairCarry(a + Y)
  pairCarry(a + Z)
  pairMultiply(t0, a, b)
  pairMultiply(t1, a + Y, b + Y)
  pairMultiply(t2, a + Z, b + Z)
  cross(t3, a, a + Y, b, b + Y, t0, t1)
  cross(t4, a + Y, a + Z, b + Y, b + Z, t1, t2)
  cross(t5, a, a + Z, b, b + Z, t0, t2)
  pairTimes21(t2, t2)
  sum(a)
}

const left = memory.data(80, 16)
const right = memory.data(80, 16)

/** out = (p + q)(r + s) − pr − qs = ps + qr. */
function cross(out: usize, p: usize, q: usize, r: usize, s: usize, pr: usize, qs: usize): void {
  pairAdd(left, p, q)
  pairAdd(right, r, s)
  pairMultiply(out, left, right)
  pairAdd(left, pr, qs)
  pairSubtract(out, out, left)
}

/**
 * The second half of both: t0 = X1X2, t1 = Y1Y2, t2 = b3·Z1Z2, t3 = X1Y2 + X2Y1, t4 = Y1Z2 + Y2Z1,
 * t5 = X1Z2 + X2Z1; magnitudes 1, but 3 of t4 and 2 of t5.
 */
function sum(a: usize): void {
  pairTimes21(t5, t5)
  pairAdd(a + Z, t1, t2)
  pairSubtract(t1, t1, t2)
  pairAdd(t2, t0, t0)
  pairAdd(t0, t0, t2) // 3·X1X2
  pairMultiply(t2, t4, t5)
  pairMultiply(a, t3, t1)
  pairSubtract(a, a, t2)
  pairMultiply(t1, t1, a + Z)
  pairMultiply(t5, t5, t0)
  pairAdd(a + Y, t1, t5)
  pairMultiply(t0, t0, t3)
  pairMultiply(a + Z, a + Z, t4)
  pairAdd(a + Z, a + Z, t0)
}

/** a = (x, y). */
export function pointPairSet(a: usize, x: usize, y: usize): void {
  pairCopy(a, x)
  pairCopy(a + Y, y)
  pairSetOne(a + Z)
}

/** out = a with its lanes exchanged, of magnitude 1. */
export function pointPairSwapped(out: usize, a: usize): void {
  for (let i: usize = 0; i < POINT_PAIR_SIZE; i += 16) {
    v128.store(out + i, v128.shuffle<u32>(v128.load(a + i), v128.load(a + i), 1, 0, 3, 2))
  }
  pairCarry(out + Y)
  pairCarry(out + Z)
}

/** out (X, Y, Z of 40 bytes) = the point in `lane` (public). */
export function pointPairTake(out: usize, a: usize, lane: usize): void {
  pairTake(out, a, lane)
  pairTake(out + FE_SIZE, a + Y, lane)
  pairTake(out + 2 * FE_SIZE, a + Z, lane)
}

/** Forgets intermediate values. */
export function pointPairWipe(): void {
  memory.fill(t0, 0, PAIR_SIZE)
  memory.fill(t1, 0, PAIR_SIZE)
  memory.fill(t2, 0, PAIR_SIZE)
  memory.fill(t3, 0, PAIR_SIZE)
  memory.fill(t4, 0, PAIR_SIZE)
  memory.fill(t5, 0, PAIR_SIZE)
  memory.fill(left, 0, PAIR_SIZE)
  memory.fill(right, 0, PAIR_SIZE)
}
