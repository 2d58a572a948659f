import { PAIR_SIZE, pairCopy, pairMultiply, pairSquare } from './field-pair'

// Powers x^(2^n − 1), from which every exponent near p is a few steps away.
const scratch = memory.data(640, 16)
const base: usize = scratch
const x2: usize = scratch + PAIR_SIZE
const x3: usize = scratch + 2 * PAIR_SIZE
const x11: usize = scratch + 3 * PAIR_SIZE
const x22: usize = scratch + 4 * PAIR_SIZE
const x44: usize = scratch + 5 * PAIR_SIZE
const x88: usize = scratch + 6 * PAIR_SIZE
const power: usize = scratch + 7 * PAIR_SIZE

/** out = a^(2^count)·b in both lanes. `b` is not `out`. */
function step(out: usize, a: usize, count: i32, b: usize): void {
  pairSquare(out, a)
  for (let i = 1; i < count; i++) pairSquare(out, out)
  pairMultiply(out, out, b)
}

/** power = a^e in both lanes, e = what the exponents below begin with: 223 ones, a zero, 22 ones. */
function upper(a: usize): void {
  pairCopy(base, a)
  step(x2, base, 1, base)
  step(x3, x2, 1, base)
  step(x44, x3, 3, x3) // 6
  step(x88, x44, 3, x3) // 9
  step(x11, x88, 2, x2)
  step(x22, x11, 11, x11)
  step(x44, x22, 22, x22)
  step(x88, x44, 44, x44)
  step(power, x88, 88, x88) // 176
  step(power, power, 44, x44) // 220
  step(power, power, 3, x3)
  step(power, power, 23, x22)
}

/** out = a^((p−3)/4) in both lanes: the last eight bits are 00001 011. Constant time. */
export function pairPower(out: usize, a: usize): void {
  upper(a)
  step(power, power, 5, base)
  step(out, power, 3, x2)
}

/** out = a^((p+1)/4) in both lanes, a root of a or of −a: the last eight bits are 000011 00. */
export function pairRoot(out: usize, a: usize): void {
  upper(a)
  step(power, power, 6, x2)
  pairSquare(power, power)
  pairSquare(out, power)
}

/** Forgets the powers of the last element. */
export function pairPowerWipe(): void {
  memory.fill(scratch, 0, 8 * PAIR_SIZE)
}
