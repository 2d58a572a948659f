import { invertModQ } from './modular-inverse'
import { scalarBaseAndPoint } from './multi-scalar'
import { pointXExceedsQ, pointXModQ, pointYOdd } from './point'
import { scIsZero, scLoadReduced, scMul } from './scalar'

/** (q − 1)/2: the largest low s. */
const HALF_Q = memory.data<u32>(
  [
    0x681b20a0, 0xdfe92f46, 0x57a4501d, 0x5d576e73, 0xffffffff, 0xffffffff, 0xffffffff, 0x7fffffff,
  ],
  16,
)

const inverse = memory.data(32, 16)
const weightG = memory.data(32, 16)
const weightP = memory.data(32, 16)
const x = memory.data(32, 16)
const R = memory.data(80, 16)

/**
 * Whether (r, s) is the ECDSA signature of the digest under `pt`: r, s ≠ 0, s ≤ q/2, and `recovery` =
 * (y(R) odd) | (x(R) ≥ q) << 1 (02 §6.2). r and s are scalars. All public, variable time.
 */
export function ecdsaVerify(pt: usize, digest32: usize, r: usize, s: usize, recovery: i32): bool {
  if (scIsZero(r) || scIsZero(s) || isHigh(s)) return false
  invertModQ(inverse, s)
  scLoadReduced(weightG, digest32)
  scMul(weightG, weightG, inverse)
  scMul(weightP, r, inverse)
  if (!scalarBaseAndPoint(R, weightG, pt, weightP)) return false
  pointXModQ(x, R)
  let difference: u32 = 0
  for (let i: usize = 0; i < 32; i += 4) difference |= load<u32>(x + i) ^ load<u32>(r + i)
  const expected = <i32>pointYOdd(R) | (<i32>pointXExceedsQ(R) << 1)
  return difference == 0 && recovery == expected
}

/** s > (q − 1)/2. Public, variable time. */
export function isHigh(s: usize): bool {
  for (let i = 28; i >= 0; i -= 4) {
    const limb = load<u32>(s + i)
    const limit = load<u32>(HALF_Q + i)
    if (limb != limit) return limb > limit
  }
  return false
}
