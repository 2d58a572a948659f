import assert from 'node:assert/strict'
import {
  Curve,
  G,
  type Point,
  q,
  writePoint,
} from '../../../../protocols/kernel/reference/curve.ts'
import { type CurveProbe, curveProbe, LAMBDA, POINT_BYTES, p } from './curve-probe.ts'

const [A, B, OUT, MANY] = [0, 128, 256, 1024]

const encodingOf = (prefix: number, x: bigint): Uint8Array => {
  const bytes = new Uint8Array(33)
  bytes[0] = prefix
  bytes.set(Buffer.from(x.toString(16).padStart(64, '0'), 'hex'), 1)
  return bytes
}

describe('point', function () {
  this.timeout(0)
  let probe: CurveProbe
  let points: readonly Point[]

  before(async function () {
    probe = await curveProbe(this)
    const P = probe.randomPoint()
    points = [G, G.negate(), G.double(), P, P.negate(), P.double(), P.multiply(LAMBDA)]
  })

  const decode = (bytes: Uint8Array): boolean => {
    probe.bytes(A, 33).set(bytes)
    return probe.call('pointDecode', probe.at(OUT), probe.at(A)) === 1
  }

  it('decodes and encodes points with even and odd y', () => {
    for (let i = 0; i < 100; i++) {
      const point = points[i] ?? probe.randomPoint()
      for (const either of [point, point.negate()]) {
        assert.ok(decode(writePoint(either)))
        assert.ok(probe.point(OUT).equals(either))
        probe.call('pointEncode', probe.at(B), probe.at(OUT))
        assert.deepEqual(Uint8Array.from(probe.bytes(B, 33)), writePoint(either))
        assert.equal(probe.call('pointYOdd', probe.at(OUT)), Number(either.toAffine().y & 1n))
      }
    }
  })

  it('refuses what is no compressed point', () => {
    const { x } = G.toAffine()
    for (const prefix of [0, 1, 4, 5, 6, 7, 0x82, 255]) assert.ok(!decode(encodingOf(prefix, x)))
    for (const prefix of [2, 3]) {
      // x ≥ p, also where x − p is on the curve
      for (let excess = 0n; excess < 60n; excess++)
        assert.ok(!decode(encodingOf(prefix, p + excess)))
      assert.ok(!decode(encodingOf(prefix, (1n << 256n) - 1n)))
      assert.ok(!decode(encodingOf(prefix, 0n)))
    }
  })

  it('decodes lists, and refuses them for any one of their points', () => {
    const [IN, OUTS] = [4096, 8192]
    for (const n of [0, 1, 2, 3, 6, 7]) {
      const list = Array.from({ length: n }, (_, i) => (i % 2 ? probe.randomPoint() : points[i]))
      const decodeMany = (): number =>
        probe.call('pointDecodeMany', probe.at(OUTS), probe.at(IN), n)
      list.forEach((point, i) => {
        probe.bytes(IN + 33 * i, 33).set(writePoint(point as Point))
      })
      assert.equal(decodeMany(), 1)
      for (const [i, point] of list.entries()) {
        assert.ok(probe.point(OUTS + i * POINT_BYTES).equals(point as Point))
        const encoded = probe.bytes(IN + 33 * i, 33)
        const kept = Uint8Array.from(encoded)
        for (const bad of [encodingOf(2, p + 1n), encodingOf(3, 5n), encodingOf(4, 1n)]) {
          encoded.set(bad)
          assert.equal(decodeMany(), 0)
        }
        encoded.set(kept)
      }
    }
  })

  it('accepts an x exactly when the curve has it', () => {
    let found = 0
    for (let k = 0n; k < 200n; k++) {
      for (const x of [k, p - 1n - k, q - 100n + k]) {
        const right = Curve.Fp.create(x * x * x + 7n)
        const onCurve = right === 0n || Curve.Fp.pow(right, (p - 1n) / 2n) === 1n
        assert.equal(decode(encodingOf(2, x)), onCurve)
        if (onCurve) found++
      }
    }
    assert.ok(found > 200)
  })

  it('adds all pairs, equal and opposite ones included', () => {
    for (const a of points) {
      for (const b of points) {
        probe.putPoint(A, a)
        probe.putPoint(B, b)
        const finite = probe.call('pointAdd', probe.at(OUT), probe.at(A), probe.at(B)) === 1
        const sum = a.add(b)
        assert.equal(finite, !sum.is0())
        if (finite) assert.ok(probe.point(OUT).equals(sum))
        assert.equal(probe.call('pointEqual', probe.at(A), probe.at(B)) === 1, a.equals(b))
      }
    }
  })

  it('adds in place and negates', () => {
    probe.putPoint(A, points[3] as Point)
    assert.equal(probe.call('pointAdd', probe.at(A), probe.at(A), probe.at(A)), 1)
    assert.ok(probe.point(A).equals(points[5] as Point))
    probe.call('pointNegate', probe.at(A), probe.at(A))
    assert.ok(probe.point(A).equals((points[5] as Point).negate()))
  })

  it('sums lists, and says when the sum is O', () => {
    const lists = [
      [],
      [G],
      [G, G],
      [G, G.negate()],
      [G, G.negate(), G],
      [G, G.double(), G.multiply(3n).negate()],
      points,
    ]
    for (const list of lists) {
      list.forEach((point, i) => {
        probe.putPoint(MANY + i * POINT_BYTES, point)
      })
      const finite = probe.call('pointsSum', probe.at(OUT), probe.at(MANY), list.length) === 1
      const sum = list.reduce((total, point) => total.add(point), Curve.ZERO)
      assert.equal(finite, !sum.is0())
      if (finite) assert.ok(probe.point(OUT).equals(sum))
    }
  })

  it('reduces x mod q, and says when that changed it', () => {
    let exceeding = 0
    const small = Array.from({ length: 40 }, (_, k) => q + BigInt(k)) // above q, where few points are
    for (const x of [...small, ...points.map((point) => point.toAffine().x)]) {
      if (!decode(encodingOf(2, x))) continue
      assert.equal(probe.call('pointXModQ', probe.at(B), probe.at(OUT)), x % q === 0n ? 0 : 1)
      assert.equal(probe.scalar(B), x % q)
      assert.equal(probe.call('pointXExceedsQ', probe.at(OUT)), Number(x >= q))
      if (x >= q) exceeding++
    }
    assert.ok(exceeding > 10)
  })
})
