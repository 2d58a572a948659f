const TILE: i32 = 16 // rows, and bytes of a row

/**
 * Transposes a matrix of bits: `rows` rows of `bytes` bytes to 8·`bytes` rows of `rows`/8 bytes. Bit j of a row
 * is bit j mod 8 of its byte j / 8 (02 §1.2). Both are multiples of 16, and public; the bits are not.
 */
export function transpose(out: usize, matrix: usize, rows: i32, bytes: i32): void {
  const outBytes = rows >> 3
  for (let row = 0; row < rows; row += TILE) {
    for (let byte = 0; byte < bytes; byte += TILE) {
      transposeTile(out + 8 * byte * outBytes + (row >> 3), outBytes, matrix + row * bytes + byte, bytes)
    }
  }
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}

/** Eight rows of 16 bits from byte k of 16 rows, the highest bit first. */
// @ts-ignore: decorator
@inline
function storeBits(out: usize, stride: i32, bytes: v128): void {
  let x = bytes
  for (let row = out + 7 * stride; row >= out; row -= stride) {
    store<u16>(row, <u16>v128.bitmask<u8>(x))
    x = v128.add<u8>(x, x)
  }
}

/** 16 rows of 16 bytes: four rounds of interleaving bring byte k of all rows into one vector. */
function transposeTile(out: usize, stride: i32, from: usize, fromStride: i32): void {
  const a0 = v128.load(from)
  const a1 = v128.load(from + fromStride)
  const a2 = v128.load(from + 2 * fromStride)
  const a3 = v128.load(from + 3 * fromStride)
  const a4 = v128.load(from + 4 * fromStride)
  const a5 = v128.load(from + 5 * fromStride)
  const a6 = v128.load(from + 6 * fromStride)
  const a7 = v128.load(from + 7 * fromStride)
  const a8 = v128.load(from + 8 * fromStride)
  const a9 = v128.load(from + 9 * fromStride)
  const a10 = v128.load(from + 10 * fromStride)
  const a11 = v128.load(from + 11 * fromStride)
  const a12 = v128.load(from + 12 * fromStride)
  const a13 = v128.load(from + 13 * fromStride)
  const a14 = v128.load(from + 14 * fromStride)
  const a15 = v128.load(from + 15 * fromStride)
  const b0 = low(a0, a8)
  const b1 = high(a0, a8)
  const b2 = low(a1, a9)
  const b3 = high(a1, a9)
  const b4 = low(a2, a10)
  const b5 = high(a2, a10)
  const b6 = low(a3, a11)
  const b7 = high(a3, a11)
  const b8 = low(a4, a12)
  const b9 = high(a4, a12)
  const b10 = low(a5, a13)
  const b11 = high(a5, a13)
  const b12 = low(a6, a14)
  const b13 = high(a6, a14)
  const b14 = low(a7, a15)
  const b15 = high(a7, a15)
  const c0 = low(b0, b8)
  const c1 = high(b0, b8)
  const c2 = low(b1, b9)
  const c3 = high(b1, b9)
  const c4 = low(b2, b10)
  const c5 = high(b2, b10)
  const c6 = low(b3, b11)
  const c7 = high(b3, b11)
  const c8 = low(b4, b12)
  const c9 = high(b4, b12)
  const c10 = low(b5, b13)
  const c11 = high(b5, b13)
  const c12 = low(b6, b14)
  const c13 = high(b6, b14)
  const c14 = low(b7, b15)
  const c15 = high(b7, b15)
  const d0 = low(c0, c8)
  const d1 = high(c0, c8)
  const d2 = low(c1, c9)
  const d3 = high(c1, c9)
  const d4 = low(c2, c10)
  const d5 = high(c2, c10)
  const d6 = low(c3, c11)
  const d7 = high(c3, c11)
  const d8 = low(c4, c12)
  const d9 = high(c4, c12)
  const d10 = low(c5, c13)
  const d11 = high(c5, c13)
  const d12 = low(c6, c14)
  const d13 = high(c6, c14)
  const d14 = low(c7, c15)
  const d15 = high(c7, c15)
  const e0 = low(d0, d8)
  const e1 = high(d0, d8)
  const e2 = low(d1, d9)
  const e3 = high(d1, d9)
  const e4 = low(d2, d10)
  const e5 = high(d2, d10)
  const e6 = low(d3, d11)
  const e7 = high(d3, d11)
  const e8 = low(d4, d12)
  const e9 = high(d4, d12)
  const e10 = low(d5, d13)
  const e11 = high(d5, d13)
  const e12 = low(d6, d14)
  const e13 = high(d6, d14)
  const e14 = low(d7, d15)
  const e15 = high(d7, d15)
  storeBits(out, stride, e0)
  storeBits(out + 8 * stride, stride, e1)
  storeBits(out + 16 * stride, stride, e2)
  storeBits(out + 24 * stride, stride, e3)
  storeBits(out + 32 * stride, stride, e4)
  storeBits(out + 40 * stride, stride, e5)
  storeBits(out + 48 * stride, stride, e6)
  storeBits(out + 56 * stride, stride, e7)
  storeBits(out + 64 * stride, stride, e8)
  storeBits(out + 72 * stride, stride, e9)
  storeBits(out + 80 * stride, stride, e10)
  storeBits(out + 88 * stride, stride, e11)
  storeBits(out + 96 * stride, stride, e12)
  storeBits(out + 104 * stride, stride, e13)
  storeBits(out + 112 * stride, stride, e14)
  storeBits(out + 120 * stride, stride, e15)
}
