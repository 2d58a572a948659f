import { invertMany, scaled } from './affine'
import {
  FE_SIZE,
  feAdd,
  feCopy,
  feMultiply,
  feNormalise,
  feSetOne,
  feSquare,
  feSubtract,
} from './field'
import { jacobianAddDistinct, jacobianDouble, jacobianSet, jacobianWipe, JY, JZ } from './jacobian'
import { POINT_SIZE } from './point'
import { WINDOW_ENTRIES } from './scalar-digits'

/** P, 3P, … 31P as affine points. */
export const ODD_MULTIPLES_SIZE: usize = <usize>WINDOW_ENTRIES * POINT_SIZE

const STEPS: i32 = WINDOW_ENTRIES - 1
const FEW: i32 = 3 // below this, more products cost less than four inversions more

const zs = memory.data(33280, 16) // 832 elements

/**
 * tables + i·stride = the odd multiples of point i, for n ≤ 52 points, which are public. No case is special:
 * the order is a large prime, so that small multiples of a point differ, also in sign, and none is O.
 */
export function oddMultiples(tables: usize, stride: usize, points: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const table = tables + <usize>i * stride
    const point = points + <usize>i * POINT_SIZE
    feCopy(table, point)
    feCopy(table + FE_SIZE, point + FE_SIZE)
  }
  if (n < FEW) {
    for (let i = 0; i < n; i++) chain(tables + <usize>i * stride, zs + <usize>(i * STEPS) * FE_SIZE)
    jacobianWipe()
    invertMany(zs, n * STEPS)
    for (let i = 0; i < n; i++) {
      for (let step = 0; step < STEPS; step++) {
        const entry = tables + <usize>i * stride + <usize>(step + 1) * POINT_SIZE
        scaled(entry, entry, entry + FE_SIZE, zs + <usize>(i * STEPS + step) * FE_SIZE)
      }
    }
    return
  }
  for (let i = 0; i < n; i++) {
    feCopy(evens + <usize>i * POINT_SIZE, points + <usize>i * POINT_SIZE)
    feCopy(evens + <usize>i * POINT_SIZE + FE_SIZE, points + <usize>i * POINT_SIZE + FE_SIZE)
  }
  level(tables, stride, n, 0, true)
  for (let known = 1; known < WINDOW_ENTRIES; known *= 2) {
    level(tables, stride, n, known, 2 * known < WINDOW_ENTRIES)
  }
}

const double = memory.data(120, 16)
const sum = memory.data(120, 16)

/** The multiples from 3 on of a table's first entry, as X, Y with the denominators in `zs`. */
function chain(table: usize, denominators: usize): void {
  // On the isomorphic curve where the denominator of 2P is 1, each step adds an affine point.
  jacobianSet(double, table, table + FE_SIZE)
  jacobianDouble(double)
  feSquare(sum + JZ, double + JZ)
  feMultiply(sum, table, sum + JZ)
  feMultiply(sum + JZ, sum + JZ, double + JZ)
  feMultiply(sum + JY, table + FE_SIZE, sum + JZ)
  feSetOne(sum + JZ)
  for (let step = 0; step < STEPS; step++) {
    jacobianAddDistinct(sum, double, double + JY)
    const entry = table + <usize>(step + 1) * POINT_SIZE
    feCopy(entry, sum)
    feCopy(entry + FE_SIZE, sum + JY)
    feMultiply(denominators + <usize>step * FE_SIZE, sum + JZ, double + JZ)
  }
}

/** E = 2·known·P of every point (P itself before the first level). */
const evens = memory.data(4160, 16) // 52 points
const slope = memory.data(40, 16)
const square = memory.data(40, 16)
const both = memory.data(40, 16)

/**
 * With the first `known` odd multiples of each table, the next `known`, each E plus one of them, and then
 * E = 2E if `doubling`: affine sums of all tables with one inversion, six products each.
 */
function level(tables: usize, stride: usize, n: i32, known: i32, doubling: bool): void {
  let z = zs
  for (let i = 0; i < n; i++) {
    const even = evens + <usize>i * POINT_SIZE
    let entry = tables + <usize>i * stride
    for (let k = 0; k < known; k++, entry += POINT_SIZE, z += FE_SIZE) feSubtract(z, entry, even)
    if (!doubling) continue
    feAdd(z, even + FE_SIZE, even + FE_SIZE)
    z += FE_SIZE
  }
  invertMany(zs, <i32>((z - zs) / FE_SIZE))
  z = zs
  for (let i = 0; i < n; i++) {
    const even = evens + <usize>i * POINT_SIZE
    let entry = tables + <usize>i * stride
    const next = <usize>known * POINT_SIZE
    for (let k = 0; k < known; k++, entry += POINT_SIZE, z += FE_SIZE) {
      feSubtract(slope, entry + FE_SIZE, even + FE_SIZE)
      feMultiply(slope, slope, z)
      third(entry + next, even, entry)
    }
    if (!doubling) continue
    feSquare(slope, even)
    feAdd(square, slope, slope)
    feAdd(slope, slope, square)
    feMultiply(slope, slope, z)
    third(even, even, even)
    z += FE_SIZE
  }
}

/** out = the third point of the line with `slope` through a and b, negated: their sum. */
function third(out: usize, a: usize, b: usize): void {
  feSquare(square, slope)
  feAdd(both, a, b)
  feSubtract(square, square, both)
  feNormalise(square)
  feSubtract(both, a, square)
  feMultiply(slope, slope, both)
  feSubtract(out + FE_SIZE, slope, a + FE_SIZE)
  feNormalise(out + FE_SIZE)
  feCopy(out, square)
}
