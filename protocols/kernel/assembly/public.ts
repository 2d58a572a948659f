import { baseMultiply } from './comb'
import { affineOfJacobian } from './affine'
import { FE_SIZE } from './field'
import {
  JACOBIAN_SIZE,
  jacobianAdd,
  jacobianAddAffine,
  jacobianDouble,
  jacobianSet,
  jacobianSetO,
} from './jacobian'
import { multiScalar } from './multi-scalar'
import {
  POINT_SIZE,
  pointAdd,
  pointDecode,
  pointDecodeMany,
  pointEncode,
  pointEqual,
  pointsSum,
  pointXExceedsQ,
  pointXModQ,
  pointYOdd,
} from './point'
import {
  scAdd,
  scInvert,
  scIsZero,
  scLoad,
  scMul,
  scNeg,
  scStore,
  scSub,
} from './scalar'
import { ecdsaVerify, isHigh } from './verify'
import { DONE, MALFORMED, MISUSE, NOTHING } from './codes'
import { entropy } from './entropy'
import { zero } from './memory'
import { pokChallenge } from './pok'

/** Arithmetic over public data, in variable time; but `verifyFeldman` and `areScalars` take shares, which are secret. */
const SC: usize = 32
const ENCODED: usize = 33
const STATEMENT: usize = 168 // sid ‖ guest ‖ place ‖ Y ‖ T ‖ z, then 1 where the lengths are right
const MOST: u32 = 2048 // points of one equation, and of one chunk's commitments

const points = memory.data(163840, 16) // 2,048 points
/** 2,048 scalars; between two operations the running sums of shares (./sharing). */
export const scalars = memory.data(65536, 16)
const sum = memory.data(120, 16)
const base = memory.data(120, 16)
const scratch = memory.data(512, 16)
const one: usize = scratch
const two: usize = scratch + 32
const three: usize = scratch + 64
const weight: usize = scratch + 96
const left: usize = scratch + 128
const right: usize = scratch + 224
const wide: usize = scratch + 320

/** Zeroes what `count` points and scalars took. */
function scrub(count: u32): void {
  zero(points, count * POINT_SIZE)
  zero(scalars, count * SC)
  zero(scratch, 512)
}

function least(a: u32, b: u32): u32 {
  return a < b ? a : b
}

function setSmall(out: usize, value: u32): void {
  zero(out, SC)
  store<u32>(out, value)
}

/** A fresh 128-bit weight, or 1 where there is only one statement. */
function drawWeight(out: usize, alone: bool): void {
  if (alone) {
    setSmall(out, 1)
    return
  }
  zero(wide, SC)
  entropy(wide + 16, 16)
  scLoad(out, wide)
}

/**
 * Σ ω(zG − T − eY) = O over `count` statements of 168 bytes, at most 512 at once; one false statement passes
 * with probability 2^-128. `alone`: the one statement needs no weight.
 */
export function verifyPoks(statements: usize, count: u32, alone: bool): u32 {
  const verdict = poksHold(statements, count, alone)
  scrub(2 * least(count, MOST / 2))
  return verdict
}

function poksHold(statements: usize, count: u32, alone: bool): u32 {
  if (count * 2 > MOST) return MISUSE
  zero(three, SC) // Σ ωz
  for (let k: u32 = 0; k < count; k++) {
    const statement = statements + k * STATEMENT
    const Y = statement + 68
    const T = Y + ENCODED
    if (load<u8>(statement + 166) != 1) return MALFORMED
    if (!pointDecodeMany(points + 2 * k * POINT_SIZE, Y, 2)) return MALFORMED // Y, then T
    if (!scLoad(one, T + ENCODED)) return MALFORMED
    pokChallenge(two, statement, statement + 32, statement + 64, Y, T)
    drawWeight(weight, alone)
    scMul(one, one, weight)
    scAdd(three, three, one)
    scNeg(scalars + (2 * k + 1) * SC, weight)
    scMul(scalars + 2 * k * SC, scalars + (2 * k + 1) * SC, two)
  }
  const hasRight = multiScalar(right, points, scalars, 2 * count)
  // Σ ωz·G = −Σ(…) : both sides O, or opposite points
  scNeg(three, three)
  const hasLeft = baseMultiply(left, three)
  if (!hasLeft || !hasRight) return hasLeft == hasRight ? DONE : NOTHING
  return pointEqual(left, right) ? DONE : NOTHING
}

/**
 * Whether `count` shares are the values at x, a canonical scalar, of the polynomials in F (count × t points): both sides weighted
 * with 128 random bits. The shares are secret, so their side is one constant-time product.
 */
export function verifyFeldman(
  shares: usize,
  count: u32,
  x: usize,
  F: usize,
  threshold: u32,
): u32 {
  const verdict = feldmanHolds(shares, count, x, F, threshold)
  scrub(least(count * threshold, MOST))
  return verdict
}

function feldmanHolds(shares: usize, count: u32, x: usize, F: usize, threshold: u32): u32 {
  const total = count * threshold
  if (total > MOST) return MISUSE
  if (!pointDecodeMany(points, F, total)) return MALFORMED
  scLoad(two, x)
  zero(three, SC)
  for (let b: u32 = 0; b < count; b++) {
    if (!scLoad(one, shares + b * SC)) return MALFORMED
    drawWeight(weight, count == 1)
    scMul(one, one, weight)
    scAdd(three, three, one)
    for (let k: u32 = 0; k < threshold; k++) {
      memory.copy(scalars + (b * threshold + k) * SC, weight, SC)
      scMul(weight, weight, two)
    }
  }
  const hasRight = total != 0 && multiScalar(right, points, scalars, total)
  const hasLeft = baseMultiply(left, three)
  if (!hasLeft || !hasRight) return hasLeft == hasRight ? DONE : NOTHING
  return pointEqual(left, right) ? DONE : NOTHING
}

/** Reads `count` points into the list. */
function readPoints(encoded: usize, count: u32): bool {
  return count != 0 && count <= MOST && pointDecodeMany(points, encoded, count)
}

/** The sum of points; NOTHING when it is O. */
export function sumPoints(encoded: usize, count: u32, out: usize): u32 {
  if (!readPoints(encoded, count)) {
    scrub(least(count, MOST))
    return MISUSE
  }
  const some = pointsSum(left, points, count)
  if (some) pointEncode(out, left)
  scrub(least(count, MOST))
  return some ? DONE : NOTHING
}

/** Σ x^k F[k]; NOTHING when it is O. */
export function evaluateCommitment(F: usize, count: u32, x: u32, out: usize): u32 {
  if (!readPoints(F, count)) {
    scrub(least(count, MOST))
    return MISUSE
  }
  // Horner: x is short, so that a few doublings and additions do for each step.
  let at = points + (count - 1) * POINT_SIZE
  jacobianSet(sum, at, at + FE_SIZE)
  while (at != points) {
    at -= POINT_SIZE
    memory.copy(base, sum, JACOBIAN_SIZE)
    jacobianSetO(sum)
    for (let bit = 31 - <i32>clz(x); bit >= 0; bit--) {
      jacobianDouble(sum)
      if (((x >> bit) & 1) != 0) jacobianAdd(sum, base)
    }
    jacobianAddAffine(sum, at, at + FE_SIZE)
  }
  const some = affineOfJacobian(left, sum, 1)
  if (some) pointEncode(out, left)
  scrub(least(count, MOST))
  return some ? DONE : NOTHING
}

/** P + εG; NOTHING when it is O. */
export function tweakPoint(P: usize, epsilon: usize, out: usize): u32 {
  if (!scLoad(one, epsilon) || !pointDecode(points, P)) {
    scrub(1)
    return MISUSE
  }
  let some = true
  if (scIsZero(one)) memory.copy(left, points, POINT_SIZE)
  else some = baseMultiply(left, one) && pointAdd(left, left, points)
  if (some) pointEncode(out, left)
  scrub(1)
  return some ? DONE : NOTHING
}

/** λ_{x,S}: `signers` are `count` distinct u32 and contain x. */
export function lagrange(x: u32, signers: usize, count: u32, out: usize): u32 {
  setSmall(one, 1) // numerator
  setSmall(two, 1) // denominator
  setSmall(left, x)
  for (let k: u32 = 0; k < count; k++) {
    const other = load<u32>(signers + k * 4)
    if (other == x) continue
    setSmall(three, other)
    scMul(one, one, three)
    scSub(three, three, left)
    scMul(two, two, three)
  }
  scInvert(two, two)
  scMul(one, one, two)
  scStore(out, one)
  scrub(1)
  return DONE
}

/** a + b mod q. */
export function addScalars(a: usize, b: usize, out: usize): u32 {
  const good = scLoad(one, a) && scLoad(two, b)
  if (good) {
    scAdd(one, one, two)
    scStore(out, one)
  }
  scrub(1)
  return good ? DONE : MISUSE
}

/** Whether these are `count` points, at most 2,048. */
export function arePoints(encoded: usize, count: u32): bool {
  const good = count <= MOST && pointDecodeMany(points, encoded, count)
  scrub(least(count, MOST))
  return good
}

/** Whether these are `count` canonical scalars. They may be shares, which are secret; the answer is public. */
export function areScalars(bytes: usize, count: u32): bool {
  let good: u32 = 1
  for (let k: u32 = 0; k < count; k++) good &= <u32>scLoad(one, bytes + k * SC)
  scrub(1)
  return good != 0
}

/** s = Σw / Σu of `count` pairs u ‖ w, low-s: r ‖ s at `out`, then the recovery id as a byte. */
export function combine(R: usize, parts: usize, count: u32, out: usize): u32 {
  const verdict = combined(R, parts, count, out)
  scrub(1)
  return verdict
}

function combined(R: usize, parts: usize, count: u32, out: usize): u32 {
  if (!pointDecode(points, R)) return MISUSE
  zero(two, SC) // Σu
  zero(three, SC) // Σw
  for (let k: u32 = 0; k < count; k++) {
    if (!scLoad(one, parts + k * 64)) return NOTHING
    scAdd(two, two, one)
    if (!scLoad(one, parts + k * 64 + SC)) return NOTHING
    scAdd(three, three, one)
  }
  if (scIsZero(two) || !pointXModQ(left, points) || scIsZero(left)) return NOTHING
  scInvert(two, two)
  scMul(three, three, two)
  if (scIsZero(three)) return NOTHING
  const high = isHigh(three)
  if (high) scNeg(three, three)
  scStore(out, left)
  scStore(out + SC, three)
  const odd: u8 = pointYOdd(points) ? 1 : 0
  const exceeds: u8 = pointXExceedsQ(points) ? 2 : 0
  store<u8>(out + 2 * SC, (odd | exceeds) ^ (high ? 1 : 0))
  return DONE
}

/** ECDSA, low-s only, the recovery id must be the one of the signature's point. `signature` = r ‖ s. */
export function verifySignature(P: usize, digest: usize, signature: usize, recovery: i32): u32 {
  let verdict: u32 = NOTHING
  if (!pointDecode(points, P)) verdict = MISUSE
  else if (scLoad(one, signature) && scLoad(two, signature + SC)) {
    if (ecdsaVerify(points, digest, one, two, recovery)) verdict = DONE
  }
  scrub(1)
  return verdict
}
