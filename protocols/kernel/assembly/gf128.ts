/**
 * GF(2^128) modulo x^128 + x^7 + x^2 + x + 1; bit j of 16 bytes is the coefficient of x^j (02 §1.2).
 */
const REDUCTION: u64 = 0x87 // x^7 + x^2 + x + 1

/** out ⊕= a·b. Constant time: no branch or address depends on either. */
export function gfAddProduct(out: usize, a: usize, b: usize): void {
  let low = load<u64>(a)
  let high = load<u64>(a, 8)
  let sumLow = load<u64>(out)
  let sumHigh = load<u64>(out, 8)
  for (let half = 0; half < 16; half += 8) {
    let bits = load<u64>(b + half)
    for (let i = 0; i < 64; i++) {
      const mask: u64 = 0 - (bits & 1)
      sumLow ^= low & mask
      sumHigh ^= high & mask
      bits >>= 1
      const carry: u64 = 0 - (high >> 63)
      high = (high << 1) | (low >> 63)
      low = (low << 1) ^ (carry & REDUCTION)
    }
  }
  store<u64>(out, sumLow)
  store<u64>(out, sumHigh, 8)
}
