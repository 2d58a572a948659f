import { deepEqual, equal } from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import {
  Curve,
  G,
  mod,
  msm,
  multiply,
  O,
  q,
  readPoint,
  readScalar,
  writePoint,
  writeScalar,
} from '../../../../protocols/kernel/reference/curve.ts'

const edges = [1n, 2n, 15n, 16n, 1n << 127n, 1n << 128n, (1n << 129n) - 1n, q >> 1n, q - 2n, q - 1n]
const scalar = fc.oneof(fc.bigInt({ min: 1n, max: q - 1n }), fc.constantFrom(...edges))

describe('curve', () => {
  it('multiplies any point as noble does, edges included', () => {
    const property = fc.property(scalar, scalar, (k, s) => {
      const point = multiply(G, k)
      equal(multiply(point, s).toHex(), secp256k1.Point.BASE.multiplyUnsafe(mod(k * s)).toHex())
    })
    fc.assert(property, { seed: 256, numRuns: 60, examples: edges.map((edge) => [7n, edge]) })
  })

  it('multiplies by zero, and O, to O', () => {
    for (const point of [G, multiply(G, 5n)]) equal(multiply(point, 0n).equals(O), true)
    equal(multiply(O, 5n).equals(O), true)
  })

  it('sums few and many products alike', () => {
    for (const count of [0, 1, 5, 40]) {
      const points = Array.from({ length: count }, (_, i) => multiply(G, BigInt(i + 2)))
      const scalars = points.map((_, i) => mod(-BigInt(i * 1_000_003)))
      const expected = scalars.reduce((sum, k, i) => mod(sum + k * BigInt(i + 2)), 0n)
      equal(msm(points, scalars).equals(Curve.BASE.multiplyUnsafe(expected)), true)
    }
  })

  it('reads only canonical scalars and compressed points on the curve', () => {
    deepEqual(readScalar(writeScalar(q - 1n)), q - 1n)
    equal(readScalar(writeScalar(q)), undefined)
    equal(readScalar(new Uint8Array(31)), undefined)
    const bytes = writePoint(G)
    equal(readPoint(bytes)?.equals(G), true)
    for (const wrong of [
      G.toBytes(false),
      bytes.slice(1),
      Uint8Array.of(0),
      new Uint8Array(33),
      Uint8Array.of(4, ...bytes.slice(1)),
      Uint8Array.of(2, ...writeScalar(5n)), // 5³ + 7 is no square
      Uint8Array.of(2, ...writeScalar(Curve.Fp.ORDER + 1n)), // not below p
    ]) {
      equal(readPoint(wrong), undefined)
    }
  })
})
