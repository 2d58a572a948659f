import { betaMask, gadgetSum, GROUPS, makeGadget, weigh, weighed } from './gadget'
import { LANES } from './keyed-lanes'
import { addProducts, SUM } from './lane-products'
import { reduceSum } from './lane-reduction'
import { copyAcross, transposeWords } from './lanes'
import { oracleBegin, oracleEnd, oracleField, TAG_RVOLE_MU, TAG_RVOLE_THETA } from './oracle'
import { beginPads, PADS, padsOf, shiftedPads, WIDTH, wipePads } from './pads'
import {
  q,
  SCALAR_BYTES,
  scAdd,
  scalarsCanonical,
  scLoad,
  scMul,
  scNeg,
  scStore,
  scWide,
} from './scalar'
import {
  addLanes,
  LIMBS,
  lanesFromWords,
  lanesToWords,
  maskLanes,
  reduceLanes,
  splatScalar,
  subtractLanes,
} from './scalar-lanes'
import { COLUMN, columns, extendAlice, extendBob, wipeExtension } from './softspoken'

const COLUMNS: i32 = 512 // ξ
const ROW: i32 = WIDTH * SCALAR_BYTES // of Ã
const A: i32 = COLUMNS * ROW
const MU: i32 = 64 // bytes
const THETA: i32 = 64 // bytes
/** Bytes of m2 = Ã ‖ η ‖ μ. */
export const M2: i32 = A + SCALAR_BYTES + MU

// What Bob keeps until m2 comes: columns ‖ β ‖ sid ‖ b. The pads and the gadget are made again.
const CHOICE_BETA: i32 = COLUMNS * COLUMN
const CHOICE_SID: i32 = CHOICE_BETA + COLUMNS / 8
/** Where in a choice b is. */
export const CHOICE_B: i32 = CHOICE_SID + 32
export const CHOICE_SIZE: i32 = CHOICE_B + SCALAR_BYTES

export const OK: i32 = 0
export const MALFORMED: i32 = 1
export const MU_FAILED: i32 = 2

/** 2^260 mod q: what `reduceSum` divides by. */
const TWO_260: usize = memory.data<u32>(
  [0xfc9bebf0, 0x02da1732, 0x0b75fc44, 0x55123195, 0x00000014, 0, 0, 0],
  16,
)

const theta: usize = memory.data(2 * THETA, 16)
const theta1: usize = memory.data(SCALAR_BYTES, 16)
const theta2: usize = memory.data(SCALAR_BYTES, 16)
const factor1: usize = memory.data(LIMBS, 16) // θ_1·2^260 in all lanes
const factor2: usize = memory.data(LIMBS, 16)
const product: usize = memory.data(SUM, 16)
const sum1: usize = memory.data(SUM, 16)
const sum2: usize = memory.data(SUM, 16)
const alpha: usize = memory.data(GROUPS * PADS, 16)
const pads: usize = memory.data(PADS, 16)
const inputs: usize = memory.data(PADS, 16) // a_1, a_2, â, each plus 2q, in all lanes
const offset: usize = memory.data(LIMBS, 16) // a multiple of q that keeps differences positive
const eta: usize = memory.data(LIMBS, 16)
const lanes: usize = memory.data(LIMBS, 16)
const words: usize = memory.data(8 * 16, 16)
const vector: usize = memory.data(COLUMNS * SCALAR_BYTES, 16)
const scalar: usize = memory.data(SCALAR_BYTES, 16)
const mu: usize = memory.data(MU, 16)

/**
 * Bob (02 §3.1): m1, and what he keeps. Public: sid and m1. Secret: leaves, c' (80 bytes), the choice.
 */
export function rvoleBob(m1: usize, choice: usize, leaves: usize, sid: usize, cPrime: usize): void {
  extendBob(m1, leaves, sid, cPrime)
  memory.copy(choice, columns, COLUMNS * COLUMN)
  memory.copy(choice + CHOICE_BETA, cPrime, COLUMNS / 8)
  memory.copy(choice + CHOICE_SID, sid, 32)
  wipeExtension()
  gadgetSum(choice + CHOICE_B, sid, cPrime)
}

/**
 * Alice, first half (02 §3.2): the COTe check of m1. When it holds, `rvoleAlice` must follow before anything else
 * runs: it takes the columns left here. Public: sid, m1, the answer. Secret: leaves, Δ (32 bytes).
 */
export function rvoleCheck(leaves: usize, delta: usize, sid: usize, m1: usize): bool {
  if (extendAlice(leaves, delta, sid, m1)) return true
  wipeExtension()
  return false
}

/**
 * Alice, second half: m2, and her shares c_1, c_2 of a·b. â is random and not 0. Public: sid and m2.
 * Secret: Δ, the scalars.
 */
export function rvoleAlice(
  m2: usize,
  c1: usize,
  c2: usize,
  delta: usize,
  sid: usize,
  a1: usize,
  a2: usize,
  aHat: usize,
): void {
  splatScalar(offset, q)
  addLanes(offset, offset, offset)
  setInput(inputs, a1)
  setInput(inputs + LIMBS, a2)
  setInput(inputs + 2 * LIMBS, aHat)
  beginPads(sid)
  for (let group = 0; group < GROUPS; group++) {
    const alpha0 = alpha + PADS * group
    padsOf(alpha0, group, columns)
    shiftedPads(pads, delta)
    for (let i = 0; i < PADS; i += LIMBS) {
      addLanes(lanes, alpha0 + i, inputs + i)
      subtractLanes(lanes, lanes, pads + i)
      reduceLanes(lanes, lanes)
      writeFour(m2 + ROW * LANES * group + (i / LIMBS) * SCALAR_BYTES, ROW)
    }
  }
  wipePads()
  wipeExtension()
  challenges(sid, m2)
  writeEta(m2 + A, a1, a2, aHat)
  makeGadget(sid)
  for (let group = 0; group < GROUPS; group++) {
    const alpha0 = alpha + PADS * group
    combine(alpha0)
    reduceLanes(lanes, lanes)
    writeFour(vector + SCALAR_BYTES * LANES * group, SCALAR_BYTES)
    weigh(sum1, group, alpha0)
    weigh(sum2, group, alpha0 + LIMBS)
  }
  hashVector(m2 + A + SCALAR_BYTES, sid)
  weighed(c1, sum1)
  weighed(c2, sum2)
  scNeg(c1, c1)
  scNeg(c2, c2)
  wipe()
}

/**
 * Bob (02 §3.3): checks m2; b and his shares d_1, d_2 of a·b. Answers OK, MALFORMED (a scalar of q or more) or
 * MU_FAILED, and writes nothing unless OK. Public: sid, m2, the answer. Secret: the choice, the outputs.
 */
export function rvoleFinish(b: usize, d1: usize, d2: usize, choice: usize, m2: usize): i32 {
  if (!scalarsCanonical(m2, COLUMNS * WIDTH + 1)) return MALFORMED
  const sid = choice + CHOICE_SID
  const beta = choice + CHOICE_BETA
  challenges(sid, m2)
  makeGadget(sid)
  scLoad(scalar, m2 + A)
  splatScalar(eta, scalar)
  splatScalar(offset, q)
  beginPads(sid)
  for (let group = 0; group < GROUPS; group++) {
    const mask = betaMask(beta, group)
    padsOf(pads, group, choice)
    for (let i = 0; i < PADS; i += LIMBS) {
      readFour(m2 + ROW * LANES * group + (i / LIMBS) * SCALAR_BYTES)
      maskLanes(lanes, lanes, mask)
      addLanes(pads + i, pads + i, lanes)
    }
    weigh(sum1, group, pads)
    weigh(sum2, group, pads + LIMBS)
    combine(pads)
    addLanes(lanes, lanes, offset)
    maskLanes(pads, eta, mask)
    subtractLanes(lanes, lanes, pads)
    reduceLanes(lanes, lanes)
    writeFour(vector + SCALAR_BYTES * LANES * group, SCALAR_BYTES)
  }
  wipePads()
  hashVector(mu, sid)
  let difference: u64 = 0
  for (let i = 0; i < MU; i += 8) {
    difference |= load<u64>(mu + i) ^ load<u64>(m2 + A + SCALAR_BYTES + i)
  }
  if (difference == 0) {
    memory.copy(b, choice + CHOICE_B, SCALAR_BYTES)
    weighed(d1, sum1)
    weighed(d2, sum2)
  }
  wipe()
  return difference == 0 ? OK : MU_FAILED
}

/** a + 2q in all lanes. */
function setInput(out: usize, a: usize): void {
  splatScalar(out, a)
  addLanes(out, out, offset)
}

/** θ_1, θ_2: the wide halves of RO(rvole-theta; sid_m, Ã). Public. */
function challenges(sid: usize, m2: usize): void {
  oracleBegin(TAG_RVOLE_THETA)
  oracleField(sid, 32)
  oracleField(m2, A)
  oracleEnd(theta, 2 * THETA)
  scWide(theta1, theta)
  scWide(theta2, theta + THETA)
  scMul(scalar, theta1, TWO_260)
  splatScalar(factor1, scalar)
  scMul(scalar, theta2, TWO_260)
  splatScalar(factor2, scalar)
}

/** η = â + θ_1 a_1 + θ_2 a_2. */
function writeEta(out: usize, a1: usize, a2: usize, aHat: usize): void {
  scMul(scalar, theta1, a1)
  scMul(lanes, theta2, a2)
  scAdd(scalar, scalar, lanes)
  scAdd(scalar, scalar, aHat)
  scStore(out, scalar)
}

/** `lanes` = x_3 + θ_1 x_1 + θ_2 x_2 of four rows, below 2^259. */
function combine(x: usize): void {
  addProducts(product, factor1, x)
  addProducts(product, factor2, x + LIMBS)
  reduceSum(lanes, product)
  addLanes(lanes, lanes, x + 2 * LIMBS)
}

/** RO(rvole-mu; sid_m, check vector). */
function hashVector(out: usize, sid: usize): void {
  oracleBegin(TAG_RVOLE_MU)
  oracleField(sid, 32)
  oracleField(vector, COLUMNS * SCALAR_BYTES)
  oracleEnd(out, MU)
}

/** `lanes`, big-endian, `stride` bytes apart. */
function writeFour(out: usize, stride: i32): void {
  lanesToWords(words, lanes)
  copyAcross(out, stride, words)
  copyAcross(out + 16, stride, words + 64)
}

/** `lanes` from four scalars of Ã, which are public. */
function readFour(from: usize): void {
  transposeWords(words, from, ROW)
  transposeWords(words + 64, from + 16, ROW)
  lanesFromWords(lanes, words)
}

function wipe(): void {
  memory.fill(product, 0, SUM)
  memory.fill(sum1, 0, SUM)
  memory.fill(sum2, 0, SUM)
  memory.fill(alpha, 0, GROUPS * PADS)
  memory.fill(pads, 0, PADS)
  memory.fill(inputs, 0, PADS)
  memory.fill(lanes, 0, LIMBS)
  memory.fill(words, 0, 8 * 16)
  memory.fill(vector, 0, COLUMNS * SCALAR_BYTES)
  memory.fill(scalar, 0, SCALAR_BYTES)
  memory.fill(mu, 0, MU)
}
