import { BETA } from './endomorphism'
import { FE_SIZE, feMultiply, feSubtract } from './field'
import {
  JACOBIAN_SIZE,
  jacobianAdd,
  jacobianAddAffine,
  jacobianDouble,
  jacobianSetO,
} from './jacobian'
import { POINT_SIZE } from './point'
import { splitPublic } from './scalar-digits'

/** Points of one pass. */
export const BUCKET_POINTS: i32 = 4096

const HALF: usize = 24 // 160 bits and a word that windows may read beyond them
const MAX_BITS: i32 = 10
const HALF_BITS: i32 = 130 // of a half with its offset

const halves = memory.data(196608, 16) // 2 × HALF of each point
const buckets = memory.data(61440, 16) // 2^(MAX_BITS − 1) Jacobian points
const running = memory.data(120, 16)
const window = memory.data(120, 16)
const offset = memory.data(24, 16)
const x = memory.data(40, 16)
const y = memory.data(40, 16)
const zero = memory.data(40, 16)

/**
 * total (Jacobian) += Σ sc·pt over n ≤ BUCKET_POINTS points (Pippenger): in each window of a half every
 * point goes into the bucket of its digit, and the buckets are summed by their weight. Public inputs.
 */
export function addByBuckets(total: usize, pts: usize, scs: usize, n: i32): void {
  const bits = n < 200 ? 7 : n < 800 ? 8 : MAX_BITS
  const windows = (HALF_BITS + bits - 1) / bits
  readHalves(scs, n, bits, windows)
  const count: i32 = 1 << (bits - 1)
  jacobianSetO(window)
  for (let w = windows - 1; w >= 0; w--) {
    for (let k = 0; k < bits; k++) jacobianDouble(window)
    for (let b = 0; b < count; b++) jacobianSetO(buckets + <usize>b * JACOBIAN_SIZE)
    for (let i = 0; i < n; i++) {
      const pt = pts + <usize>i * POINT_SIZE
      const half = halves + <usize>(2 * i) * HALF
      put(pt, digit(half, w * bits, bits), false)
      put(pt, digit(half + HALF, w * bits, bits), true)
    }
    jacobianSetO(running)
    for (let b = count - 1; b >= 0; b--) {
      jacobianAdd(running, buckets + <usize>b * JACOBIAN_SIZE)
      jacobianAdd(window, running)
    }
  }
  jacobianAdd(total, window)
}

/**
 * The halves of each scalar plus half of 2^bits in every window: a window of the sum less that half is a
 * digit from −2^(bits−1) on, and no half is negative any more.
 */
function readHalves(scs: usize, n: i32, bits: i32, windows: i32): void {
  memory.fill(offset, 0, HALF)
  for (let w = 0; w < windows; w++) {
    const bit = w * bits + bits - 1
    const at = offset + (<usize>(bit >> 5) << 2)
    store<u32>(at, load<u32>(at) | (<u32>1 << (bit & 31)))
  }
  for (let i = 0; i < n; i++) {
    const half = halves + <usize>(2 * i) * HALF
    splitPublic(half, half + HALF, scs + <usize>i * 32)
    addOffset(half)
    addOffset(half + HALF)
  }
}

function addOffset(half: usize): void {
  let carry: u64 = 0
  for (let i: usize = 0; i < 20; i += 4) {
    carry += <u64>load<u32>(half + i) + <u64>load<u32>(offset + i)
    store<u32>(half + i, <u32>carry)
    carry >>= 32
  }
}

function digit(half: usize, from: i32, bits: i32): i32 {
  const at = half + (<usize>(from >> 5) << 2)
  const words = <u64>load<u32>(at) | (<u64>load<u32>(at, 4) << 32)
  const size: u32 = 1 << bits
  return <i32>(<u32>(words >> (from & 31)) & (size - 1)) - <i32>(size >> 1)
}

/** The bucket of |digit| += ±P, or ±λP. */
function put(pt: usize, digit: i32, image: bool): void {
  if (digit == 0) return
  let atX = pt
  let atY = pt + FE_SIZE
  if (image) {
    feMultiply(x, atX, BETA)
    atX = x
  }
  if (digit < 0) {
    feSubtract(y, zero, atY)
    atY = y
  }
  jacobianAddAffine(buckets + <usize>(abs(digit) - 1) * JACOBIAN_SIZE, atX, atY)
}
