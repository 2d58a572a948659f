import { invertModQ } from './modular-inverse'
import { swapWords } from './words'

/**
 * Scalars modulo q, the order of secp256k1: 32 bytes, eight 32-bit words, least first, below q; big-endian on
 * the wire. Everything runs in constant time: no branch or address depends on a value. Outputs may be inputs.
 */
export const SCALAR_BYTES: i32 = 32

const WORDS: i32 = 8
const LIMB: u64 = 29 // bits: nine products of two limbs fit 64 bits with room
const MASK: u64 = 0x1fffffff
const TOP: u64 = 24 // bits of 256 in the ninth limb
const TOP_MASK: u64 = 0xffffff

export const q: usize = memory.data<u32>(
  [0xd0364141, 0xbfd25e8c, 0xaf48a03b, 0xbaaedce6, 0xfffffffe, 0xffffffff, 0xffffffff, 0xffffffff],
  16,
)

/** c = 2^256 − q, a number of 129 bits. */
const c: usize = memory.data<u32>(
  [0x2fc9bebf, 0x402da173, 0x50b75fc4, 0x45512319, 0x00000001, 0x00000000, 0x00000000, 0x00000000],
  16,
)

const zero: usize = memory.data(32, 16)
const spare: usize = memory.data(32, 16) // public

/** c in limbs, and 2^261 mod q = 32·c. */
const C0: u64 = 0xfc9bebf
const C1: u64 = 0x16d0b99
const C2: u64 = 0xdd7f110
const C3: u64 = 0x24632a1
const C4: u64 = 0x1455
const K0: u64 = 0x1937d7e0
const K1: u64 = 0xda1732f
const K2: u64 = 0x1afe2201
const K3: u64 = 0x8c6542d
const K4: u64 = 0x28aa2

/** out = a·b. */
export function scMul(out: usize, a: usize, b: usize): void {
  const a0 = load<u64>(a) & MASK
  const a1 = (load<u64>(a, 3) >> 5) & MASK
  const a2 = (load<u64>(a, 7) >> 2) & MASK
  const a3 = (load<u64>(a, 10) >> 7) & MASK
  const a4 = (load<u64>(a, 14) >> 4) & MASK
  const a5 = (load<u64>(a, 18) >> 1) & MASK
  const a6 = (load<u64>(a, 21) >> 6) & MASK
  const a7 = (load<u64>(a, 24) >> 11) & MASK
  const a8: u64 = load<u32>(a, 28) >> 8
  const b0 = load<u64>(b) & MASK
  const b1 = (load<u64>(b, 3) >> 5) & MASK
  const b2 = (load<u64>(b, 7) >> 2) & MASK
  const b3 = (load<u64>(b, 10) >> 7) & MASK
  const b4 = (load<u64>(b, 14) >> 4) & MASK
  const b5 = (load<u64>(b, 18) >> 1) & MASK
  const b6 = (load<u64>(b, 21) >> 6) & MASK
  const b7 = (load<u64>(b, 24) >> 11) & MASK
  const b8: u64 = load<u32>(b, 28) >> 8
  let t = a0 * b0
  const p0 = t & MASK
  t = (t >> LIMB) + a0 * b1 + a1 * b0
  const p1 = t & MASK
  t = (t >> LIMB) + a0 * b2 + a1 * b1 + a2 * b0
  const p2 = t & MASK
  t = (t >> LIMB) + a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0
  const p3 = t & MASK
  t = (t >> LIMB) + a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0
  const p4 = t & MASK
  t = (t >> LIMB) + a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0
  const p5 = t & MASK
  t = (t >> LIMB) + a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0
  const p6 = t & MASK
  t = (t >> LIMB) + a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0
  const p7 = t & MASK
  t = (t >> LIMB) + a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0
  const p8 = t & MASK
  t = (t >> LIMB) + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1
  const p9 = t & MASK
  t = (t >> LIMB) + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2
  const p10 = t & MASK
  t = (t >> LIMB) + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3
  const p11 = t & MASK
  t = (t >> LIMB) + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4
  const p12 = t & MASK
  t = (t >> LIMB) + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5
  const p13 = t & MASK
  t = (t >> LIMB) + a6 * b8 + a7 * b7 + a8 * b6
  const p14 = t & MASK
  t = (t >> LIMB) + a7 * b8 + a8 * b7
  const p15 = t & MASK
  t = (t >> LIMB) + a8 * b8
  const p16 = t & MASK
  reduce(out, p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16, t >> LIMB)
}

/** out = 64 bytes big-endian, mod q. */
export function scWide(out: usize, bytes: usize): void {
  const p0 = bswap(load<u64>(bytes, 56)) & MASK
  const p1 = (bswap(load<u64>(bytes, 53)) >> 5) & MASK
  const p2 = (bswap(load<u64>(bytes, 49)) >> 2) & MASK
  const p3 = (bswap(load<u64>(bytes, 46)) >> 7) & MASK
  const p4 = (bswap(load<u64>(bytes, 42)) >> 4) & MASK
  const p5 = (bswap(load<u64>(bytes, 38)) >> 1) & MASK
  const p6 = (bswap(load<u64>(bytes, 35)) >> 6) & MASK
  const p7 = (bswap(load<u64>(bytes, 31)) >> 3) & MASK
  const p8 = bswap(load<u64>(bytes, 27)) & MASK
  const p9 = (bswap(load<u64>(bytes, 24)) >> 5) & MASK
  const p10 = (bswap(load<u64>(bytes, 20)) >> 2) & MASK
  const p11 = (bswap(load<u64>(bytes, 17)) >> 7) & MASK
  const p12 = (bswap(load<u64>(bytes, 13)) >> 4) & MASK
  const p13 = (bswap(load<u64>(bytes, 9)) >> 1) & MASK
  const p14 = (bswap(load<u64>(bytes, 6)) >> 6) & MASK
  const p15 = (bswap(load<u64>(bytes, 2)) >> 3) & MASK
  const p16 = (bswap(load<u64>(bytes)) >> 16) & MASK
  const p17 = (bswap(load<u64>(bytes)) >> 45) & MASK
  reduce(out, p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16, p17)
}

/** out = Σ p_i·2^(29i) mod q, for limbs below 2^29. */
function reduce(
  out: usize,
  p0: u64,
  p1: u64,
  p2: u64,
  p3: u64,
  p4: u64,
  p5: u64,
  p6: u64,
  p7: u64,
  p8: u64,
  p9: u64,
  p10: u64,
  p11: u64,
  p12: u64,
  p13: u64,
  p14: u64,
  p15: u64,
  p16: u64,
  p17: u64,
): void {
  // p_9… count 2^261 each: 385 bits remain.
  let t = p0 + p9 * K0
  const r0 = t & MASK
  t = (t >> LIMB) + p1 + p9 * K1 + p10 * K0
  const r1 = t & MASK
  t = (t >> LIMB) + p2 + p9 * K2 + p10 * K1 + p11 * K0
  const r2 = t & MASK
  t = (t >> LIMB) + p3 + p9 * K3 + p10 * K2 + p11 * K1 + p12 * K0
  const r3 = t & MASK
  t = (t >> LIMB) + p4 + p9 * K4 + p10 * K3 + p11 * K2 + p12 * K1 + p13 * K0
  const r4 = t & MASK
  t = (t >> LIMB) + p5 + p10 * K4 + p11 * K3 + p12 * K2 + p13 * K1 + p14 * K0
  const r5 = t & MASK
  t = (t >> LIMB) + p6 + p11 * K4 + p12 * K3 + p13 * K2 + p14 * K1 + p15 * K0
  const r6 = t & MASK
  t = (t >> LIMB) + p7 + p12 * K4 + p13 * K3 + p14 * K2 + p15 * K1 + p16 * K0
  const r7 = t & MASK
  t = (t >> LIMB) + p8 + p13 * K4 + p14 * K3 + p15 * K2 + p16 * K1 + p17 * K0
  const r8 = t & MASK
  t = (t >> LIMB) + p14 * K4 + p15 * K3 + p16 * K2 + p17 * K1
  const r9 = t & MASK
  t = (t >> LIMB) + p15 * K4 + p16 * K3 + p17 * K2
  const r10 = t & MASK
  t = (t >> LIMB) + p16 * K4 + p17 * K3
  const r11 = t & MASK
  t = (t >> LIMB) + p17 * K4
  const r12 = t & MASK
  const r13 = t >> LIMB
  // Once more: 262 bits remain.
  t = r0 + r9 * K0
  const s0 = t & MASK
  t = (t >> LIMB) + r1 + r9 * K1 + r10 * K0
  const s1 = t & MASK
  t = (t >> LIMB) + r2 + r9 * K2 + r10 * K1 + r11 * K0
  const s2 = t & MASK
  t = (t >> LIMB) + r3 + r9 * K3 + r10 * K2 + r11 * K1 + r12 * K0
  const s3 = t & MASK
  t = (t >> LIMB) + r4 + r9 * K4 + r10 * K3 + r11 * K2 + r12 * K1 + r13 * K0
  const s4 = t & MASK
  t = (t >> LIMB) + r5 + r10 * K4 + r11 * K3 + r12 * K2 + r13 * K1
  const s5 = t & MASK
  t = (t >> LIMB) + r6 + r11 * K4 + r12 * K3 + r13 * K2
  const s6 = t & MASK
  t = (t >> LIMB) + r7 + r12 * K4 + r13 * K3
  const s7 = t & MASK
  t = (t >> LIMB) + r8 + r13 * K4
  const s8 = t & TOP_MASK
  // What lies above 2^256 counts c each; then the value is below 2q.
  const high = t >> TOP
  t = s0 + high * C0
  const u0 = t & MASK
  t = (t >> LIMB) + s1 + high * C1
  const u1 = t & MASK
  t = (t >> LIMB) + s2 + high * C2
  const u2 = t & MASK
  t = (t >> LIMB) + s3 + high * C3
  const u3 = t & MASK
  t = (t >> LIMB) + s4 + high * C4
  const u4 = t & MASK
  t = (t >> LIMB) + s5
  const u5 = t & MASK
  t = (t >> LIMB) + s6
  const u6 = t & MASK
  t = (t >> LIMB) + s7
  const u7 = t & MASK
  t = (t >> LIMB) + s8
  const u8 = t
  // Adding c passes 2^256 exactly when the value is q or more.
  t = u0 + C0
  const v0 = t & MASK
  t = (t >> LIMB) + u1 + C1
  const v1 = t & MASK
  t = (t >> LIMB) + u2 + C2
  const v2 = t & MASK
  t = (t >> LIMB) + u3 + C3
  const v3 = t & MASK
  t = (t >> LIMB) + u4 + C4
  const v4 = t & MASK
  t = (t >> LIMB) + u5
  const v5 = t & MASK
  t = (t >> LIMB) + u6
  const v6 = t & MASK
  t = (t >> LIMB) + u7
  const v7 = t & MASK
  t = (t >> LIMB) + u8
  const v8 = t & TOP_MASK
  const over: u64 = 0 - (t >> TOP)
  const w0 = u0 ^ ((u0 ^ v0) & over)
  const w1 = u1 ^ ((u1 ^ v1) & over)
  const w2 = u2 ^ ((u2 ^ v2) & over)
  const w3 = u3 ^ ((u3 ^ v3) & over)
  const w4 = u4 ^ ((u4 ^ v4) & over)
  const w5 = u5 ^ ((u5 ^ v5) & over)
  const w6 = u6 ^ ((u6 ^ v6) & over)
  const w7 = u7 ^ ((u7 ^ v7) & over)
  const w8 = u8 ^ ((u8 ^ v8) & over)
  store<u64>(out, w0 | (w1 << 29) | (w2 << 58))
  store<u64>(out, (w2 >> 6) | (w3 << 23) | (w4 << 52), 8)
  store<u64>(out, (w4 >> 12) | (w5 << 17) | (w6 << 46), 16)
  store<u64>(out, (w6 >> 18) | (w7 << 11) | (w8 << 40), 24)
}

/** out = a + b. */
export function scAdd(out: usize, a: usize, b: usize): void {
  let sum: u64 = 0
  for (let i = 0; i < 4 * WORDS; i += 4) {
    sum = (sum >> 32) + load<u32>(a + i) + load<u32>(b + i) + load<u32>(c + i)
  }
  const over: u32 = 0 - <u32>(sum >> 32)
  sum = 0
  for (let i = 0; i < 4 * WORDS; i += 4) {
    sum = (sum >> 32) + load<u32>(a + i) + load<u32>(b + i) + (load<u32>(c + i) & over)
    store<u32>(out + i, <u32>sum)
  }
}

/** out = a − b. */
export function scSub(out: usize, a: usize, b: usize): void {
  let rest: i64 = 0
  for (let i = 0; i < 4 * WORDS; i += 4) {
    rest = (rest >> 32) + <i64>load<u32>(a + i) - <i64>load<u32>(b + i)
  }
  const under = <u32>(rest >> 32)
  rest = 0
  for (let i = 0; i < 4 * WORDS; i += 4) {
    rest =
      (rest >> 32) + <i64>load<u32>(a + i) - <i64>load<u32>(b + i) + <i64>(load<u32>(q + i) & under)
    store<u32>(out + i, <u32>rest)
  }
}

/** out = −a. */
export function scNeg(out: usize, a: usize): void {
  scSub(out, zero, a)
}

/** Whether a = 0. The answer may be used as public. */
export function scIsZero(a: usize): bool {
  return (load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)) == 0
}

/** out = b when `bit` is 1, a when it is 0, by masks. */
export function scSelect(out: usize, a: usize, b: usize, bit: u32): void {
  const mask: u64 = 0 - <u64>bit
  for (let i = 0; i < 4 * WORDS; i += 8) {
    const x = load<u64>(a + i)
    store<u64>(out + i, x ^ ((x ^ load<u64>(b + i)) & mask))
  }
}

/** From 32 bytes big-endian; false, and `out` worthless, when they are q or more. */
export function scLoad(out: usize, bytes: usize): bool {
  swapWords(out, bytes, WORDS)
  return excess(out) == 0
}

/** From 32 bytes big-endian, mod q. */
export function scLoadReduced(out: usize, bytes: usize): void {
  swapWords(out, bytes, WORDS)
  const over: u32 = 0 - excess(out)
  let sum: u64 = 0
  for (let i = 0; i < 4 * WORDS; i += 4) {
    sum = (sum >> 32) + load<u32>(out + i) + (load<u32>(c + i) & over)
    store<u32>(out + i, <u32>sum)
  }
}

/** To 32 bytes big-endian; `out` is not `a`. */
export function scStore(out: usize, a: usize): void {
  swapWords(out, a, WORDS)
}

/** Whether all of n scalars of 32 bytes big-endian are below q. Public: the scalars. */
export function scalarsCanonical(bytes: usize, n: i32): bool {
  for (let i = 0; i < n; i++, bytes += SCALAR_BYTES) {
    if (load<u32>(bytes) != 0xffffffff) continue // as nearly all of them
    swapWords(spare, bytes, WORDS)
    if (excess(spare) != 0) return false
  }
  return true
}

/** out = 1/a, and 0 of 0. */
export function scInvert(out: usize, a: usize): void {
  invertModQ(out, a)
}

/** 1 when a ≥ q, else 0. */
function excess(a: usize): u32 {
  let sum: u64 = 0
  for (let i = 0; i < 4 * WORDS; i += 4) sum = (sum >> 32) + load<u32>(a + i) + load<u32>(c + i)
  return <u32>(sum >> 32)
}
