/**
 * Public scalars as sparse signed digits (width-6 non-adjacent form): a digit is 0 or odd, at most 31 in
 * size, and five zeros follow each other one. Variable time.
 */
export const DIGITS: i32 = 130 // of a half below 2^128 in size
const WIDTH: i32 = 6

const value = memory.data(20, 16)

/** out = DIGITS signed bytes for `half`, a two's complement of 160 bits. */
export function signedDigits(out: usize, half: usize): void {
  memory.fill(out, 0, DIGITS)
  const negative = magnitude(half)
  for (let i = 0; i < DIGITS; ) {
    const bits = bitsAt(i)
    if ((bits & 1) == 0) {
      i++
      continue
    }
    let digit = <i32>(bits & 63)
    if (digit > 31) {
      digit -= 64
      carryInto(i + WIDTH)
    }
    store<i8>(out + i, <i8>(negative ? -digit : digit))
    i += WIDTH
  }
}

/** |half| into `value`; whether it was negative. */
function magnitude(half: usize): bool {
  const negative = load<u32>(half, 16) >> 31 != 0
  const flip: u32 = negative ? 0xffffffff : 0
  let carry: u64 = negative ? 1 : 0
  for (let i: usize = 0; i < 20; i += 4) {
    carry += <u64>(load<u32>(half + i) ^ flip)
    store<u32>(value + i, <u32>carry)
    carry >>= 32
  }
  return negative
}

/** Six bits of the value from bit i on. */
function bitsAt(i: i32): u32 {
  const at = value + (<usize>(i >> 5) << 2)
  const words = <u64>load<u32>(at) | (i < 128 ? <u64>load<u32>(at, 4) << 32 : 0)
  return <u32>(words >> (i & 31)) & 63
}

/** Adds 2^i to the value. */
function carryInto(i: i32): void {
  let carry: u64 = (<u64>1) << (i & 31)
  for (let at = <usize>(i >> 5) << 2; at < 20 && carry != 0; at += 4) {
    carry += <u64>load<u32>(value + at)
    store<u32>(value + at, <u32>carry)
    carry >>= 32
  }
}
