/**
 * Four scalars modulo q side by side: vector i holds limb i of each, ten limbs of 26 bits. Limbs may have a bit
 * more and values may pass q until `reduceLanes`; 128 products of such scalars fit the columns of one sum.
 * Constant time: no branch or address depends on a value. Outputs may be inputs unless said.
 */
export const LIMBS: i32 = 160 // bytes of four scalars

export const LIMB: i32 = 26
export const MASK: i32 = 0x3ffffff
export const TOP: i32 = 22 // bits of 256 in the tenth limb
const TOP_MASK: i32 = 0x3fffff
export const LIMB_COUNT: i32 = 10

/** c = 2^256 − q in limbs. */
const C0: i32 = 0x3c9bebf
const C1: i32 = 0x3685ccb
const C2: i32 = 0x1fc4402
const C3: i32 = 0x6542dd
const C4: i32 = 0x1455123

/** Word i of 256 bits, the least first, of eight vectors with the greatest first and bytes reversed. */
// @ts-ignore: decorator
@inline
export function swapped(words: usize, i: i32): v128 {
  const x = v128.load(words + 16 * (7 - i))
  return v128.shuffle<u8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
}

// @ts-ignore: decorator
@inline
export function masked(x: v128): v128 {
  return v128.and(x, i32x4.splat(MASK))
}

/** From eight vectors of words, big-endian as on the wire. */
export function lanesFromWords(out: usize, words: usize): void {
  const w0 = swapped(words, 0)
  const w1 = swapped(words, 1)
  const w2 = swapped(words, 2)
  const w3 = swapped(words, 3)
  const w4 = swapped(words, 4)
  const w5 = swapped(words, 5)
  const w6 = swapped(words, 6)
  const w7 = swapped(words, 7)
  v128.store(out, masked(w0))
  v128.store(out, masked(v128.or(v128.shr<u32>(w0, 26), v128.shl<u32>(w1, 6))), 16)
  v128.store(out, masked(v128.or(v128.shr<u32>(w1, 20), v128.shl<u32>(w2, 12))), 32)
  v128.store(out, masked(v128.or(v128.shr<u32>(w2, 14), v128.shl<u32>(w3, 18))), 48)
  v128.store(out, masked(v128.or(v128.shr<u32>(w3, 8), v128.shl<u32>(w4, 24))), 64)
  v128.store(out, masked(v128.shr<u32>(w4, 2)), 80)
  v128.store(out, masked(v128.or(v128.shr<u32>(w4, 28), v128.shl<u32>(w5, 4))), 96)
  v128.store(out, masked(v128.or(v128.shr<u32>(w5, 22), v128.shl<u32>(w6, 10))), 112)
  v128.store(out, masked(v128.or(v128.shr<u32>(w6, 16), v128.shl<u32>(w7, 16))), 128)
  v128.store(out, v128.shr<u32>(w7, 10), 144)
}

/** To eight vectors of words, big-endian as on the wire, from scalars below q. */
export function lanesToWords(out: usize, x: usize): void {
  const x0 = v128.load(x)
  const x1 = v128.load(x, 16)
  const x2 = v128.load(x, 32)
  const x3 = v128.load(x, 48)
  const x4 = v128.load(x, 64)
  const x5 = v128.load(x, 80)
  const x6 = v128.load(x, 96)
  const x7 = v128.load(x, 112)
  const x8 = v128.load(x, 128)
  const x9 = v128.load(x, 144)
  v128.store(out, v128.or(x0, v128.shl<u32>(x1, 26)), 112)
  v128.store(out, v128.or(v128.shr<u32>(x1, 6), v128.shl<u32>(x2, 20)), 96)
  v128.store(out, v128.or(v128.shr<u32>(x2, 12), v128.shl<u32>(x3, 14)), 80)
  v128.store(out, v128.or(v128.shr<u32>(x3, 18), v128.shl<u32>(x4, 8)), 64)
  v128.store(out, v128.or(v128.or(v128.shr<u32>(x4, 24), v128.shl<u32>(x5, 2)), v128.shl<u32>(x6, 28)), 48)
  v128.store(out, v128.or(v128.shr<u32>(x6, 4), v128.shl<u32>(x7, 22)), 32)
  v128.store(out, v128.or(v128.shr<u32>(x7, 10), v128.shl<u32>(x8, 16)), 16)
  v128.store(out, v128.or(v128.shr<u32>(x8, 16), v128.shl<u32>(x9, 10)))
  for (let i = 0; i < 8; i++) v128.store(out + 16 * i, swapped(out, 7 - i))
}

/** One plain scalar (eight words, least first) in all lanes. */
export function splatScalar(out: usize, scalar: usize): void {
  for (let k = 0; k < LIMB_COUNT; k++) {
    // The last limb's eight bytes begin where they still end inside the scalar.
    const byte = min((LIMB * k) >> 3, 24)
    const limb = <i32>(load<u64>(scalar + byte) >> (LIMB * k - 8 * byte)) & MASK
    v128.store(out + 16 * k, i32x4.splat(limb))
  }
}

/** out = a + b, limb by limb. */
export function addLanes(out: usize, a: usize, b: usize): void {
  for (let i = 0; i < LIMBS; i += 16) {
    v128.store(out + i, v128.add<u32>(v128.load(a + i), v128.load(b + i)))
  }
}

/** out = a − b, limb by limb; limbs may become negative. */
export function subtractLanes(out: usize, a: usize, b: usize): void {
  for (let i = 0; i < LIMBS; i += 16) {
    v128.store(out + i, v128.sub<u32>(v128.load(a + i), v128.load(b + i)))
  }
}

/** a in the lanes of the mask, 0 in the others. */
export function maskLanes(out: usize, a: usize, mask: v128): void {
  for (let i = 0; i < LIMBS; i += 16) v128.store(out + i, v128.and(v128.load(a + i), mask))
}

/** The scalars below q that are equal to x, which lies between 0 and 2^262 with limbs of either sign. */
export function reduceLanes(out: usize, x: usize): void {
  let t = v128.load(x)
  const a0 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 16))
  const a1 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 32))
  const a2 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 48))
  const a3 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 64))
  const a4 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 80))
  const a5 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 96))
  const a6 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 112))
  const a7 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 128))
  const a8 = masked(t)
  t = v128.add<i32>(v128.shr<i32>(t, LIMB), v128.load(x, 144))
  // What lies above 2^256 counts c each; then the value is below 2q.
  const high = v128.shr<u32>(t, TOP)
  const a9 = v128.and(t, i32x4.splat(TOP_MASK))
  t = v128.add<i32>(a0, v128.mul<i32>(high, i32x4.splat(C0)))
  const b0 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), v128.add<i32>(a1, v128.mul<i32>(high, i32x4.splat(C1))))
  const b1 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), v128.add<i32>(a2, v128.mul<i32>(high, i32x4.splat(C2))))
  const b2 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), v128.add<i32>(a3, v128.mul<i32>(high, i32x4.splat(C3))))
  const b3 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), v128.add<i32>(a4, v128.mul<i32>(high, i32x4.splat(C4))))
  const b4 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), a5)
  const b5 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), a6)
  const b6 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), a7)
  const b7 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), a8)
  const b8 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), a9)
  const b9 = t
  // Adding c passes 2^256 exactly when the value is q or more.
  t = v128.add<i32>(b0, i32x4.splat(C0))
  const d0 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), v128.add<i32>(b1, i32x4.splat(C1)))
  const d1 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), v128.add<i32>(b2, i32x4.splat(C2)))
  const d2 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), v128.add<i32>(b3, i32x4.splat(C3)))
  const d3 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), v128.add<i32>(b4, i32x4.splat(C4)))
  const d4 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), b5)
  const d5 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), b6)
  const d6 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), b7)
  const d7 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), b8)
  const d8 = masked(t)
  t = v128.add<i32>(v128.shr<u32>(t, LIMB), b9)
  const d9 = v128.and(t, i32x4.splat(TOP_MASK))
  const over = v128.neg<i32>(v128.shr<u32>(t, TOP))
  v128.store(out, v128.bitselect(d0, b0, over))
  v128.store(out, v128.bitselect(d1, b1, over), 16)
  v128.store(out, v128.bitselect(d2, b2, over), 32)
  v128.store(out, v128.bitselect(d3, b3, over), 48)
  v128.store(out, v128.bitselect(d4, b4, over), 64)
  v128.store(out, v128.bitselect(d5, b5, over), 80)
  v128.store(out, v128.bitselect(d6, b6, over), 96)
  v128.store(out, v128.bitselect(d7, b7, over), 112)
  v128.store(out, v128.bitselect(d8, b8, over), 128)
  v128.store(out, v128.bitselect(d9, b9, over), 144)
}
