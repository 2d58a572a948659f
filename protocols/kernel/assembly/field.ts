/**
 * The field of secp256k1, p = 2^256 − 2^32 − 977, in nine limbs of 29 bits, least significant first.
 *
 * At rest an element is 40 bytes: nine u32 and a zero. Limbs may be larger than 29 bits: an element of
 * magnitude m has limbs up to m·(2^29 + 7), 3.07 % more in the first and 0.03 % in the second, and up to
 * m·(2^24 + 8) in the last, and nine products of magnitudes that multiply to 7 still fit in 64 bits. Every product, difference and
 * `feCarry` gives magnitude 1; `feNormalise` gives the one canonical form.
 *
 * 2^261 = 2^8·2^29 + 31264 and 2^256 = 2^3·2^29 + 977 (mod p) bring the high limbs back.
 *
 * No function here branches on, or addresses memory by, the value of an element.
 */
export const FE_SIZE: usize = 40

const LIMB: u64 = 0x1fffffff
const TOP: u64 = 0xffffff // the last limb holds bits 232 to 255
const FOLD: u64 = 31264
const FOLD_TWICE: u64 = 31264 << 8

/** out = a·b. The magnitudes of a and b may multiply to 7; the result has 1. */
export function feMultiply(out: usize, a: usize, b: usize): void {
  const a0: u64 = load<u32>(a, 0)
  const a1: u64 = load<u32>(a, 4)
  const a2: u64 = load<u32>(a, 8)
  const a3: u64 = load<u32>(a, 12)
  const a4: u64 = load<u32>(a, 16)
  const a5: u64 = load<u32>(a, 20)
  const a6: u64 = load<u32>(a, 24)
  const a7: u64 = load<u32>(a, 28)
  const a8: u64 = load<u32>(a, 32)
  const b0: u64 = load<u32>(b, 0)
  const b1: u64 = load<u32>(b, 4)
  const b2: u64 = load<u32>(b, 8)
  const b3: u64 = load<u32>(b, 12)
  const b4: u64 = load<u32>(b, 16)
  const b5: u64 = load<u32>(b, 20)
  const b6: u64 = load<u32>(b, 24)
  const b7: u64 = load<u32>(b, 28)
  const b8: u64 = load<u32>(b, 32)

  let high: u64 = a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1
    + a8 * b0
  const t8: u64 = high & LIMB
  high = (high >> 29) + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2
    + a8 * b1
  const t9: u64 = high & LIMB
  high = (high >> 29) + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2
  const t10: u64 = high & LIMB
  high = (high >> 29) + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3
  const t11: u64 = high & LIMB
  high = (high >> 29) + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4
  const t12: u64 = high & LIMB
  high = (high >> 29) + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5
  const t13: u64 = high & LIMB
  high = (high >> 29) + a6 * b8 + a7 * b7 + a8 * b6
  const t14: u64 = high & LIMB
  high = (high >> 29) + a7 * b8 + a8 * b7
  const t15: u64 = high & LIMB
  high = (high >> 29) + a8 * b8
  const t16: u64 = high & LIMB
  const t17: u64 = high >> 29

  let low: u64 = a0 * b0 + t9 * FOLD + t17 * FOLD_TWICE
  const r0: u64 = low & LIMB
  low = (low >> 29) + a0 * b1 + a1 * b0 + t10 * FOLD + (t9 << 8) + (t17 << 16)
  const r1: u64 = low & LIMB
  low = (low >> 29) + a0 * b2 + a1 * b1 + a2 * b0 + t11 * FOLD + (t10 << 8)
  const r2: u64 = low & LIMB
  low = (low >> 29) + a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + t12 * FOLD + (t11 << 8)
  const r3: u64 = low & LIMB
  low = (low >> 29) + a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 + t13 * FOLD + (t12 << 8)
  const r4: u64 = low & LIMB
  low = (low >> 29) + a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 + t14 * FOLD
    + (t13 << 8)
  const r5: u64 = low & LIMB
  low = (low >> 29) + a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0
    + t15 * FOLD + (t14 << 8)
  const r6: u64 = low & LIMB
  low = (low >> 29) + a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1
    + a7 * b0 + t16 * FOLD + (t15 << 8)
  const r7: u64 = low & LIMB
  low = (low >> 29) + t8 + t17 * FOLD + (t16 << 8)
  const top: u64 = low >> 24
  store<u32>(out, u32(r0 + top * 977), 0)
  store<u32>(out, u32(r1 + (top << 3)), 4)
  store<u32>(out, u32(r2), 8)
  store<u32>(out, u32(r3), 12)
  store<u32>(out, u32(r4), 16)
  store<u32>(out, u32(r5), 20)
  store<u32>(out, u32(r6), 24)
  store<u32>(out, u32(r7), 28)
  store<u64>(out, low & TOP, 32)
}

/** out = a². a has magnitude 2 at most. */
export function feSquare(out: usize, a: usize): void {
  const a0: u64 = load<u32>(a, 0)
  const a1: u64 = load<u32>(a, 4)
  const a2: u64 = load<u32>(a, 8)
  const a3: u64 = load<u32>(a, 12)
  const a4: u64 = load<u32>(a, 16)
  const a5: u64 = load<u32>(a, 20)
  const a6: u64 = load<u32>(a, 24)
  const a7: u64 = load<u32>(a, 28)
  const a8: u64 = load<u32>(a, 32)
  const d0: u64 = a0 << 1
  const d1: u64 = a1 << 1
  const d2: u64 = a2 << 1
  const d3: u64 = a3 << 1
  const d4: u64 = a4 << 1
  const d5: u64 = a5 << 1
  const d6: u64 = a6 << 1
  const d7: u64 = a7 << 1

  let high: u64 = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4
  const t8: u64 = high & LIMB
  high = (high >> 29) + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5
  const t9: u64 = high & LIMB
  high = (high >> 29) + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5
  const t10: u64 = high & LIMB
  high = (high >> 29) + d3 * a8 + d4 * a7 + d5 * a6
  const t11: u64 = high & LIMB
  high = (high >> 29) + d4 * a8 + d5 * a7 + a6 * a6
  const t12: u64 = high & LIMB
  high = (high >> 29) + d5 * a8 + d6 * a7
  const t13: u64 = high & LIMB
  high = (high >> 29) + d6 * a8 + a7 * a7
  const t14: u64 = high & LIMB
  high = (high >> 29) + d7 * a8
  const t15: u64 = high & LIMB
  high = (high >> 29) + a8 * a8
  const t16: u64 = high & LIMB
  const t17: u64 = high >> 29

  let low: u64 = a0 * a0 + t9 * FOLD + t17 * FOLD_TWICE
  const r0: u64 = low & LIMB
  low = (low >> 29) + d0 * a1 + t10 * FOLD + (t9 << 8) + (t17 << 16)
  const r1: u64 = low & LIMB
  low = (low >> 29) + d0 * a2 + a1 * a1 + t11 * FOLD + (t10 << 8)
  const r2: u64 = low & LIMB
  low = (low >> 29) + d0 * a3 + d1 * a2 + t12 * FOLD + (t11 << 8)
  const r3: u64 = low & LIMB
  low = (low >> 29) + d0 * a4 + d1 * a3 + a2 * a2 + t13 * FOLD + (t12 << 8)
  const r4: u64 = low & LIMB
  low = (low >> 29) + d0 * a5 + d1 * a4 + d2 * a3 + t14 * FOLD + (t13 << 8)
  const r5: u64 = low & LIMB
  low = (low >> 29) + d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3 + t15 * FOLD + (t14 << 8)
  const r6: u64 = low & LIMB
  low = (low >> 29) + d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + t16 * FOLD + (t15 << 8)
  const r7: u64 = low & LIMB
  low = (low >> 29) + t8 + t17 * FOLD + (t16 << 8)
  const top: u64 = low >> 24
  store<u32>(out, u32(r0 + top * 977), 0)
  store<u32>(out, u32(r1 + (top << 3)), 4)
  store<u32>(out, u32(r2), 8)
  store<u32>(out, u32(r3), 12)
  store<u32>(out, u32(r4), 16)
  store<u32>(out, u32(r5), 20)
  store<u32>(out, u32(r6), 24)
  store<u32>(out, u32(r7), 28)
  store<u64>(out, low & TOP, 32)
}

/** out = a + b: the magnitudes add. */
export function feAdd(out: usize, a: usize, b: usize): void {
  v128.store(out, i32x4.add(v128.load(a), v128.load(b)))
  v128.store(out, i32x4.add(v128.load(a, 16), v128.load(b, 16)), 16)
  store<u64>(out, load<u64>(a, 32) + load<u64>(b, 32), 32)
}

/** 8p with limbs that no element of magnitude 3 exceeds: what is subtracted stays below it limb by limb. */
const BIAS_0: u32 = 0x80000000 - 7816
const BIAS_1: u32 = 0x80000000 - 68
const BIAS: u32 = 0x80000000 - 4
const BIAS_TOP: u64 = 0x8000000 - 4

/** out = a − b, of magnitude 1. a and b have magnitude 3 at most. */
export function feSubtract(out: usize, a: usize, b: usize): void {
  store<u32>(out, load<u32>(a) + (BIAS_0 - load<u32>(b)))
  store<u32>(out, load<u32>(a, 4) + (BIAS_1 - load<u32>(b, 4)), 4)
  for (let i: usize = 8; i < 32; i += 4) {
    store<u32>(out + i, load<u32>(a + i) + (BIAS - load<u32>(b + i)))
  }
  store<u64>(out, load<u64>(a, 32) + (BIAS_TOP - load<u64>(b, 32)), 32)
  feCarry(out)
}

/** Brings any magnitude up to 7 to 1, in place. */
export function feCarry(a: usize): void {
  let carry: u32 = 0
  const top = load<u32>(a, 32)
  const fold = top >> 24
  let limb = load<u32>(a)
  carry = limb >> 29
  store<u32>(a, (limb & <u32>LIMB) + fold * 977)
  limb = load<u32>(a, 4)
  store<u32>(a, (limb & <u32>LIMB) + carry + (fold << 3), 4)
  carry = limb >> 29
  for (let i: usize = 8; i < 32; i += 4) {
    limb = load<u32>(a + i)
    store<u32>(a + i, (limb & <u32>LIMB) + carry)
    carry = limb >> 29
  }
  store<u32>(a, (top & <u32>TOP) + carry, 32)
}

/** The canonical form, in place: each limb below 2^29, the whole below p. Magnitude 7 at most. */
export function feNormalise(a: usize): void {
  fold(a, load<u32>(a, 32) >> 24)
  // now below 2^256 + 7.3·2^232, so that the second time it is 0 or 1, and then below 2^256
  fold(a, load<u32>(a, 32) >> 24)
  // v ≥ p exactly when v + 2^32 + 977 reaches 2^256
  let carry = (<u64>load<u32>(a) + 977) >> 29
  carry = (carry + <u64>load<u32>(a, 4) + 8) >> 29
  for (let i: usize = 8; i < 32; i += 4) carry = (carry + <u64>load<u32>(a + i)) >> 29
  fold(a, <u32>((carry + <u64>load<u32>(a, 32)) >> 24))
  store<u32>(a, load<u32>(a, 32) & <u32>TOP, 32)
}

/** Drops the bits from 256 on, adds count·(2^32 + 977) and does all carries. */
function fold(a: usize, count: u32): void {
  let carry: u64 = <u64>count * 977 + <u64>load<u32>(a)
  store<u32>(a, <u32>(carry & LIMB))
  carry = (carry >> 29) + (<u64>count << 3) + <u64>load<u32>(a, 4)
  store<u32>(a, <u32>(carry & LIMB), 4)
  for (let i: usize = 8; i < 32; i += 4) {
    carry = (carry >> 29) + <u64>load<u32>(a + i)
    store<u32>(a + i, <u32>(carry & LIMB))
  }
  store<u32>(a, (load<u32>(a, 32) & <u32>TOP) + <u32>(carry >> 29), 32)
}

/** Whether a normalised element is 0; no branch on it. */
export function feIsZero(a: usize): bool {
  let bits: u32 = 0
  for (let i: usize = 0; i < 36; i += 4) bits |= load<u32>(a + i)
  return bits == 0
}

/** Whether two normalised elements are equal; no branch on them. */
export function feEqual(a: usize, b: usize): bool {
  let bits: u32 = 0
  for (let i: usize = 0; i < 36; i += 4) bits |= load<u32>(a + i) ^ load<u32>(b + i)
  return bits == 0
}

export function feCopy(out: usize, a: usize): void {
  v128.store(out, v128.load(a))
  v128.store(out, v128.load(a, 16), 16)
  store<u64>(out, load<u64>(a, 32), 32)
}

export function feSetOne(out: usize): void {
  memory.fill(out, 0, FE_SIZE)
  store<u32>(out, 1)
}
