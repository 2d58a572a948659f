import { affineOfHomogeneous } from './affine'
import { BETA } from './endomorphism'
import { FE_SIZE, feCopy, feMultiply, feNormalise } from './field'
import { PAIR_SIZE } from './field-pair'
import { JACOBIAN_SIZE } from './jacobian'
import {
  jacobianPairAddDistinct,
  jacobianPairDouble,
  jacobianPairToHomogeneous,
  jacobianPairWipe,
} from './jacobian-pair'
import { ODD_MULTIPLES_SIZE, oddMultiples } from './odd-multiples'
import { POINT_SIZE } from './point'
import {
  POINT_PAIR_SIZE,
  pointPairAdd,
  pointPairAddAffine,
  pointPairSet,
  pointPairSwapped,
  pointPairTake,
  pointPairWipe,
} from './point-pair'
import { HALF_WINDOWS, splitDigits, WINDOW_BITS, WINDOW_ENTRIES, window } from './scalar-digits'
import { selectPair, selectWipe } from './select'

const MANY: i32 = 32 // points that share one inversion; two tables of 16 entries each are 80 kB
const TABLE: usize = 2 * 16 * 80 // the odd multiples of P, then of λP

const tables = memory.data(81920, 16) // MANY × TABLE
const results = memory.data(3840, 16) // MANY homogeneous points
const x = memory.data(80, 16)
const y = memory.data(80, 16)
const sum = memory.data(240, 16)
const other = memory.data(240, 16)
const digitsP = memory.data(20, 16)
const digitsLambda = memory.data(20, 16)

/** out = sc·pt; false for sc = 0. Constant time in sc; pt is public. */
export function multiply(out: usize, pt: usize, sc: usize): bool {
  splitDigits(digitsP, digitsLambda, sc)
  makeTables(pt, 1)
  // The lanes go through the two halves of the scalar side by side, and are added at the end. Until then
  // the sum is s·P, 32 ≤ |s| < 2^130 before a digit of at most 31 is added: never the same, nor opposite.
  for (let i = HALF_WINDOWS - 1; i >= 0; i--) {
    selectPair(x, y, tables, window(digitsP, i), tables + ODD_MULTIPLES_SIZE, window(digitsLambda, i))
    if (i == HALF_WINDOWS - 1) {
      pointPairSet(sum, x, y)
      continue
    }
    for (let k = 0; k < WINDOW_BITS; k++) jacobianPairDouble(sum)
    jacobianPairAddDistinct(sum, x, y)
  }
  jacobianPairToHomogeneous(sum)
  pointPairSwapped(other, sum)
  pointPairAdd(sum, other)
  pointPairTake(results, sum, 0)
  const finite = affineOfHomogeneous(out, results, 1)
  wipe(1)
  return finite
}

/** outs = sc·pts for n points; false for sc = 0. Constant time in sc; n and the points are public. */
export function multiplyMany(outs: usize, pts: usize, n: i32, sc: usize): bool {
  let finite = true
  splitDigits(digitsP, digitsLambda, sc)
  for (let first = 0; first < n; first += MANY) {
    const count = min(MANY, n - first)
    const at = <usize>first * POINT_SIZE
    makeTables(pts + at, count)
    for (let i = 0; i < count; i += 2) multiplyTwo(i, min(i + 1, count - 1))
    finite = affineOfHomogeneous(outs + at, results, count) && finite
  }
  wipe(min(MANY, n))
  return finite
}

/**
 * The products of two points, one in each lane. The sum is s·P + t·λP. Before a digit is added, to s or to t,
 * the other of them is not 0, and both are below 2^126 in all rounds but the last; were the sum O, or plus or
 * minus what is added, then a + bλ = 0 mod q for some (a, b) ≠ 0 of at most 2^126 + 31 in size. But q divides
 * a² − ab + b², as λ² + λ + 1 = 0, so that 3·max(a², b²) ≥ q. In the last round the formulas are complete.
 */
function multiplyTwo(first: i32, second: i32): void {
  const table0 = tables + <usize>first * TABLE
  const table1 = tables + <usize>second * TABLE
  for (let i = HALF_WINDOWS - 1; i >= 0; i--) {
    let w = window(digitsP, i)
    selectPair(x, y, table0, w, table1, w)
    if (i == HALF_WINDOWS - 1) pointPairSet(sum, x, y)
    else {
      for (let k = 0; k < WINDOW_BITS; k++) jacobianPairDouble(sum)
      if (i == 0) jacobianPairToHomogeneous(sum)
      addEntry(i == 0)
    }
    w = window(digitsLambda, i)
    selectPair(x, y, table0 + ODD_MULTIPLES_SIZE, w, table1 + ODD_MULTIPLES_SIZE, w)
    addEntry(i == 0)
  }
  pointPairTake(results + <usize>first * JACOBIAN_SIZE, sum, 0)
  pointPairTake(results + <usize>second * JACOBIAN_SIZE, sum, 1)
}

// @ts-ignore: decorator
@inline
function addEntry(last: bool): void {
  if (last) pointPairAddAffine(sum, x, y)
  else jacobianPairAddDistinct(sum, x, y)
}

/** The odd multiples of n points, and their images (βx, y) under the endomorphism. */
function makeTables(pts: usize, n: i32): void {
  oddMultiples(tables, TABLE, pts, n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < WINDOW_ENTRIES; k++) {
      const entry = tables + <usize>i * TABLE + <usize>k * POINT_SIZE
      const image = entry + ODD_MULTIPLES_SIZE
      feMultiply(image, entry, BETA)
      feNormalise(image)
      feCopy(image + FE_SIZE, entry + FE_SIZE)
    }
  }
}

/** Forgets the scalar and what came of it. The tables hold multiples of public points. */
function wipe(n: i32): void {
  memory.fill(x, 0, PAIR_SIZE)
  memory.fill(y, 0, PAIR_SIZE)
  memory.fill(sum, 0, POINT_PAIR_SIZE)
  memory.fill(other, 0, POINT_PAIR_SIZE)
  memory.fill(digitsP, 0, 20)
  memory.fill(digitsLambda, 0, 20)
  memory.fill(results, 0, <usize>n * JACOBIAN_SIZE)
  selectWipe()
  pointPairWipe()
  jacobianPairWipe()
}
