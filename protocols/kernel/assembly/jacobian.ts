import {
  FE_SIZE,
  feAdd,
  feCarry,
  feCopy,
  feIsZero,
  feMultiply,
  feNormalise,
  feSetOne,
  feSquare,
  feSubtract,
} from './field'

/**
 * One point in Jacobian coordinates, x = X/Z², y = Y/Z³, O when Z = 0 in canonical form: for public points,
 * and for steps where no case is special. All coordinates have magnitude 1.
 */
export const JACOBIAN_SIZE: usize = 3 * FE_SIZE

export const JY: usize = FE_SIZE
export const JZ: usize = 2 * FE_SIZE

const SCRATCH: usize = 240
const t0 = memory.data(240, 16)
const t1: usize = t0 + 40
const t2: usize = t0 + 80
const t3: usize = t0 + 120
const t4: usize = t0 + 160
const t5: usize = t0 + 200

/** Forgets intermediate values, but those of `jacobianAdd`, which takes public points alone. */
export function jacobianWipe(): void {
  memory.fill(t0, 0, SCRATCH)
}

/** a = 2a: three products, four squares. Holds for O, and no point has order 2. */
export function jacobianDouble(a: usize): void {
  feAdd(t0, a + JY, a + JY)
  feMultiply(a + JZ, a + JZ, t0)
  feSquare(t1, a) // A = X²
  feAdd(t2, t1, t1)
  feAdd(t1, t1, t2)
  feCarry(t1) // E = 3A
  feSquare(t2, a + JY) // B = Y²
  feAdd(t2, t2, t2)
  feAdd(t3, a, a)
  feMultiply(t3, t3, t2) // D = 4XB
  feSquare(t2, t2)
  feAdd(t2, t2, t2) // 8B²
  feSquare(t4, t1)
  feAdd(t5, t3, t3)
  feSubtract(a, t4, t5)
  feSubtract(t3, t3, a)
  feMultiply(t1, t1, t3)
  feSubtract(a + JY, t1, t2)
}

/** H = x·Z² − X and R = y·Z³ − Y, into t1 and t2. */
// @ts-ignore: decorator
@inline
function differences(a: usize, x: usize, y: usize): void {
  feSquare(t0, a + JZ)
  feMultiply(t1, x, t0)
  feMultiply(t0, t0, a + JZ)
  feMultiply(t2, y, t0)
  feSubtract(t1, t1, a)
  feSubtract(t2, t2, a + JY)
}

/** The sum from what `differences` left. */
function fromDifferences(a: usize): void {
  feMultiply(a + JZ, a + JZ, t1)
  feSquare(t3, t1)
  feMultiply(t1, t1, t3) // H³
  feMultiply(t3, t3, a) // X·H²
  feSquare(t4, t2)
  feAdd(t5, t3, t3)
  feAdd(t5, t5, t1)
  feSubtract(a, t4, t5)
  feSubtract(t3, t3, a)
  feMultiply(t3, t3, t2)
  feMultiply(t1, t1, a + JY)
  feSubtract(a + JY, t3, t1)
}

/** a = a + (x, y) where a is neither O nor ±(x, y), on any curve y² = x³ + b: no branch. */
export function jacobianAddDistinct(a: usize, x: usize, y: usize): void {
  differences(a, x, y)
  fromDifferences(a)
}

/** a = a + (x, y), all cases; variable time. */
export function jacobianAddAffine(a: usize, x: usize, y: usize): void {
  if (jacobianIsO(a)) {
    jacobianSet(a, x, y)
    return
  }
  differences(a, x, y)
  feNormalise(t1)
  if (!feIsZero(t1)) {
    fromDifferences(a)
    return
  }
  feNormalise(t2)
  if (feIsZero(t2)) jacobianDouble(a)
  else jacobianSetO(a)
}

const height = memory.data(40, 16)
const u1 = memory.data(40, 16)
const s1 = memory.data(40, 16)
const u2 = memory.data(40, 16)
const s2 = memory.data(40, 16)

/** a = a + b, all cases; public points, variable time. */
export function jacobianAdd(a: usize, b: usize): void {
  if (jacobianIsO(b)) return
  if (jacobianIsO(a)) {
    feCopy(a, b)
    feCopy(a + JY, b + JY)
    feCopy(a + JZ, b + JZ)
    return
  }
  feSquare(t0, b + JZ)
  feMultiply(u1, a, t0)
  feMultiply(t0, t0, b + JZ)
  feMultiply(s1, a + JY, t0)
  feSquare(t0, a + JZ)
  feMultiply(u2, b, t0)
  feMultiply(t0, t0, a + JZ)
  feMultiply(s2, b + JY, t0)
  feSubtract(t1, u2, u1)
  feSubtract(t2, s2, s1)
  feCopy(height, t1)
  feNormalise(height)
  if (feIsZero(height)) {
    feNormalise(t2)
    if (feIsZero(t2)) jacobianDouble(a)
    else jacobianSetO(a)
    return
  }
  // the mixed sum of (u1, s1) with denominator Z1·Z2
  feMultiply(a + JZ, a + JZ, b + JZ)
  feCopy(a, u1)
  feCopy(a + JY, s1)
  fromDifferences(a)
}

export function jacobianSet(a: usize, x: usize, y: usize): void {
  feCopy(a, x)
  feCopy(a + JY, y)
  feSetOne(a + JZ)
}

export function jacobianSetO(a: usize): void {
  memory.fill(a, 0, JACOBIAN_SIZE)
  feSetOne(a)
  feSetOne(a + JY)
}

/** Variable time. */
export function jacobianIsO(a: usize): bool {
  feCopy(t5, a + JZ)
  feNormalise(t5)
  return feIsZero(t5)
}
