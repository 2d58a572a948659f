import { FE_SIZE, feCopy, feIsZero, feMultiply, feNormalise, feSquare } from './field'
import { feInvert } from './modular-inverse'
import { JACOBIAN_SIZE, jacobianWipe, JY, JZ } from './jacobian'

/** All scratch of inversions is zero between calls: what is inverted may be secret. */
const products = memory.data(33280, 16) // 832 elements: at most the entries of a comb are inverted at once
const running = memory.data(40, 16)
const inverse = memory.data(40, 16)
const square = memory.data(40, 16)

/**
 * Replaces n ≤ 832 elements by their inverses with one inversion and 3n products. Nothing branches
 * on a value: one 0 makes all results 0. Returns whether there was none.
 */
export function invertMany(elements: usize, n: i32): bool {
  feCopy(products, elements)
  for (let i = 1; i < n; i++) {
    const at = <usize>i * FE_SIZE
    feMultiply(products + at, products + at - FE_SIZE, elements + at)
  }
  feInvert(running, products + <usize>(n - 1) * FE_SIZE)
  for (let i = n - 1; i > 0; i--) {
    const at = <usize>i * FE_SIZE
    feMultiply(inverse, running, products + at - FE_SIZE)
    feMultiply(running, running, elements + at)
    feCopy(elements + at, inverse)
  }
  feCopy(elements, running)
  feNormalise(running)
  const finite = !feIsZero(running)
  memory.fill(products, 0, <usize>n * FE_SIZE)
  memory.fill(running, 0, FE_SIZE)
  memory.fill(inverse, 0, FE_SIZE)
  return finite
}

const zs = memory.data(33280, 16)

/** Affine points (80 bytes, normalised) of n ≤ 832 points (X : Y : Z); false when one is O. */
export function affineOfHomogeneous(outs: usize, points: usize, n: i32): bool {
  for (let i = 0; i < n; i++) {
    feCopy(zs + <usize>i * FE_SIZE, points + <usize>i * JACOBIAN_SIZE + JZ)
  }
  const finite = invertMany(zs, n)
  for (let i = 0; i < n; i++) {
    const out = outs + <usize>i * 2 * FE_SIZE
    const point = points + <usize>i * JACOBIAN_SIZE
    const z = zs + <usize>i * FE_SIZE
    feMultiply(out, point, z)
    feMultiply(out + FE_SIZE, point + JY, z)
    feNormalise(out)
    feNormalise(out + FE_SIZE)
  }
  memory.fill(zs, 0, <usize>n * FE_SIZE)
  return finite
}

/** As `affineOfHomogeneous` for Jacobian points; forgets what their sums left behind. */
export function affineOfJacobian(outs: usize, points: usize, n: i32): bool {
  for (let i = 0; i < n; i++) {
    feCopy(zs + <usize>i * FE_SIZE, points + <usize>i * JACOBIAN_SIZE + JZ)
  }
  const finite = invertMany(zs, n)
  for (let i = 0; i < n; i++) {
    const point = points + <usize>i * JACOBIAN_SIZE
    scaled(outs + <usize>i * 2 * FE_SIZE, point, point + JY, zs + <usize>i * FE_SIZE)
  }
  memory.fill(zs, 0, <usize>n * FE_SIZE)
  jacobianWipe()
  return finite
}

/** out = (X·z², Y·z³), normalised. */
export function scaled(out: usize, X: usize, Y: usize, z: usize): void {
  feSquare(square, z)
  feMultiply(out, X, square)
  feMultiply(square, square, z)
  feMultiply(out + FE_SIZE, Y, square)
  feNormalise(out)
  feNormalise(out + FE_SIZE)
  memory.fill(square, 0, FE_SIZE)
}
