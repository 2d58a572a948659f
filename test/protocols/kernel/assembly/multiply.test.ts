import assert from 'node:assert/strict'
import { G, mod, type Point, q } from '../../../../protocols/kernel/reference/curve.ts'
import {
  type CurveProbe,
  cases,
  curveProbe,
  EDGE_SCALARS,
  LAMBDA,
  POINT_BYTES,
} from './curve-probe.ts'

const [SCALAR, HALVES, POINTS, OUTS] = [0, 64, 1024, 16384]

describe('multiply', function () {
  this.timeout(0)
  let probe: CurveProbe
  let points: readonly Point[]

  before(async function () {
    probe = await curveProbe(this)
    const P = probe.randomPoint()
    points = [G, G.negate(), G.multiplyUnsafe(LAMBDA), P, P.negate(), probe.randomPoint()]
  })

  const half = (offset: number): bigint => {
    const words = probe.words(offset, 5)
    const value = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n)
    return BigInt.asIntN(160, value)
  }

  it('splits scalars into halves below 2^128 in size', () => {
    const signs = new Set<string>()
    const random = Array.from({ length: cases(2_000) }, () => probe.randomScalar())
    for (const scalar of [0n, ...EDGE_SCALARS, ...random]) {
      probe.putScalar(SCALAR, scalar)
      probe.call('splitScalar', probe.at(HALVES), probe.at(HALVES + 32), probe.at(SCALAR))
      const [first, second] = [half(HALVES), half(HALVES + 32)]
      assert.equal(mod(first + second * LAMBDA), scalar)
      for (const each of [first, second]) assert.ok(each < 1n << 128n && -each < 1n << 128n)
      signs.add(`${first < 0n}${second < 0n}`)
    }
    assert.equal(signs.size, 4)
  })

  it('multiplies by edge and random scalars', () => {
    const random = Array.from({ length: cases(60) }, () => probe.randomScalar())
    for (const [i, scalar] of [...EDGE_SCALARS, ...random].entries()) {
      const point = points[i % points.length] as Point
      probe.putPoint(POINTS, point)
      probe.putScalar(SCALAR, scalar)
      const args = [probe.at(OUTS), probe.at(POINTS), probe.at(SCALAR)]
      assert.equal(probe.call('multiply', ...args), 1)
      assert.ok(probe.point(OUTS).equals(point.multiplyUnsafe(scalar)))
    }
  })

  function assertMany(list: readonly Point[], scalar: bigint): void {
    list.forEach((point, i) => {
      probe.putPoint(POINTS + i * POINT_BYTES, point)
    })
    probe.putScalar(SCALAR, scalar)
    const args = [probe.at(OUTS), probe.at(POINTS), list.length, probe.at(SCALAR)]
    assert.equal(probe.call('multiplyMany', ...args), 1)
    list.forEach((point, i) => {
      assert.ok(probe.point(OUTS + i * POINT_BYTES).equals(point.multiplyUnsafe(scalar)))
    })
  }

  it('multiplies many points by one scalar', () => {
    for (const scalar of EDGE_SCALARS) assertMany(points.slice(0, 3), scalar)
    for (const n of [1, 2, 15, 16, 17, 31, 32, 33, 65]) {
      const list = Array.from({ length: n }, (_, i) => points[i] ?? probe.randomPoint())
      assertMany(list, probe.randomScalar())
    }
  })

  it('says when the scalar is 0', () => {
    probe.putScalar(SCALAR, 0n)
    probe.putPoint(POINTS, G)
    probe.putPoint(POINTS + POINT_BYTES, G)
    const [out, point, scalar] = [probe.at(OUTS), probe.at(POINTS), probe.at(SCALAR)]
    assert.equal(probe.call('multiply', out, point, scalar), 0)
    assert.equal(probe.call('multiplyMany', out, point, 2, scalar), 0)
    assertMany([G], q - 1n)
  })
})
