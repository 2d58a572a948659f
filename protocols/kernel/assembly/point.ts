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
import { feRoot } from './field-root'
import { jacobianAddAffine, jacobianSet, jacobianSetO } from './jacobian'
import { scIsZero, scLoadReduced } from './scalar'

/**
 * An affine point, never O: x and y, normalised (./field). All that is here takes public points, unless it
 * says otherwise, and may take a time that depends on them.
 */
export const POINT_SIZE: usize = 2 * FE_SIZE

const CURVE_B: u32 = 7

const sum = memory.data(120, 16)
const cube = memory.data(40, 16)
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
  const prefix = load<u8>(in33)
  if ((prefix & 0xfe) != 2) return false
  feFromBytes(out, in33 + 1)
  feCopy(scratch, out)
  feNormalise(scratch)
  if (!feEqual(scratch, out)) return false
  feSquare(cube, out)
  feMultiply(cube, cube, out)
  store<u32>(cube, load<u32>(cube) + CURVE_B)
  feRoot(root, cube)
  feSquare(scratch, root)
  feNormalise(scratch)
  feNormalise(cube)
  if (!feEqual(scratch, cube)) return false
  feNormalise(root)
  // y = 0 is no point: −7 is no cube
  if ((load<u32>(root) & 1) == <u32>(prefix & 1)) feCopy(out + FE_SIZE, root)
  else {
    feSubtract(out + FE_SIZE, zero, root)
    feNormalise(out + FE_SIZE)
  }
  return true
}

/** 33 bytes. Constant time in the point. */
export function pointEncode(out33: usize, pt: usize): void {
  store<u8>(out33, <u8>(2 | (load<u32>(pt + FE_SIZE) & 1)))
  feToBytes(out33 + 1, pt)
}

/** out = a + b; false when that is O. */
export function pointAdd(out: usize, a: usize, b: usize): bool {
  jacobianSet(sum, a, a + FE_SIZE)
  jacobianAddAffine(sum, b, b + FE_SIZE)
  return affineOfJacobian(out, sum, 1)
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
  return affineOfJacobian(out, sum, 1)
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
