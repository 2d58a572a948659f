import assert from 'node:assert/strict'
import { G, type Point } from '../../../../protocols/kernel/reference/curve.ts'
import {
  type CurveProbe,
  cases,
  curveProbe,
  EDGE_SCALARS,
  LAMBDA,
  POINT_BYTES,
  SCALAR_BYTES,
} from './curve-probe.ts'

const [POINT, OUT, SCALARS, OUTS, TABLE] = [0, 128, 1024, 16384, 65536]

describe('comb', function () {
  this.timeout(0)
  let probe: CurveProbe

  before(async function () {
    probe = await curveProbe(this)
  })

  const base = (scalar: bigint): boolean => {
    probe.putScalar(SCALARS, scalar)
    return probe.call('baseMultiply', probe.at(OUT), probe.at(SCALARS)) === 1
  }

  function putScalars(scalars: readonly bigint[]): void {
    scalars.forEach((scalar, i) => {
      probe.putScalar(SCALARS + i * SCALAR_BYTES, scalar)
    })
  }

  function assertProducts(point: Point, scalars: readonly bigint[]): void {
    scalars.forEach((scalar, i) => {
      assert.ok(probe.point(OUTS + i * POINT_BYTES).equals(point.multiplyUnsafe(scalar)))
    })
  }

  it('multiplies G by edge and random scalars', () => {
    const random = Array.from({ length: cases(150) }, () => probe.randomScalar())
    for (const scalar of [...EDGE_SCALARS, ...random]) {
      assert.ok(base(scalar))
      assert.ok(probe.point(OUT).equals(G.multiplyUnsafe(scalar)))
    }
  })

  it('says when the scalar is 0', () => {
    assert.ok(!base(0n))
    putScalars([1n, 0n, 2n])
    const zero = probe.call('baseMultiplyMany', probe.at(OUTS), probe.at(SCALARS), 3)
    assert.equal(zero, 0)
    assert.ok(base(1n), 'and works after it')
    assert.ok(probe.point(OUT).equals(G))
  })

  it('multiplies G by many scalars, of odd and even number', () => {
    for (const n of [1, 2, 3, 16, 63, 64, 65]) {
      const scalars = Array.from({ length: n }, (_, i) => EDGE_SCALARS[i] ?? probe.randomScalar())
      putScalars(scalars)
      assert.equal(probe.call('baseMultiplyMany', probe.at(OUTS), probe.at(SCALARS), n), 1)
      assertProducts(G, scalars)
    }
  })

  it('builds the comb of any point', () => {
    for (const point of [G, G.negate(), G.multiplyUnsafe(LAMBDA), probe.randomPoint()]) {
      probe.putPoint(POINT, point)
      probe.call('combBuild', probe.at(TABLE), probe.at(POINT))
      const scalars = [...EDGE_SCALARS, probe.randomScalar(), probe.randomScalar()]
      putScalars(scalars)
      const args = [probe.at(OUTS), probe.at(TABLE), probe.at(SCALARS), scalars.length]
      assert.equal(probe.call('combMultiplyMany', ...args), 1)
      assertProducts(point, scalars)
    }
  })
})
