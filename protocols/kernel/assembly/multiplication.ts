import {
  MU_FAILED,
  rvoleAlice as answer,
  rvoleBob as begin,
  rvoleCheck,
  rvoleFinish,
} from './rvole'
import { COTE, FULL, MALFORMED, MISUSE, MU } from './codes'
import { entropy, randomScalar } from './entropy'
import { zero } from './memory'
import { PRODUCT_A, PRODUCT_DRAWN } from './signing'
import {
  ALICE,
  ALICE_PRODUCT,
  at,
  BOB,
  BOB_PRODUCT,
  CHOICE,
  find,
  KEY,
  NONCE,
  take,
  wipe,
} from './slots'

const SC: usize = 32
const LEAVES: usize = 64 * 16 * 32 // before Δ
const CHOICE_BYTES: usize = 80 // c' = β ‖ 16 random bytes

const chosen = memory.data(80, 16)
const factors = memory.data(96, 16) // a_1, a_2, â

/** Bob (02 §3.1): m1 and his choice. `sid` and m1 are public. */
export function rvoleBob(bob: u32, sid: usize, outM1: usize): u32 {
  const leaves = find(bob, BOB)
  if (leaves == 0) return MISUSE
  const handle = take(CHOICE)
  if (handle == 0) return FULL
  entropy(chosen, CHOICE_BYTES)
  begin(outM1, at(handle), leaves, sid, chosen)
  zero(chosen, CHOICE_BYTES)
  return handle
}

/**
 * Alice (02 §3.2): checks m1, then m2 and her shares. Her factors are r_i and sk_i, or drawn when `nonce` is 0. An m1
 * of 0 stands for one of a wrong length. `sid`, m1, m2 and the answer are public.
 */
export function rvoleAlice(
  alice: u32,
  sid: usize,
  m1: usize,
  nonce: u32,
  key: u32,
  outM2: usize,
): u32 {
  const leaves = find(alice, ALICE)
  if (leaves == 0) return MISUSE
  const drawn = nonce == 0
  if (drawn) {
    randomScalar(factors)
    randomScalar(factors + SC)
  } else {
    const r = find(nonce, NONCE)
    const sk = find(key, KEY)
    if (r == 0 || sk == 0) return MISUSE
    memory.copy(factors, r, SC)
    memory.copy(factors + SC, sk, SC)
  }
  const answered = m1 == 0 ? MALFORMED : multiplied(leaves, sid, m1, outM2, drawn)
  zero(factors, 3 * SC)
  return answered
}

function multiplied(leaves: usize, sid: usize, m1: usize, outM2: usize, drawn: bool): u32 {
  const handle = take(ALICE_PRODUCT)
  if (handle == 0) return FULL
  const delta = leaves + LEAVES
  if (!rvoleCheck(leaves, delta, sid, m1)) {
    wipe(handle)
    return COTE
  }
  const a1 = factors
  const a2 = factors + SC
  const aHat = factors + 2 * SC
  randomScalar(aHat)
  const c1 = at(handle)
  answer(outM2, c1, c1 + SC, delta, sid, a1, a2, aHat)
  if (drawn) {
    memory.copy(c1 + PRODUCT_A, factors, 2 * SC)
    store<u8>(c1 + PRODUCT_DRAWN, 1)
  }
  return handle
}

/** Bob (02 §3.3): checks m2; b, d_1, d_2. m2 and the answer are public. */
export function rvoleBobFinish(choice: u32, m2: usize): u32 {
  const kept = find(choice, CHOICE)
  if (kept == 0) return MISUSE
  const handle = take(BOB_PRODUCT)
  if (handle == 0) return FULL
  const b = at(handle)
  const verdict = rvoleFinish(b, b + SC, b + 2 * SC, kept, m2)
  if (verdict == 0) return handle
  wipe(handle)
  return verdict == MU_FAILED ? MU : MALFORMED
}
