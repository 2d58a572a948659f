/**
 * GF(2^128) modulo x^128 + x^7 + x^2 + x + 1; bit j of 16 bytes is the coefficient of x^j (02 §1.2).
 * An element is four little-endian words.
 */
const REDUCTION = 0x87 // x^7 + x^2 + x + 1
const DEGREE = 128

/** a·x, in place. */
export function timesX(a: Uint32Array): void {
  const [a0 = 0, a1 = 0, a2 = 0, a3 = 0] = a
  a[3] = (a3 << 1) | (a2 >>> 31)
  a[2] = (a2 << 1) | (a1 >>> 31)
  a[1] = (a1 << 1) | (a0 >>> 31)
  a[0] = (a0 << 1) ^ (-(a3 >>> 31) & REDUCTION)
}

/** out ⊕= a·b. No branch or address depends on either. */
export function addProduct(out: Uint32Array, a: Uint32Array, b: Uint32Array): void {
  const power = a.slice()
  for (let i = 0; i < DEGREE; i++) {
    const mask = -(((b[i >> 5] as number) >>> (i & 31)) & 1)
    for (let k = 0; k < 4; k++) out[k] = (out[k] as number) ^ ((power[k] as number) & mask)
    timesX(power)
  }
  power.fill(0)
}
