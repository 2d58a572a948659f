export { combBuild, combMultiplyMany, baseMultiply, baseMultiplyMany, curveInit } from '../../../../../protocols/kernel/assembly/comb'
export { multiply, multiplyMany } from '../../../../../protocols/kernel/assembly/multiply'
export * from '../../../../../protocols/kernel/assembly/point'
export { splitScalar } from '../../../../../protocols/kernel/assembly/scalar-digits'
export * from '../../../../../protocols/kernel/assembly/field'
export * from '../../../../../protocols/kernel/assembly/field-pair'
export { pairRoot } from '../../../../../protocols/kernel/assembly/pair-power'
export { feFromBytes, feFromWide, feToBytes } from '../../../../../protocols/kernel/assembly/field-bytes'

export function base(): usize {
  return (__heap_base + 63) & ~63
}
export { hashToCurveMany } from '../../../../../protocols/kernel/assembly/hash-to-curve'
export { multiScalar, scalarBaseAndPoint } from '../../../../../protocols/kernel/assembly/multi-scalar'
export { ecdsaVerify } from '../../../../../protocols/kernel/assembly/verify'
export { mapToCurve } from '../../../../../protocols/kernel/assembly/map-to-curve'
export { feInvert, invertModQ } from '../../../../../protocols/kernel/assembly/modular-inverse'
