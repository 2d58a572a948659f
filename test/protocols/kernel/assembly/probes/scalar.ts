import {
  scAdd,
  scalarsCanonical,
  scInvert,
  scIsZero,
  scLoad,
  scLoadReduced,
  scMul,
  scNeg,
  scSelect,
  scStore,
  scSub,
  scWide,
} from '../../../../../protocols/kernel/assembly/scalar.ts'

export {
  scAdd,
  scalarsCanonical,
  scInvert,
  scIsZero,
  scLoad,
  scLoadReduced,
  scMul,
  scNeg,
  scSelect,
  scStore,
  scSub,
  scWide,
}

const ARENA = memory.data(4096, 16)

export function arena(): usize {
  return ARENA
}

/** a^(2^count), for timing. */
export function squarings(out: usize, a: usize, count: i32): void {
  memory.copy(out, a, 32)
  for (let i = 0; i < count; i++) scMul(out, out, out)
}
