import { affineOfHomogeneous, affineOfJacobian } from './affine'
import { FE_SIZE, feSubtract } from './field'
import { PAIR_SIZE } from './field-pair'
import { JACOBIAN_SIZE, jacobianAddAffine, jacobianDouble, jacobianSet } from './jacobian'
import {
  jacobianPairAddDistinct,
  jacobianPairToHomogeneous,
  jacobianPairWipe,
} from './jacobian-pair'
import { mapInit } from './map-constants'
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
import { COMB_WINDOWS, combDigits, WINDOW_BITS, window } from './scalar-digits'
import { selectPair, selectWipe } from './select'

/** The odd multiples up to 31 of 32^i·P for all 52 windows. */
export const COMB_SIZE: i32 = 52 * 16 * 80

const MANY: i32 = 64 // products that share one inversion
const DIGITS: usize = 36

const generatorTable = memory.data(COMB_SIZE, 16)
/** x and y of G. */
const generator = memory.data<u32>(
  [
    0x16f81798, 0x0f940ad8, 0x138a3656, 0x17f9b65b, 0x10b07029, 0x114ae743, 0x0eb15681, 0x0fdf3b97,
    0x0079be66, 0, 0x1b10d4b8, 0x023e847f, 0x01550667, 0x0f68914d, 0x108a8fd1, 0x1dfe0708,
    0x11957693, 0x0ee4d478, 0x00483ada, 0,
  ],
  16,
)

const powers = memory.data(6240, 16) // 52 Jacobian points
const x = memory.data(80, 16)
const y = memory.data(80, 16)
const sum = memory.data(240, 16)
const other = memory.data(240, 16)
const zero = memory.data(40, 16)
const digits = memory.data(72, 16)
const results = memory.data(7680, 16) // MANY homogeneous points

/** Builds the table of G and the constants of the maps: once, before anything else of the curve. */
export function curveInit(): void {
  mapInit()
  combBuild(generatorTable, generator)
}

/** Fills COMB_SIZE bytes at `table` for the public point `pt`. */
export function combBuild(table: usize, pt: usize): void {
  jacobianSet(powers, pt, pt + FE_SIZE)
  for (let i = 1; i < COMB_WINDOWS; i++) {
    const power = powers + <usize>i * JACOBIAN_SIZE
    memory.copy(power, power - JACOBIAN_SIZE, JACOBIAN_SIZE)
    for (let k = 0; k < WINDOW_BITS; k++) jacobianDouble(power)
  }
  affineOfJacobian(powers, powers, COMB_WINDOWS)
  oddMultiples(table, ODD_MULTIPLES_SIZE, powers, COMB_WINDOWS)
}

/** out = sc·G; false for sc = 0. Constant time in sc. */
export function baseMultiply(out: usize, sc: usize): bool {
  return combMultiply(out, generatorTable, sc)
}

/** total (Jacobian) += sc·G: public sc, variable time. No doubling, as the comb has its own point per window. */
export function addBaseMultiple(total: usize, sc: usize): void {
  combDigits(digits, sc)
  for (let i = 0; i < COMB_WINDOWS; i++) {
    const digit = 2 * <i32>window(digits, i) - 31
    const entry = generatorTable + <usize>i * ODD_MULTIPLES_SIZE + <usize>(abs(digit) >> 1) * POINT_SIZE
    if (digit > 0) jacobianAddAffine(total, entry, entry + FE_SIZE)
    else {
      feSubtract(y, zero, entry + FE_SIZE)
      jacobianAddAffine(total, entry, y)
    }
  }
  memory.fill(y, 0, FE_SIZE)
  memory.fill(digits, 0, DIGITS)
}

/** As `baseMultiply` for n scalars (public: n); false when any is 0. */
export function baseMultiplyMany(outs: usize, scs: usize, n: i32): bool {
  return combMultiplyMany(outs, generatorTable, scs, n)
}

/** sc times the point of the table; false for sc = 0. Constant time in sc: the lanes share its windows. */
function combMultiply(out: usize, table: usize, sc: usize): bool {
  combDigits(digits, sc)
  walk(table, 0, COMB_WINDOWS / 2, COMB_WINDOWS / 2)
  pointPairSwapped(other, sum)
  pointPairAdd(sum, other)
  pointPairTake(results, sum, 0)
  const finite = affineOfHomogeneous(out, results, 1)
  wipe(1)
  return finite
}

/**
 * n scalars times the point of the table, to affine points; false when any is 0, and then no point counts.
 * Constant time in scs; n and the point are public.
 */
export function combMultiplyMany(outs: usize, table: usize, scs: usize, n: i32): bool {
  let finite = true
  for (let first = 0; first < n; first += MANY) {
    const count = min(MANY, n - first)
    finite = combMultiplyChunk(outs + <usize>first * POINT_SIZE, table, scs + <usize>first * 32, count) && finite
  }
  return finite
}

function combMultiplyChunk(outs: usize, table: usize, scs: usize, n: i32): bool {
  for (let i = 0; i < n; i += 2) {
    const second = min(i + 1, n - 1) // the last of an odd count is done twice
    combDigits(digits, scs + <usize>i * 32)
    combDigits(digits + DIGITS, scs + <usize>second * 32)
    walk(table, DIGITS, 0, COMB_WINDOWS)
    pointPairTake(results + <usize>i * JACOBIAN_SIZE, sum, 0)
    pointPairTake(results + <usize>second * JACOBIAN_SIZE, sum, 1)
  }
  const finite = affineOfHomogeneous(outs, results, n)
  wipe(n)
  return finite
}

/**
 * sum = in lane 0 the first `count` windows of the scalar whose digits lie at `digits`, in lane 1 those from
 * `skip` on of the scalar at `digits + second`. A sum of windows below i is less than 32^i in size and an
 * entry of window i at least that, so that they differ, also in sign, and modulo q while 32^(i+1) < q: in
 * all windows but the last, where the formulas are complete.
 */
function walk(table: usize, second: usize, skip: i32, count: i32): void {
  for (let i = 0; i < count; i++) {
    const at = table + <usize>i * ODD_MULTIPLES_SIZE
    const w0 = window(digits, i)
    const w1 = window(digits + second, i + skip)
    selectPair(x, y, at, w0, at + <usize>skip * ODD_MULTIPLES_SIZE, w1)
    if (i == 0) pointPairSet(sum, x, y)
    else if (i < count - 1) jacobianPairAddDistinct(sum, x, y)
    else {
      jacobianPairToHomogeneous(sum)
      pointPairAddAffine(sum, x, y)
    }
  }
}

/** Forgets the scalars of n products and what came of them. */
function wipe(n: i32): void {
  memory.fill(x, 0, PAIR_SIZE)
  memory.fill(y, 0, PAIR_SIZE)
  memory.fill(sum, 0, POINT_PAIR_SIZE)
  memory.fill(other, 0, POINT_PAIR_SIZE)
  memory.fill(digits, 0, 2 * DIGITS)
  memory.fill(results, 0, <usize>n * JACOBIAN_SIZE)
  selectWipe()
  pointPairWipe()
  jacobianPairWipe()
}
