import { feCopy, feMultiply, feSquare } from './field'

// Powers x^(2^n − 1) for n = 2, 3, 22, 223, from which every exponent near p is a few steps away.
const x2 = memory.data(40, 16)
const x3 = memory.data(40, 16)
const x11 = memory.data(40, 16)
const x22 = memory.data(40, 16)
const x44 = memory.data(40, 16)
const x88 = memory.data(40, 16)
const x223 = memory.data(40, 16)
const base = memory.data(40, 16)

/** out = a^(2^count). */
function squares(out: usize, a: usize, count: i32): void {
  feSquare(out, a)
  for (let i = 1; i < count; i++) feSquare(out, out)
}

/** out = a^(2^count)·b. `out` is neither. */
function step(out: usize, a: usize, count: i32, b: usize): void {
  squares(out, a, count)
  feMultiply(out, out, b)
}

/** Fills the powers and leaves a^(the first 246 bits of p's upper part: 223 ones, a zero, 22 ones) in x223. */
function upper(a: usize): void {
  feCopy(base, a)
  step(x2, base, 1, base)
  step(x3, x2, 1, base)
  step(x44, x3, 3, x3) // 6
  step(x88, x44, 3, x3) // 9
  step(x11, x88, 2, x2)
  step(x22, x11, 11, x11)
  step(x44, x22, 22, x22)
  step(x88, x44, 44, x44)
  step(x223, x88, 88, x88) // 176
  squares(x223, x223, 44)
  feMultiply(x223, x223, x44) // 220
  squares(x223, x223, 3)
  feMultiply(x223, x223, x3)
  squares(x223, x223, 23)
  feMultiply(x223, x223, x22)
}

/** out = a^((p+1)/4): the root of a when it has one, else of −a. Its powers stay behind: a is public. */
export function feRoot(out: usize, a: usize): void {
  upper(a)
  squares(x223, x223, 6)
  feMultiply(x223, x223, x2)
  squares(out, x223, 2)
}
