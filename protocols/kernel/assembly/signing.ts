import { baseMultiply, baseMultiplyMany } from './comb'
import { keyedBlock } from './oracle'
import { multiplyMany } from './multiply'
import { POINT_SIZE, pointAdd, pointDecode, pointDecodeMany, pointEncode, pointEqual, pointXModQ } from './point'
import { CHOICE_B } from './rvole'
import { scAdd, scIsZero, scLoad, scLoadReduced, scMul, scStore, scSub, scWide } from './scalar'
import { CHECK1, CHECK2, DONE, FULL, MALFORMED, MISUSE, SIGNATURE } from './codes'
import { randomScalar } from './entropy'
import { zero } from './memory'
import {
  ALICE_PRODUCT,
  at,
  BOB_PRODUCT,
  CHOICE,
  CORRELATION,
  find,
  KEY,
  NONCE,
  OPENED,
  PRESIGNATURE,
  SHARE,
  take,
  wipe,
  ZETA,
} from './slots'

const SC: usize = 32
const ENCODED: usize = 33
// 'nonce': r_i, φ_i, Σψ_ji, Σ(c^u + d^u), Σ(c^v + d^v)
const PHI: usize = 32
const PSI: usize = 64
const SUM_U: usize = 96
const SUM_V: usize = 128
// 'alice-product': c_1, c_2, then a'_1, a'_2 and a flag when they were drawn
export const PRODUCT_A: usize = 64
export const PRODUCT_DRAWN: usize = 128
// 'bob-product': b, d_1, d_2; 'opened': c_1, c_2, b, d_1, d_2; 'correlation': the same, then a'_1, a'_2
const SHARES_B: usize = 64
const SHARES_D: usize = 96
const SHARES: usize = 160
const SHARES_A: usize = 160
// 'presignature': r, u_i, v_i, φ_i
const PRE_U: usize = 32
const PRE_V: usize = 64
const PRE_PHI: usize = 96

const CODE_ZETA: u32 = 0x4154455a // 'ZETA', little-endian

// Scratch: everything here is zeroed before an operation returns.
const SCRATCH: usize = 1056
const scratch = memory.data(1056, 16)
const wide: usize = scratch // 64 bytes
const one: usize = scratch + 64
const two: usize = scratch + 96 // beside `one`: two scalars in a row
const three: usize = scratch + 128
const own: usize = scratch + 160 // c_1, c_2, b, d_1, d_2 of one check
const pair: usize = scratch + 320 // two points
const sums: usize = scratch + 480 // two points
const peer: usize = scratch + 640 // ψ, δ^u, δ^v
const R_J: usize = scratch + 736 // R_j, pk_j, Γ^u, Γ^v, public

function scrub(): void {
  zero(scratch, SCRATCH)
}

/** Fresh r_i and φ_i; R = r_iG. */
export function signBegin(outR: usize): u32 {
  const handle = take(NONCE)
  if (handle == 0) return FULL
  const nonce = at(handle)
  randomScalar(nonce)
  randomScalar(nonce + PHI)
  baseMultiply(sums, nonce)
  pointEncode(outR, sums)
  scrub()
  return handle
}

/**
 * sk_i = λ(s_i + ε) + Σ ±ZETA(z_ij, sid1); pk = sk_iG. Public: λ, ε, sid1, the signs; `zetas` are `count`
 * handles with 1 in their next word where the sign is negative.
 */
export function signKey(
  share: u32,
  lambda: usize,
  epsilon: usize,
  zetas: usize,
  count: u32,
  sid1: usize,
  outPk: usize,
): u32 {
  const s = find(share, SHARE)
  if (s == 0 || !scLoad(one, lambda) || !scLoad(two, epsilon)) {
    scrub()
    return MISUSE
  }
  scAdd(two, two, s)
  scMul(three, one, two)
  for (let k: u32 = 0; k < count; k++) {
    const seed = find(load<u32>(zetas + k * 8), ZETA)
    if (seed == 0) {
      scrub()
      return MISUSE
    }
    keyedBlock(wide, 64, seed, CODE_ZETA, sid1, 32)
    scWide(one, wide)
    if (load<u32>(zetas + k * 8 + 4) != 0) scSub(three, three, one)
    else scAdd(three, three, one)
  }
  const good = baseMultiply(sums, three)
  const handle = good ? take(KEY) : 0
  if (handle != 0) {
    memory.copy(at(handle), three, SC)
    pointEncode(outPk, sums)
  }
  scrub()
  return good ? (handle == 0 ? FULL : handle) : MISUSE
}

/** Γ^u = c_1G, Γ^v = c_2G, ψ = φ − b; `c` are two scalars in a row. */
function opening(c: usize, nonce: usize, b: usize, outU: usize, outV: usize, outPsi: usize): bool {
  if (!baseMultiplyMany(pair, c, 2)) return false
  pointEncode(outU, pair)
  pointEncode(outV, pair + POINT_SIZE)
  scSub(one, nonce + PHI, b)
  scStore(outPsi, one)
  return true
}

/** Form (a) (02 §6.1). */
export function signOpen(
  nonce: u32,
  product: u32,
  choice: u32,
  outU: usize,
  outV: usize,
  outPsi: usize,
): u32 {
  const c = find(product, ALICE_PRODUCT)
  const secret = find(nonce, NONCE)
  const chosen = find(choice, CHOICE)
  if (c == 0 || secret == 0 || chosen == 0) return MISUSE
  const good = opening(c, secret, chosen + CHOICE_B, outU, outV, outPsi)
  scrub()
  return good ? DONE : MISUSE
}

/** Form (b) (02 §4.1): with δ^u = r_i − a'_1 and δ^v = sk_i − a'_2. */
export function signOpenCorrelated(
  nonce: u32,
  key: u32,
  correlation: u32,
  outDeltaU: usize,
  outDeltaV: usize,
  outU: usize,
  outV: usize,
  outPsi: usize,
): u32 {
  const held = find(correlation, CORRELATION)
  const secret = find(nonce, NONCE)
  const sk = find(key, KEY)
  if (held == 0 || secret == 0 || sk == 0) return MISUSE
  const handle = take(OPENED)
  if (handle == 0) return FULL
  memory.copy(at(handle), held, SHARES)
  scSub(one, secret, held + SHARES_A)
  scStore(outDeltaU, one)
  scSub(one, sk, held + SHARES_A + SC)
  scStore(outDeltaV, one)
  const good = opening(held, secret, held + SHARES_B, outU, outV, outPsi)
  scrub()
  if (good) return handle
  wipe(handle)
  return MISUSE
}

/** One correlation, both directions (02 §4.3), of a product whose factors were drawn. */
export function corrPack(product: u32, received: u32): u32 {
  const mine = find(product, ALICE_PRODUCT)
  const bob = find(received, BOB_PRODUCT)
  if (mine == 0 || bob == 0 || load<u8>(mine + PRODUCT_DRAWN) == 0) return MISUSE
  const handle = take(CORRELATION)
  if (handle == 0) return FULL
  const made = at(handle)
  memory.copy(made, mine, 2 * SC)
  memory.copy(made + SHARES_B, bob, 3 * SC)
  memory.copy(made + SHARES_A, mine + PRODUCT_A, 2 * SC)
  return handle
}

/**
 * Checks 1 and 2 of 02 §6.2. `opening33` is R_j ‖ pk_j ‖ Γ^u ‖ Γ^v ‖ ψ (164 bytes), `deltas` δ^u ‖ δ^v or 0;
 * both and ω (16 bytes) are public.
 */
export function signCheck(
  nonce: u32,
  product: u32,
  received: u32,
  opening33: usize,
  omega: usize,
): u32 {
  const mine = find(product, ALICE_PRODUCT)
  const bob = find(received, BOB_PRODUCT)
  const secret = find(nonce, NONCE)
  if (mine == 0 || bob == 0 || secret == 0) return MISUSE
  memory.copy(own, mine, 2 * SC)
  memory.copy(own + SHARES_B, bob, 3 * SC)
  const verdict = checked(secret, opening33, omega, 0)
  scrub()
  return verdict
}

/** As `signCheck`, with d^u = d_1 + δ^u_j·b and d^v = d_2 + δ^v_j·b (02 §4.1). */
export function signCheckCorrelated(
  nonce: u32,
  opened: u32,
  opening33: usize,
  deltas: usize,
  omega: usize,
): u32 {
  const held = find(opened, OPENED)
  const secret = find(nonce, NONCE)
  if (held == 0 || secret == 0) return MISUSE
  memory.copy(own, held, SHARES)
  const verdict = checked(secret, opening33, omega, deltas)
  scrub()
  return verdict
}

function checked(nonce: usize, opening33: usize, omega: usize, deltas: usize): u32 {
  memory.copy(wide + 16, omega, 16)
  scLoad(one, wide)
  if (scIsZero(one)) return MISUSE
  if (!pointDecodeMany(R_J, opening33, 4)) return MALFORMED
  if (!scLoad(peer, opening33 + 4 * ENCODED)) return MALFORMED
  if (deltas != 0) {
    if (!scLoad(peer + SC, deltas) || !scLoad(peer + 2 * SC, deltas + SC)) return MALFORMED
    scMul(one, peer + SC, own + SHARES_B)
    scAdd(own + SHARES_D, own + SHARES_D, one)
    scMul(one, peer + 2 * SC, own + SHARES_B)
    scAdd(own + SHARES_D + SC, own + SHARES_D + SC, one)
  }
  const verdict = productsHold()
  if (verdict != DONE) return verdict
  scAdd(nonce + PSI, nonce + PSI, peer)
  scAdd(nonce + SUM_U, nonce + SUM_U, own)
  scAdd(nonce + SUM_U, nonce + SUM_U, own + SHARES_D)
  scAdd(nonce + SUM_V, nonce + SUM_V, own + SC)
  scAdd(nonce + SUM_V, nonce + SUM_V, own + SHARES_D + SC)
  return DONE
}

/**
 * b·R_j = d^uG + Γ^u and b·pk_j = d^vG + Γ^v. Deviation: not one equation with weight ω. The lanes hold the two
 * products, which share b: less work than the sums that weights need, and exact.
 */
function productsHold(): u32 {
  if (!multiplyMany(pair, R_J, 2, own + SHARES_B)) return CHECK1
  if (!baseMultiplyMany(sums, own + SHARES_D, 2)) return CHECK1
  for (let k: usize = 0; k < 2; k++) {
    const at = k * POINT_SIZE
    const sum = sums + at
    if (!pointAdd(sum, sum, R_J + 2 * POINT_SIZE + at) || !pointEqual(sum, pair + at)) {
      return k == 0 ? CHECK1 : CHECK2
    }
  }
  return DONE
}

/** u_i, v_i and φ_i of 02 §6.2, with r = x(R) mod q. R is public. */
export function presign(nonce: u32, key: u32, R: usize): u32 {
  const secret = find(nonce, NONCE)
  const sk = find(key, KEY)
  if (secret == 0 || sk == 0 || !pointDecode(R_J, R)) {
    scrub()
    return MISUSE
  }
  if (!pointXModQ(one, R_J) || scIsZero(one)) {
    scrub()
    return SIGNATURE
  }
  const handle = take(PRESIGNATURE)
  if (handle != 0) {
    const made = at(handle)
    memory.copy(made, one, SC)
    scAdd(two, secret + PHI, secret + PSI)
    scMul(three, secret, two)
    scAdd(made + PRE_U, three, secret + SUM_U)
    scMul(three, sk, two)
    scAdd(made + PRE_V, three, secret + SUM_V)
    memory.copy(made + PRE_PHI, secret + PHI, SC)
  }
  scrub()
  return handle == 0 ? FULL : handle
}

/** u_i and w_i = m·φ_i + r·v_i. The digest is public, and both are for the wire. */
export function online(presignature: u32, digest: usize, outU: usize, outW: usize): u32 {
  const held = find(presignature, PRESIGNATURE)
  if (held == 0) return MISUSE
  scLoadReduced(one, digest)
  scMul(two, one, held + PRE_PHI)
  scMul(three, held, held + PRE_V)
  scAdd(two, two, three)
  scStore(outU, held + PRE_U)
  scStore(outW, two)
  scrub()
  return DONE
}
