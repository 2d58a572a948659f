import { INVERSIONS, invertMany, scaled } from './affine'
import { FE_SIZE, feCopy, feMultiply, feSquare } from './field'
import { jacobianAddDistinct, jacobianDouble, jacobianSet, JY, JZ } from './jacobian'
import { POINT_SIZE } from './point'
import { WINDOW_ENTRIES } from './scalar-digits'

/** P, 3P, … 31P as affine points. */
export const ODD_MULTIPLES_SIZE: usize = <usize>WINDOW_ENTRIES * POINT_SIZE

const STEPS: i32 = WINDOW_ENTRIES - 1
/** Tables of so many points are made at once. */
export const TABLES: i32 = INVERSIONS / STEPS

const zs = memory.data(33280, 16)
const double = memory.data(120, 16)
const sum = memory.data(120, 16)

/**
 * tables + i·stride = the odd multiples of point i, for n ≤ TABLES points, with one inversion.
 * Points are public, and none of their multiples up to 31 coincide: the order is a large prime.
 */
export function oddMultiples(tables: usize, stride: usize, points: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const table = tables + <usize>i * stride
    const point = points + <usize>i * POINT_SIZE
    // On the isomorphic curve where the denominator of 2P is 1, each step adds an affine point.
    jacobianSet(double, point, point + FE_SIZE)
    jacobianDouble(double)
    feSquare(sum + JZ, double + JZ)
    feMultiply(sum, point, sum + JZ)
    feMultiply(sum + JZ, sum + JZ, double + JZ)
    feMultiply(sum + JY, point + FE_SIZE, sum + JZ)
    memory.fill(sum + JZ, 0, FE_SIZE)
    store<u32>(sum + JZ, 1)
    feCopy(table, point)
    feCopy(table + FE_SIZE, point + FE_SIZE)
    for (let step = 0; step < STEPS; step++) {
      jacobianAddDistinct(sum, double, double + JY)
      const entry = table + <usize>(step + 1) * POINT_SIZE
      feCopy(entry, sum)
      feCopy(entry + FE_SIZE, sum + JY)
      feMultiply(zs + <usize>(i * STEPS + step) * FE_SIZE, sum + JZ, double + JZ)
    }
  }
  invertMany(zs, n * STEPS)
  for (let i = 0; i < n; i++) {
    for (let step = 0; step < STEPS; step++) {
      const entry = tables + <usize>i * stride + <usize>(step + 1) * POINT_SIZE
      scaled(entry, entry, entry + FE_SIZE, zs + <usize>(i * STEPS + step) * FE_SIZE)
    }
  }
}
