import { BETA } from './endomorphism'
import { FE_SIZE, feMultiply, feSubtract } from './field'
import { jacobianAdd, jacobianAddAffine, jacobianDouble, jacobianSetO } from './jacobian'
import { ODD_MULTIPLES_SIZE, oddMultiples } from './odd-multiples'
import { POINT_SIZE } from './point'
import { splitPublic } from './scalar-digits'
import { DIGITS, signedDigits } from './signed-digits'

/** Points of one pass: their tables take 40 kB. */
export const STRAUS_POINTS: i32 = 32

const tables = memory.data(40960, 16)
const digits = memory.data(8320, 16) // 2 × DIGITS of each point
const half1 = memory.data(20, 16)
const half2 = memory.data(20, 16)
const sum = memory.data(120, 16)
const x = memory.data(40, 16)
const y = memory.data(40, 16)
const zero = memory.data(40, 16)

/**
 * total (Jacobian) += Σ sc·pt over n ≤ STRAUS_POINTS points: one chain of doublings for all halves.
 * Public inputs, variable time.
 */
export function addByStraus(total: usize, pts: usize, scs: usize, n: i32): void {
  oddMultiples(tables, ODD_MULTIPLES_SIZE, pts, n)
  for (let i = 0; i < n; i++) {
    const at = digits + <usize>(2 * i * DIGITS)
    splitPublic(half1, half2, scs + <usize>i * 32)
    signedDigits(at, half1)
    signedDigits(at + DIGITS, half2)
  }
  jacobianSetO(sum)
  for (let bit = DIGITS - 1; bit >= 0; bit--) {
    jacobianDouble(sum)
    for (let i = 0; i < n; i++) {
      const table = tables + <usize>i * ODD_MULTIPLES_SIZE
      const at = digits + <usize>(2 * i * DIGITS + bit)
      addMultiple(table, <i32>load<i8>(at), false)
      addMultiple(table, <i32>load<i8>(at + DIGITS), true)
    }
  }
  jacobianAdd(total, sum)
}

/** sum += digit·P, or digit·λP. */
function addMultiple(table: usize, digit: i32, image: bool): void {
  if (digit == 0) return
  let atX = table + <usize>(abs(digit) >> 1) * POINT_SIZE
  let atY = atX + FE_SIZE
  if (image) {
    feMultiply(x, atX, BETA)
    atX = x
  }
  if (digit < 0) {
    feSubtract(y, zero, atY)
    atY = y
  }
  jacobianAddAffine(sum, atX, atY)
}
