import { baseMultiply, baseMultiplyMany, combBuild, combMultiplyMany, COMB_SIZE } from './comb'
import { affineOfJacobian } from './affine'
import { FE_SIZE } from './field'
import { JACOBIAN_SIZE, jacobianAddAffine, jacobianSet } from './jacobian'
import { hashToCurveMany } from './hash-to-curve'
import { multiplyMany } from './multiply'
import { POINT_SIZE, pointDecode, pointDecodeMany, pointEncode, pointNegate } from './point'
import { oracleBegin, oracleEnd, oracleField, TAG_OT_KEY, TAG_PAIR_ZETA } from './oracle'
import { pprfBuild, pprfEvaluate } from './pprf'
import { DONE, FULL, GOES_ON, MALFORMED, MISUSE, PPRF } from './codes'
import { entropy, randomScalar } from './entropy'
import { zero } from './memory'
import { ALICE, at, BOB, BUILDING, find, RECEIVER, RECEIVING, SENDER, take, wipe, ZETA } from './slots'

const OTS: u32 = 256 // κ
const RECEIVE_STEP: u32 = 16 // OTs of one step, some 2 ms: the order of draws is that of the reference
const BUILD_STEP: u32 = 16 // two products each
const KEY: usize = 32
const ENCODED: usize = 33
const PAIR: usize = 2 * ENCODED // φ_0 ‖ φ_1
const MESSAGE: usize = 68 // sid ‖ u16 i ‖ u8 c ‖ point
export const PHI: usize = <usize>OTS * PAIR
const LEAVES: usize = 64 * 16 * 32

// 'sender': a ‖ A
const SENDER_A: usize = 32
// 'receiving' and 'building' begin alike
const FIRST: usize = 0 // the next OT
const SID: usize = 16
const ENCODED_A: usize = 48
// 'receiving'
const CHOICES: usize = 96
const POINT_A: usize = 128
const RECEIVED_KEYS: usize = 224
const RECEIVED_PHI: usize = RECEIVED_KEYS + <usize>OTS * KEY
// 'building'
const SECRET_A: usize = 96
const BUILT_PHI: usize = 128
const BUILT_KEYS: usize = BUILT_PHI + PHI
// 'receiver': sid ‖ choices ‖ keys
const RECEIVER_CHOICES: usize = 32
const RECEIVER_KEYS: usize = 64
// 'alice': leaves ‖ Δ
const DELTA: usize = LEAVES

const MANY: u32 = 32 // points of one step, at most
// Scratch: everything here is zeroed before an operation returns.
const SCRATCH: usize = 14768
const scratch = memory.data(14768, 16)
const betas: usize = scratch // 16 scalars
const rhos: usize = scratch + 512
const firsts: usize = scratch + 1024 // 32 points each
const seconds: usize = scratch + 3584
const thirds: usize = scratch + 6144
const sums: usize = scratch + 8704 // 32 Jacobian points
const messages: usize = scratch + 12544 // 32 × 68
const encodedZ: usize = scratch + 14720
const point = memory.data(96, 16)
const place16 = memory.data(16, 16) // u16 i and u8 c as fields of the oracle

/** The comb of one public A; `combOf` says whose, as other setups run between two steps. */
const comb = memory.data(COMB_SIZE, 16)
let combOf: u32 = 0

function scrub(): void {
  zero(scratch, SCRATCH)
}

/** Bob (02 §2.3): a fresh a, A = aG. */
export function pairSend(out33: usize): u32 {
  const handle = take(SENDER)
  if (handle == 0) return FULL
  const sender = at(handle)
  randomScalar(sender)
  baseMultiply(point, sender)
  pointEncode(out33, point)
  memory.copy(sender + SENDER_A, out33, ENCODED)
  zero(point, 96)
  return handle
}

/** Alice: her choice bits. `sid` and A are public. */
export function pairReceiveBegin(sid: usize, A: usize): u32 {
  if (!pointDecode(point, A)) return MALFORMED
  const handle = take(RECEIVING)
  if (handle == 0) return FULL
  if (combOf == handle) combOf = 0 // generations come round
  const receiving = at(handle)
  memory.copy(receiving + SID, sid, 32)
  memory.copy(receiving + ENCODED_A, A, ENCODED)
  memory.copy(receiving + POINT_A, point, POINT_SIZE)
  entropy(receiving + CHOICES, OTS / 8)
  return handle
}

/** The next OTs; the receiver and φ after the last. Secret: choices, β, ρ, keys; φ once its slots are chosen is public. */
export function pairReceiveStep(handle: u32, outPhi: usize): u32 {
  const receiving = find(handle, RECEIVING)
  if (receiving == 0) return MISUSE
  if (combOf != handle) {
    combBuild(comb, receiving + POINT_A)
    combOf = handle
  }
  const first = load<u32>(receiving + FIRST)
  for (let k: u32 = 0; k < RECEIVE_STEP; k++) {
    randomScalar(betas + k * 32)
    randomScalar(rhos + k * 32)
  }
  const good = receiveOts(receiving, first)
  scrub()
  if (!good) return MISUSE
  store<u32>(receiving + FIRST, first + RECEIVE_STEP)
  if (first + RECEIVE_STEP < OTS) return GOES_ON
  const made = take(RECEIVER)
  if (made == 0) return FULL
  const receiver = at(made)
  memory.copy(receiver, receiving + SID, 32)
  memory.copy(receiver + RECEIVER_CHOICES, receiving + CHOICES, OTS / 8)
  memory.copy(receiver + RECEIVER_KEYS, receiving + RECEIVED_KEYS, <usize>OTS * KEY)
  memory.copy(outPhi, receiving + RECEIVED_PHI, PHI)
  return made
}

/** False only when a point is O, which random scalars give with probability 2^-256. */
function receiveOts(receiving: usize, first: u32): bool {
  // φ_{1−c} = ρG, and c enters as hash input alone
  if (!baseMultiplyMany(firsts, rhos, RECEIVE_STEP)) return false
  for (let k: u32 = 0; k < RECEIVE_STEP; k++) {
    const message = messages + k * MESSAGE
    memory.copy(message, receiving + SID, 32)
    store<u16>(message + 32, <u16>(first + k))
    store<u8>(message + 34, choiceOf(receiving, first + k))
    pointEncode(message + 35, firsts + k * POINT_SIZE)
  }
  hashToCurveMany(seconds, messages, RECEIVE_STEP)
  // φ_c = βG − H2C(sid ‖ i ‖ c ‖ φ_{1−c})
  if (!baseMultiplyMany(thirds, betas, RECEIVE_STEP)) return false
  for (let k: u32 = 0; k < RECEIVE_STEP; k++) {
    pointNegate(seconds + k * POINT_SIZE, seconds + k * POINT_SIZE)
  }
  if (!addMany(seconds, thirds, RECEIVE_STEP)) return false
  for (let k: u32 = 0; k < RECEIVE_STEP; k++) {
    const pair = receiving + RECEIVED_PHI + (first + k) * PAIR
    pointEncode(pair, seconds + k * POINT_SIZE)
    memory.copy(pair + ENCODED, messages + k * MESSAGE + 35, ENCODED)
    swapBy(pair, choiceOf(receiving, first + k))
  }
  // k_i = RO(ot-key; …, βA)
  if (!combMultiplyMany(firsts, comb, betas, RECEIVE_STEP)) return false
  for (let k: u32 = 0; k < RECEIVE_STEP; k++) {
    const i = first + k
    const pair = receiving + RECEIVED_PHI + i * PAIR
    const out = receiving + RECEIVED_KEYS + i * KEY
    const c = choiceOf(receiving, i)
    otKey(out, receiving + SID, i, c, receiving + ENCODED_A, pair, firsts + k * POINT_SIZE)
  }
  return true
}

/**
 * as = as + bs for n pairs of points, with one inversion; false when a sum is O. The only branches are on
 * equal or opposite points, which random ones are with probability 2^-256.
 */
function addMany(as: usize, bs: usize, n: u32): bool {
  for (let k: u32 = 0; k < n; k++) {
    const sum = sums + k * JACOBIAN_SIZE
    const a = as + k * POINT_SIZE
    const b = bs + k * POINT_SIZE
    jacobianSet(sum, a, a + FE_SIZE)
    jacobianAddAffine(sum, b, b + FE_SIZE)
  }
  return affineOfJacobian(as, sums, n)
}

function choiceOf(receiving: usize, i: u32): u8 {
  return (load<u8>(receiving + CHOICES + (i >> 3)) >> <u8>(i & 7)) & 1
}

/** Exchanges both halves of a pair when c = 1, by masks: no address depends on c. */
function swapBy(pair: usize, c: u8): void {
  const mask: u8 = 0 - c
  for (let k: usize = 0; k < ENCODED; k++) {
    const x = load<u8>(pair + k)
    const y = load<u8>(pair + ENCODED + k)
    const swap = (x ^ y) & mask
    store<u8>(pair + k, x ^ swap)
    store<u8>(pair + ENCODED + k, y ^ swap)
  }
}

/** RO(ot-key) of 02 §2.3; c and Z are secret. */
function otKey(out: usize, sid: usize, i: u32, c: u8, A: usize, pair: usize, Z: usize): void {
  store<u16>(place16, <u16>i)
  store<u8>(place16 + 2, c)
  pointEncode(encodedZ, Z)
  oracleBegin(TAG_OT_KEY)
  oracleField(sid, 32)
  oracleField(place16, 2)
  oracleField(place16 + 2, 1)
  oracleField(A, ENCODED)
  oracleField(pair, ENCODED)
  oracleField(pair + ENCODED, ENCODED)
  oracleField(encodedZ, ENCODED)
  oracleEnd(out, KEY)
  store<u32>(place16, 0)
}

/** Bob, before the first OT. `sid` and φ are public. */
export function pairBuildBegin(sender: u32, sid: usize, phi: usize): u32 {
  const own = find(sender, SENDER)
  if (own == 0) return MISUSE
  const handle = take(BUILDING)
  if (handle == 0) return FULL
  const building = at(handle)
  memory.copy(building + SID, sid, 32)
  memory.copy(building + ENCODED_A, own + SENDER_A, ENCODED)
  memory.copy(building + SECRET_A, own, 32)
  memory.copy(building + BUILT_PHI, phi, PHI)
  return handle
}

/** The next OTs; the PPRF message and Bob's leaves after the last. Secret: a, Z, keys, leaves. */
export function pairBuildStep(handle: u32, outPprf: usize): u32 {
  const building = find(handle, BUILDING)
  if (building == 0) return MISUSE
  const first = load<u32>(building + FIRST)
  const good = buildKeys(building, first)
  scrub()
  if (!good) return MALFORMED
  store<u32>(building + FIRST, first + BUILD_STEP)
  if (first + BUILD_STEP < OTS) return GOES_ON
  const bob = take(BOB)
  if (bob == 0) return FULL
  pprfBuild(at(bob), outPprf, building + BUILT_KEYS, building + SID)
  return bob
}

/** False when a point is off the curve, or a sum with its hash is O. */
function buildKeys(building: usize, first: u32): bool {
  if (!pointDecodeMany(firsts, building + BUILT_PHI + first * PAIR, MANY)) return false
  for (let k: u32 = 0; k < MANY; k++) {
    const i = first + (k >> 1)
    const b = k & 1
    const pair = building + BUILT_PHI + i * PAIR
    const message = messages + k * MESSAGE
    memory.copy(message, building + SID, 32)
    store<u16>(message + 32, <u16>i)
    store<u8>(message + 34, <u8>b)
    memory.copy(message + 35, pair + (1 - b) * ENCODED, ENCODED)
  }
  hashToCurveMany(seconds, messages, MANY)
  if (!addMany(firsts, seconds, MANY)) return false
  if (!multiplyMany(thirds, firsts, MANY, building + SECRET_A)) return false
  for (let k: u32 = 0; k < MANY; k++) {
    const i = first + (k >> 1)
    const out = building + BUILT_KEYS + (2 * first + k) * KEY
    const pair = building + BUILT_PHI + i * PAIR
    const A = building + ENCODED_A
    otKey(out, building + SID, i, <u8>(k & 1), A, pair, thirds + k * POINT_SIZE)
  }
  return true
}

/** Alice's leaves and Δ, once all 64 blocks passed (02 §2.4). `sid` and the message are public. */
export function pairEvaluate(handle: u32, sid: usize, pprf: usize): u32 {
  const receiver = find(handle, RECEIVER)
  if (receiver == 0) return MISUSE
  const made = take(ALICE)
  if (made == 0) return FULL
  const alice = at(made)
  const keys = receiver + RECEIVER_KEYS
  const choices = receiver + RECEIVER_CHOICES
  if (pprfEvaluate(alice, alice + DELTA, pprf, keys, choices, sid)) return made
  wipe(made)
  return PPRF
}

/** Whether the receiver is of this setup: both are public. */
export function isOfSetup(handle: u32, sid: usize): u32 {
  const receiver = find(handle, RECEIVER)
  if (receiver == 0 || memory.compare(receiver, sid, 32) != 0) return MISUSE
  return DONE
}

/** z_ij = RO(pair-zeta; pairSid, z_lo, z_hi). */
export function zetaNew(pairSid: usize, zLo: usize, zHi: usize): u32 {
  const handle = take(ZETA)
  if (handle == 0) return FULL
  oracleBegin(TAG_PAIR_ZETA)
  oracleField(pairSid, 32)
  oracleField(zLo, 32)
  oracleField(zHi, 32)
  oracleEnd(at(handle), 32)
  return handle
}
