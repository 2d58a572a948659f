import {
  PAIR_SIZE,
  pairAdd,
  pairCarry,
  pairCopy,
  pairMultiply,
  pairSquare,
  pairSubtract,
} from './field-pair'
import { Y, Z } from './point-pair'

/**
 * Two points side by side in Jacobian coordinates, x = X/Z², y = Y/Z³, of magnitude 1: cheaper than
 * ./point-pair by a sixth, but sums of equal or opposite points are wrong. Each caller says why it has none.
 */

const t0 = memory.data(80, 16)
const t1 = memory.data(80, 16)
const t2 = memory.data(80, 16)
const t3 = memory.data(80, 16)
const t4 = memory.data(80, 16)
const t5 = memory.data(80, 16)

/** a = 2a: three products, four squares. Holds for every point. */
export function jacobianPairDouble(a: usize): void {
  pairAdd(t0, a + Y, a + Y)
  pairMultiply(a + Z, a + Z, t0)
  pairSquare(t1, a) // A = X²
  pairSquare(t2, a + Y) // B = Y²
  pairAdd(t5, t1, t1)
  pairAdd(t1, t1, t5)
  pairCarry(t1) // E = 3A
  pairAdd(t2, t2, t2)
  pairAdd(t3, a, a)
  pairMultiply(t3, t3, t2) // D = 4XB
  pairSquare(t4, t1)
  pairSquare(t2, t2)
  pairAdd(t2, t2, t2) // 8B²
  pairAdd(t5, t3, t3)
  pairSubtract(a, t4, t5)
  pairSubtract(t3, t3, a)
  pairMultiply(t1, t1, t3)
  pairSubtract(a + Y, t1, t2)
}

/** a = a + (x, y), where a is neither O nor ±(x, y) in either lane: eight products, three squares. */
export function jacobianPairAddDistinct(a: usize, x: usize, y: usize): void {
  pairSquare(t0, a + Z)
  pairMultiply(t1, x, t0)
  pairMultiply(t0, t0, a + Z)
  pairMultiply(t2, y, t0)
  pairSubtract(t1, t1, a) // H
  pairSubtract(t2, t2, a + Y) // R
  pairMultiply(a + Z, a + Z, t1)
  pairSquare(t3, t1)
  pairMultiply(t1, t1, t3) // H³
  pairMultiply(t3, t3, a) // X·H²
  pairSquare(t4, t2)
  pairAdd(t5, t3, t3)
  pairAdd(t5, t5, t1)
  pairSubtract(a, t4, t5)
  pairSubtract(t3, t3, a)
  pairMultiply(t1, t1, a + Y)
  pairMultiply(t3, t3, t2)
  pairSubtract(a + Y, t3, t1)
}

/** The same points in the homogeneous coordinates of ./point-pair, in place: (XZ : Y : Z³). */
export function jacobianPairToHomogeneous(a: usize): void {
  pairMultiply(a, a, a + Z)
  pairSquare(t0, a + Z)
  pairMultiply(t1, t0, a + Z)
  pairCopy(a + Z, t1)
}

/** Forgets intermediate values. */
export function jacobianPairWipe(): void {
  memory.fill(t0, 0, PAIR_SIZE)
  memory.fill(t1, 0, PAIR_SIZE)
  memory.fill(t2, 0, PAIR_SIZE)
  memory.fill(t3, 0, PAIR_SIZE)
  memory.fill(t4, 0, PAIR_SIZE)
  memory.fill(t5, 0, PAIR_SIZE)
}
