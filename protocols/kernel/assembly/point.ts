import { affineOfJacobian } from './affine'
import {
  FE_SIZE,
  feCopy,
  feEqual,
  feMultiply,
  feNormalise,
  feSquare,
  feSubtract,
} from './field'
import { feFromBytes, feToBytes } from './field-bytes'
import { pairOf, pairTake } from './field-pair'
import { JACOBIAN_SIZE, jacobianAddAffine, jacobianSet, jacobianSetO } from './jacobian'
import { pairPowerWipe, pairRoot } from './pair-power'
import { scIsZero, scLoadReduced } from './scalar'

/**
 * An affine point, never O: x and y, normalised (./field). All that is here takes public points, unless it
 * says otherwise, and may take a time that depends on them.
 */
export const POINT_SIZE: usize = 2 * FE_SIZE

const CURVE_B: u32 = 7
const ENCODED: usize = 33

const sum = memory.data(120, 16)
const cubes = memory.data(80, 16)
const roots = memory.data(80, 16)
const root = memory.data(40, 16)
const scratch = memory.data(40, 16)
const zero = memory.data(40, 16)
const order = memory.data<u8>(
  [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
  ],
  16,
)
const bytes = memory.data(32, 16)

/** A compressed point: prefix 2 or 3, x < p, on the curve. False for all else. One square root. */
export function pointDecode(out: usize, in33: usize): bool {
  return decodeTwo(out, in33, out, in33)
}

/** As `pointDecode` for n encodings one after the other, two roots at a time; false when one is refused. */
export function pointDecodeMany(outs: usize, ins33: usize, n: i32): bool {
  for (let i = 0; i < n; i += 2) {
    const j = min(i + 1, n - 1) // the last of an odd count is done twice
    const first = ins33 + <usize>i * ENCODED
    const second = ins33 + <usize>j * ENCODED
    if (!decodeTwo(outs + <usize>i * POINT_SIZE, first, outs + <usize>j * POINT_SIZE, second)) return false
  }
  return true
}

function decodeTwo(out0: usize, first: usize, out1: usize, second: usize): bool {
  if (!readX(out0, first) || !readX(out1, second)) return false
  rightSide(cubes, out0)
  rightSide(cubes + FE_SIZE, out1)
  pairOf(roots, cubes, cubes + FE_SIZE)
  pairRoot(roots, roots)
  pairPowerWipe()
  pairTake(root, roots, 0)
  if (!chooseY(out0, root, cubes, load<u8>(first))) return false
  pairTake(root, roots, 1)
  return chooseY(out1, root, cubes + FE_SIZE, load<u8>(second))
}

/** The prefix and a canonical x. */
function readX(out: usize, in33: usize): bool {
  feFromBytes(out, in33 + 1)
  feCopy(scratch, out)
  feNormalise(scratch)
  return (load<u8>(in33) & 0xfe) == 2 && feEqual(scratch, out)
}

/** out = x³ + 7. */
function rightSide(out: usize, x: usize): void {
  feSquare(out, x)
  feMultiply(out, out, x)
  store<u32>(out, load<u32>(out) + CURVE_B)
}

/** y = ±r, as the prefix says; false when r² is not `square`. y = 0 does not occur: −7 is no cube. */
function chooseY(out: usize, r: usize, square: usize, prefix: u8): bool {
  feSquare(scratch, r)
  feNormalise(scratch)
  feNormalise(square)
  if (!feEqual(scratch, square)) return false
  feNormalise(r)
  if ((load<u32>(r) & 1) == <u32>(prefix & 1)) feCopy(out + FE_SIZE, r)
  else {
    feSubtract(out + FE_SIZE, zero, r)
    feNormalise(out + FE_SIZE)
  }
  return true
}

/** 33 bytes. Constant time in the point. */
export function pointEncode(out33: usize, pt: usize): void {
  store<u8>(out33, <u8>(2 | (load<u32>(pt + FE_SIZE) & 1)))
  feToBytes(out33 + 1, pt)
}

/**
 * out = a + b; false when that is O. A point that came of a secret leaves nothing here: the only branches are on
 * equal or opposite points.
 */
export function pointAdd(out: usize, a: usize, b: usize): bool {
  jacobianSet(sum, a, a + FE_SIZE)
  jacobianAddAffine(sum, b, b + FE_SIZE)
  return ofSum(out)
}

function ofSum(out: usize): bool {
  const finite = affineOfJacobian(out, sum, 1)
  memory.fill(sum, 0, JACOBIAN_SIZE)
  return finite
}

/** out = −a. Constant time. */
export function pointNegate(out: usize, a: usize): void {
  feCopy(out, a)
  feSubtract(out + FE_SIZE, zero, a + FE_SIZE)
  feNormalise(out + FE_SIZE)
}

/** No branch on the points. */
export function pointEqual(a: usize, b: usize): bool {
  return feEqual(a, b) && feEqual(a + FE_SIZE, b + FE_SIZE)
}

/** out = the sum of n points; false when that is O, as for none. */
export function pointsSum(out: usize, pts: usize, n: i32): bool {
  jacobianSetO(sum)
  for (let i = 0; i < n; i++) {
    const pt = pts + <usize>i * POINT_SIZE
    jacobianAddAffine(sum, pt, pt + FE_SIZE)
  }
  return ofSum(out)
}

/** y mod 2. */
export function pointYOdd(pt: usize): bool {
  return (load<u32>(pt + FE_SIZE) & 1) != 0
}

/** out = x mod q, a scalar; false when that is 0. */
export function pointXModQ(outSc: usize, pt: usize): bool {
  feToBytes(bytes, pt)
  scLoadReduced(outSc, bytes)
  return !scIsZero(outSc)
}

/** Whether x ≥ q. */
export function pointXExceedsQ(pt: usize): bool {
  feToBytes(bytes, pt)
  for (let i: usize = 0; i < 32; i++) {
    const x = load<u8>(bytes + i)
    const limit = load<u8>(order + i)
    if (x != limit) return x > limit
  }
  return true
}
