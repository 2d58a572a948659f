import { baseMultiply, baseMultiplyMany } from './comb'
import { POINT_SIZE, pointEncode } from './point'
import { scAdd, scIsZero, scLoad, scMul, scStore } from './scalar'
import { DONE, FULL, MISUSE } from './codes'
import { randomScalar } from './entropy'
import { zero } from './memory'
import { pokChallenge } from './pok'
import { scalars } from './public'
import { at, DEAL, DEAL_HEAD, find, room, SHARE, take, takeDeal } from './slots'

const SC: usize = 32
const ENCODED: usize = 33
const POK: usize = 65 // T ‖ z
const SHARE_COEFFICIENT: u32 = 65535 // marks the proof of a share (02 §5, K3)
const MANY: u32 = 64 // points that share one inversion

const points = memory.data(6144, 16) // 64 points
const nonces = memory.data(2048, 16) // 64 scalars
const scratch = memory.data(256, 16)
const one: usize = scratch + 64
const two: usize = scratch + 96
const place: usize = scratch + 128
const encodedY: usize = scratch + 144
const SUMS: usize = 65536 // 2,048 scalars

function scrub(): void {
  zero(points, 6144)
  zero(nonces, 2048)
  zero(scratch, 256)
}

function least(a: u32, b: u32): u32 {
  return a < b ? a : b
}

/**
 * Polynomials of degree t − 1; `constants` are `count` handles, which the caller knows to be of shares, behind the
 * public scalar that multiplies them, or 0. F = count × t points, public. 'deal': threshold, count, coefficients, F.
 */
export function dealBegin(threshold: u32, count: u32, constants: usize, outF: usize): u32 {
  const total = threshold * count
  if (constants != 0) scLoad(one, constants)
  const handle = takeDeal(total)
  if (handle == 0) return FULL
  const deal = at(handle)
  store<u32>(deal, threshold)
  store<u32>(deal + 4, count)
  const coefficients = deal + DEAL_HEAD
  for (let b: u32 = 0; b < count; b++) {
    for (let k: u32 = 0; k < threshold; k++) {
      const out = coefficients + (b * threshold + k) * SC
      if (k == 0 && constants != 0) scMul(out, find(load<u32>(constants + b * 4, SC), SHARE), one)
      else randomScalar(out)
    }
  }
  const F = coefficients + total * SC
  for (let from: u32 = 0; from < total; from += MANY) {
    const n = least(MANY, total - from)
    baseMultiplyMany(points, coefficients + from * SC, n)
    for (let k: u32 = 0; k < n; k++) pointEncode(F + (from + k) * ENCODED, points + k * POINT_SIZE)
  }
  memory.copy(outF, F, total * ENCODED)
  scrub()
  return handle
}

/** z = k + e·secret behind the T that `out` begins with; k and the secret are secret. */
function answer(
  out: usize,
  k: usize,
  secret: usize,
  sid: usize,
  guest: usize,
  index: u32,
  coefficient: u32,
  Y: usize,
): void {
  store<u16>(place, <u16>index)
  store<u16>(place + 2, <u16>coefficient)
  pokChallenge(one, sid, guest, place, Y, out)
  scMul(two, one, secret)
  scAdd(two, two, k)
  scStore(out + ENCODED, two)
}

/** Proofs of knowledge of every coefficient, count × t × 65 bytes. `sid` and `dealer` are public. */
export function dealProve(handle: u32, sid: usize, dealer: usize, out: usize): u32 {
  const deal = find(handle, DEAL)
  if (deal == 0) return MISUSE
  const threshold = load<u32>(deal)
  const total = threshold * load<u32>(deal + 4)
  const coefficients = deal + DEAL_HEAD
  const F = coefficients + total * SC
  for (let from: u32 = 0; from < total; from += MANY) {
    const n = least(MANY, total - from)
    for (let k: u32 = 0; k < n; k++) randomScalar(nonces + k * SC)
    baseMultiplyMany(points, nonces, n)
    for (let k: u32 = 0; k < n; k++) {
      const number = from + k
      const proof = out + number * POK
      pointEncode(proof, points + k * POINT_SIZE)
      const secret = coefficients + number * SC
      const index = number / threshold
      const Y = F + number * ENCODED
      answer(proof, nonces + k * SC, secret, sid, dealer, index, number % threshold, Y)
    }
  }
  scrub()
  return DONE
}

/** How many coefficients a deal has; 0 for a handle that names none. */
export function dealTotal(handle: u32): u32 {
  const deal = find(handle, DEAL)
  return deal == 0 ? 0 : load<u32>(deal) * load<u32>(deal + 4)
}

/** How many keys a deal is of. */
export function dealCount(handle: u32): u32 {
  const deal = find(handle, DEAL)
  return deal == 0 ? 0 : load<u32>(deal + 4)
}

/** f_b(x) of every key, count × 32 bytes, secret, for the wire to party x alone. x is public. */
export function dealShare(handle: u32, x: u32, out: usize): u32 {
  const deal = find(handle, DEAL)
  if (deal == 0) return MISUSE
  const threshold = load<u32>(deal)
  const count = load<u32>(deal + 4)
  zero(one, SC)
  store<u32>(one, x)
  for (let b: u32 = 0; b < count; b++) {
    const f = deal + DEAL_HEAD + b * threshold * SC
    memory.copy(two, f + (threshold - 1) * SC, SC)
    for (let k: i32 = threshold - 2; k >= 0; k--) {
      scMul(two, two, one)
      scAdd(two, two, f + k * SC)
    }
    scStore(out + b * SC, two)
  }
  scrub()
  return DONE
}

/** Adds one dealer's `count` values, which are zeroed, to the running sums. */
export function shareAdd(values: usize, count: u32): u32 {
  let good = true
  for (let b: u32 = 0; b < count; b++) {
    if (!scLoad(one, values + b * SC)) {
      good = false
      break
    }
    scAdd(scalars + b * SC, scalars + b * SC, one)
  }
  zero(values, count * SC)
  scrub()
  return good ? DONE : MISUSE
}

/** The sums as shares: `count` handles in a row at `out`. */
export function shareFinish(count: u32, out: usize): u32 {
  for (let b: u32 = 0; b < count; b++) if (scIsZero(scalars + b * SC)) return MISUSE
  if (room(SHARE) < count) return FULL
  for (let b: u32 = 0; b < count; b++) {
    const handle = take(SHARE)
    memory.copy(at(handle), scalars + b * SC, SC)
    store<u32>(out + b * 4, handle)
  }
  return DONE
}

/** Forgets the running sums, whatever became of them. */
export function shareForget(): void {
  zero(scalars, SUMS)
}

/** Proof of knowledge of the share of key `index`, 65 bytes. */
export function shareProve(share: u32, sid: usize, guest: usize, index: u32, out: usize): u32 {
  const s = find(share, SHARE)
  if (s == 0) return MISUSE
  memory.copy(nonces, s, SC)
  randomScalar(nonces + SC)
  baseMultiplyMany(points, nonces, 2)
  pointEncode(encodedY, points)
  pointEncode(out, points + POINT_SIZE)
  answer(out, nonces + SC, s, sid, guest, index, SHARE_COEFFICIENT, encodedY)
  scrub()
  return DONE
}

/** sG. */
export function sharePublic(share: u32, out: usize): u32 {
  const s = find(share, SHARE)
  if (s == 0) return MISUSE
  baseMultiply(points, s)
  pointEncode(out, points)
  scrub()
  return DONE
}

/** For the vault alone: 32 bytes big-endian. */
export function shareOut(share: u32, out: usize): u32 {
  const s = find(share, SHARE)
  if (s == 0) return MISUSE
  scStore(out, s)
  return DONE
}

/** For the vault alone: a share in 1..q − 1. */
export function shareIn(bytes: usize): u32 {
  let handle: u32 = MISUSE
  if (scLoad(one, bytes) && !scIsZero(one)) {
    handle = take(SHARE)
    if (handle == 0) handle = FULL
    else memory.copy(at(handle), one, SC)
  }
  scrub()
  return handle
}
