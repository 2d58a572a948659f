/**
 * Scalars as signed odd digits: what a table of odd multiples can serve with no digit 0 and no special
 * case. For any v below 2^(5n), Σ_{i<n} (2w_i − 31)·32^i = 2v − (2^(5n) − 1), with w_i the 5-bit windows
 * of v. So v = (k + 2^(5n) − 1)/2 mod q names k by digits that are odd and at most 31 in size.
 * Nothing here branches on, or addresses memory by, a scalar.
 */
export const WINDOW_BITS: i32 = 5
export const WINDOW_ENTRIES: i32 = 16 // 1, 3, … 31
export const COMB_WINDOWS: i32 = 52 // of 5 bits: 260 bits hold what is below q
export const HALF_WINDOWS: i32 = 26 // 130 bits hold a half of a scalar, below 2^129 (`splitScalar`)

const Q = memory.data<u32>(
  [
    0xd0364141, 0xbfd25e8c, 0xaf48a03b, 0xbaaedce6, 0xfffffffe, 0xffffffff, 0xffffffff, 0xffffffff,
  ],
  16,
)

/** (2^260 − 1)/2 mod q. */
const COMB_OFFSET = memory.data<u32>(
  [
    0xe6691698, 0xe1563adf, 0xdd5f4e3f, 0x87e0873d, 0x00000009, 0x00000000, 0x00000000, 0x80000000,
  ],
  16,
)

/** out (36 bytes) = the windows of sc for a comb of 52. */
export function combDigits(out: usize, sc: usize): void {
  halvePlus(out, sc, COMB_OFFSET)
  store<u32>(out, 0, 32)
}

/** out = sc/2 + offset mod q. Secret: sc. */
function halvePlus(out: usize, sc: usize, offset: usize): void {
  const odd: u64 = 0 - <u64>(load<u32>(sc) & 1)
  let carry: u64 = 0
  for (let i: usize = 0; i < 32; i += 4) {
    carry += <u64>load<u32>(sc + i) + (<u64>load<u32>(Q + i) & odd)
    store<u32>(out + i, <u32>carry)
    carry >>= 32
  }
  for (let i: usize = 0; i < 28; i += 4) {
    store<u32>(out + i, (load<u32>(out + i) >> 1) | (load<u32>(out + i, 4) << 31))
  }
  store<u32>(out, (load<u32>(out, 28) >> 1) | (<u32>carry << 31), 28)
  carry = 0
  for (let i: usize = 0; i < 32; i += 4) {
    carry += <u64>load<u32>(out + i) + <u64>load<u32>(offset + i)
    store<u32>(out + i, <u32>carry)
    carry >>= 32
  }
  reduceOnce(out, carry)
}

/** out + over·2^256 below 2q becomes below q. */
function reduceOnce(out: usize, over: u64): void {
  let borrow: u64 = 0
  for (let i: usize = 0; i < 32; i += 4) {
    borrow = <u64>load<u32>(out + i) - <u64>load<u32>(Q + i) - borrow
    borrow = borrow >> 63
  }
  const keep: u64 = 0 - (borrow & (over ^ 1)) // all ones when below q
  borrow = 0
  for (let i: usize = 0; i < 32; i += 4) {
    borrow = <u64>load<u32>(out + i) - (<u64>load<u32>(Q + i) & ~keep) - borrow
    store<u32>(out + i, <u32>borrow)
    borrow = borrow >> 63
  }
}

/*
 * The endomorphism (x, y) → (βx, y) multiplies by λ, λ² + λ + 1 = 0 mod q. The vectors (a1, b1), (a2, b2)
 * with a + bλ = 0 mod q, found by the extended Euclidean algorithm on (q, λ) where the remainders pass
 * √q, span a lattice of determinant a1·b2 − a2·b1 = q:
 *   a1 = b2 = 3086d221a7d46bcde86c90e49284eb15, b1 = −e4437ed6010e88286f547fa90abfe4c3,
 *   a2 = 114ca50f7a8e2f3f657c1108d9d44cfd8.
 * s − c1·(a1, b1) − c2·(a2, b2) with c1 = b2·s/q and c2 = −b1·s/q rounded is within half of each vector
 * (and a little for g1, g2 below): below (a1 + a2)/2 + 1 < 2^128 and (b2 − b1)/2 + 1 < 2^128.
 * Division by q becomes a product with g = 2^384·b/q, rounded, whose error moves c by less than 2^-127.
 */
const G1 = memory.data<u32>(
  [
    0x45dbb031, 0xe893209a, 0x71e8ca7f, 0x3daa8a14, 0x9284eb15, 0xe86c90e4, 0xa7d46bcd, 0x3086d221,
  ],
  16,
)
const G2 = memory.data<u32>(
  [
    0x8ac47f71, 0x1571b4ae, 0x9df506c6, 0x221208ac, 0x0abfe4c4, 0x6f547fa9, 0x010e8828, 0xe4437ed6,
  ],
  16,
)
const A1 = memory.data<u32>([0x9284eb15, 0xe86c90e4, 0xa7d46bcd, 0x3086d221, 0], 16)
const B1 = memory.data<u32>([0xf5401b3d, 0x90ab8056, 0xfef177d7, 0x1bbc8129, 0xffffffff], 16) // mod 2^160
const A2 = memory.data<u32>([0x9d44cfd8, 0x57c1108d, 0xa8e2f3f6, 0x14ca50f7, 1], 16)

/**
 * (2^130 − 2^129 − 1)(1 + λ)/2 mod q: with s = k/2 + this = s1 + s2·λ and v_i = s_i + 2^128, the 26 windows
 * of v_1 and v_2 stand for 2v_i − (2^130 − 1) and 2(s1 + s2·λ) + (2^129 − 2^130 + 1)(1 + λ) = k.
 */
const SPLIT_OFFSET = memory.data<u32>(
  [
    0xd766ed0d, 0x3aca9034, 0x6b016510, 0x09a4e297, 0xbe08c6b5, 0x615eeb5f, 0xe58981a7, 0xd274453e,
  ],
  16,
)

const half = memory.data(32, 16)
const wide = memory.data(64, 16)
const c1 = memory.data(20, 16)
const c2 = memory.data(20, 16)

/** The windows of the two halves of sc, 20 bytes each, for 26 signed digits of P and of λP. Secret: sc. */
export function splitDigits(outP: usize, outLambda: usize, sc: usize): void {
  halvePlus(half, sc, SPLIT_OFFSET)
  splitScalar(outP, outLambda, half)
  addPower128(outP)
  addPower128(outLambda)
  memory.fill(half, 0, 32)
}

/** sc = s1 + s2·λ mod q with |s_i| < 2^128, as two's complements of 160 bits. Secret: sc. */
export function splitScalar(out1: usize, out2: usize, sc: usize): void {
  roundedQuotient(c1, sc, G1)
  roundedQuotient(c2, sc, G2)
  memory.copy(out1, sc, 20)
  subtractProduct(out1, c1, A1)
  subtractProduct(out1, c2, A2)
  memory.fill(out2, 0, 20)
  subtractProduct(out2, c1, B1)
  subtractProduct(out2, c2, A1)
  memory.fill(wide, 0, 64)
  memory.fill(c1, 0, 20)
  memory.fill(c2, 0, 20)
}

/** As `splitScalar` for a public scalar, but one below 2^128, as weights are, stays whole: s2 = 0. */
export function splitPublic(out1: usize, out2: usize, sc: usize): void {
  if ((load<u64>(sc, 16) | load<u64>(sc, 24)) != 0) {
    splitScalar(out1, out2, sc)
    return
  }
  memory.copy(out1, sc, 20)
  memory.fill(out2, 0, 20)
}

/** out (160 bits) = sc·g/2^384, rounded. */
function roundedQuotient(out: usize, sc: usize, g: usize): void {
  memory.fill(wide, 0, 64)
  for (let i: usize = 0; i < 32; i += 4) {
    const x = <u64>load<u32>(sc + i)
    let carry: u64 = 0
    for (let j: usize = 0; j < 32; j += 4) {
      carry += x * <u64>load<u32>(g + j) + <u64>load<u32>(wide + i + j)
      store<u32>(wide + i + j, <u32>carry)
      carry >>= 32
    }
    store<u32>(wide + i, <u32>carry, 32)
  }
  let carry: u64 = <u64>load<u32>(wide, 44) >> 31
  for (let i: usize = 0; i < 16; i += 4) {
    carry += <u64>load<u32>(wide + i, 48)
    store<u32>(out + i, <u32>carry)
    carry >>= 32
  }
  store<u32>(out, <u32>carry, 16)
}

/** out −= a·b mod 2^160. */
function subtractProduct(out: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < 20; i += 4) {
    const x = <u64>load<u32>(a + i)
    let carry: u64 = 0
    for (let j: usize = 0; j < 20 - i; j += 4) {
      carry += x * <u64>load<u32>(b + j)
      const limb = <u64>load<u32>(out + i + j) - (carry & 0xffffffff)
      store<u32>(out + i + j, <u32>limb)
      carry = (carry >> 32) + (limb >> 63)
    }
  }
}

/** a += 2^128 mod 2^160. */
function addPower128(a: usize): void {
  store<u32>(a, load<u32>(a, 16) + 1, 16)
}

/** The 5-bit window i (public) of digits. */
export function window(digits: usize, i: i32): u32 {
  const bit = i * WINDOW_BITS
  const at = digits + (<usize>(bit >> 5) << 2)
  // the word after the last one is read only for windows that need none of it
  const words = <u64>load<u32>(at) | (<u64>load<u32>(at, 4) << 32)
  return <u32>(words >> (bit & 31)) & 31
}
