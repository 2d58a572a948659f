import { low } from './lane-products'
import { LIMB, LIMB_COUNT, MASK, masked, swapped, TOP } from './scalar-lanes'

/** The end of a sum of products (./lane-products), and sums that hashes are. Constant time throughout. */

/** q in limbs: these five, four of all ones, and 22 ones. */
const Q: usize = memory.data<u32>([0x364141, 0x97a334, 0x203bbfd, 0x39abd22, 0x2baaedc], 16)
const MINUS_INVERSE: i32 = 0x188b13f // −1/q mod 2^26

/**
 * out = sum / 2^260 mod q, below sum / 2^260 + q: below 2^257 when the sum is below 2^516, and below 9·2^257 for
 * 128 products of a number below 2^256 + 2^252 with one below 2^257, the most there are. The sum becomes zero.
 */
export function reduceSum(out: usize, sum: usize): void {
  const zero = i64x2.splat(0)
  reduceHalf(sum)
  reduceHalf(sum + 16)
  for (let at = sum; at < sum + 32 * LIMB_COUNT; at += 32, out += 16) {
    v128.store(out, v128.shuffle<u32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6))
    v128.store(at, zero)
    v128.store(at, zero, 16)
  }
}

/** Columns 0 to 9 of two lanes become the limbs, the others 0: for each of the lowest ten m·q cancels the column. */
function reduceHalf(sum: usize): void {
  const zero = i64x2.splat(0)
  const inverse = i64x2.splat(MINUS_INVERSE)
  const mask = i64x2.splat(MASK)
  const q0 = v128.load32_splat(Q)
  const q1 = v128.load32_splat(Q, 4)
  const q2 = v128.load32_splat(Q, 8)
  const q3 = v128.load32_splat(Q, 12)
  const q4 = v128.load32_splat(Q, 16)
  let c0 = v128.load(sum)
  let c1 = v128.load(sum, 32)
  let c2 = v128.load(sum, 64)
  let c3 = v128.load(sum, 96)
  let c4 = v128.load(sum, 128)
  let c5 = v128.load(sum, 160)
  let c6 = v128.load(sum, 192)
  let c7 = v128.load(sum, 224)
  let c8 = v128.load(sum, 256)
  let c9 = v128.load(sum, 288)
  const end = sum + 32 * LIMB_COUNT
  for (let next = end; next < end + 32 * LIMB_COUNT; next += 32) {
    const m = v128.and(v128.mul<i32>(c0, inverse), mask)
    const factor = v128.shuffle<u32>(m, m, 0, 2, 0, 2)
    const ones = v128.sub<i64>(v128.shl<i64>(m, LIMB), m)
    const carry = v128.shr<u64>(low(c0, factor, q0), LIMB)
    c0 = v128.add<i64>(low(c1, factor, q1), carry)
    c1 = low(c2, factor, q2)
    c2 = low(c3, factor, q3)
    c3 = low(c4, factor, q4)
    c4 = v128.add<i64>(c5, ones)
    c5 = v128.add<i64>(c6, ones)
    c6 = v128.add<i64>(c7, ones)
    c7 = v128.add<i64>(c8, ones)
    c8 = v128.add<i64>(c9, v128.sub<i64>(v128.shl<i64>(m, TOP), m))
    c9 = v128.load(next)
    v128.store(next, zero)
  }
  v128.store(sum, v128.and(c0, mask))
  c1 = v128.add<i64>(c1, v128.shr<u64>(c0, LIMB))
  v128.store(sum, v128.and(c1, mask), 32)
  c2 = v128.add<i64>(c2, v128.shr<u64>(c1, LIMB))
  v128.store(sum, v128.and(c2, mask), 64)
  c3 = v128.add<i64>(c3, v128.shr<u64>(c2, LIMB))
  v128.store(sum, v128.and(c3, mask), 96)
  c4 = v128.add<i64>(c4, v128.shr<u64>(c3, LIMB))
  v128.store(sum, v128.and(c4, mask), 128)
  c5 = v128.add<i64>(c5, v128.shr<u64>(c4, LIMB))
  v128.store(sum, v128.and(c5, mask), 160)
  c6 = v128.add<i64>(c6, v128.shr<u64>(c5, LIMB))
  v128.store(sum, v128.and(c6, mask), 192)
  c7 = v128.add<i64>(c7, v128.shr<u64>(c6, LIMB))
  v128.store(sum, v128.and(c7, mask), 224)
  c8 = v128.add<i64>(c8, v128.shr<u64>(c7, LIMB))
  v128.store(sum, v128.and(c8, mask), 256)
  c9 = v128.add<i64>(c9, v128.shr<u64>(c8, LIMB))
  v128.store(sum, c9, 288)
}

/** sum = 64 bytes big-endian of each lane, as the 16 vectors of words of a hash. */
export function sumFromWords(sum: usize, words: usize): void {
  const w0 = swapped(words + 128, 0)
  const w1 = swapped(words + 128, 1)
  const w2 = swapped(words + 128, 2)
  const w3 = swapped(words + 128, 3)
  const w4 = swapped(words + 128, 4)
  const w5 = swapped(words + 128, 5)
  const w6 = swapped(words + 128, 6)
  const w7 = swapped(words + 128, 7)
  const w8 = swapped(words + 128, 8)
  const w9 = swapped(words + 128, 9)
  const w10 = swapped(words + 128, 10)
  const w11 = swapped(words + 128, 11)
  const w12 = swapped(words + 128, 12)
  const w13 = swapped(words + 128, 13)
  const w14 = swapped(words + 128, 14)
  const w15 = swapped(words + 128, 15)
  storeColumn(sum, 0, w0)
  storeColumn(sum, 1, v128.or(v128.shr<u32>(w0, 26), v128.shl<u32>(w1, 6)))
  storeColumn(sum, 2, v128.or(v128.shr<u32>(w1, 20), v128.shl<u32>(w2, 12)))
  storeColumn(sum, 3, v128.or(v128.shr<u32>(w2, 14), v128.shl<u32>(w3, 18)))
  storeColumn(sum, 4, v128.or(v128.shr<u32>(w3, 8), v128.shl<u32>(w4, 24)))
  storeColumn(sum, 5, v128.shr<u32>(w4, 2))
  storeColumn(sum, 6, v128.or(v128.shr<u32>(w4, 28), v128.shl<u32>(w5, 4)))
  storeColumn(sum, 7, v128.or(v128.shr<u32>(w5, 22), v128.shl<u32>(w6, 10)))
  storeColumn(sum, 8, v128.or(v128.shr<u32>(w6, 16), v128.shl<u32>(w7, 16)))
  storeColumn(sum, 9, v128.or(v128.shr<u32>(w7, 10), v128.shl<u32>(w8, 22)))
  storeColumn(sum, 10, v128.shr<u32>(w8, 4))
  storeColumn(sum, 11, v128.or(v128.shr<u32>(w8, 30), v128.shl<u32>(w9, 2)))
  storeColumn(sum, 12, v128.or(v128.shr<u32>(w9, 24), v128.shl<u32>(w10, 8)))
  storeColumn(sum, 13, v128.or(v128.shr<u32>(w10, 18), v128.shl<u32>(w11, 14)))
  storeColumn(sum, 14, v128.or(v128.shr<u32>(w11, 12), v128.shl<u32>(w12, 20)))
  storeColumn(sum, 15, v128.shr<u32>(w12, 6))
  storeColumn(sum, 16, w13)
  storeColumn(sum, 17, v128.or(v128.shr<u32>(w13, 26), v128.shl<u32>(w14, 6)))
  storeColumn(sum, 18, v128.or(v128.shr<u32>(w14, 20), v128.shl<u32>(w15, 12)))
  storeColumn(sum, 19, v128.shr<u32>(w15, 14))
}

// @ts-ignore: decorator
@inline
function storeColumn(sum: usize, k: i32, bits: v128): void {
  const limb = masked(bits)
  v128.store(sum + 32 * k, v128.extend_low<u32>(limb))
  v128.store(sum + 32 * k + 16, v128.extend_high<u32>(limb))
}
