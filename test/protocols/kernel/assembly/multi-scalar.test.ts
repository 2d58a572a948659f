import assert from 'node:assert/strict'
import { Curve, G, type Point, q } from '../../../../protocols/kernel/reference/curve.ts'
import {
  type CurveProbe,
  cases,
  curveProbe,
  EDGE_SCALARS,
  LAMBDA,
  POINT_BYTES,
  SCALAR_BYTES,
} from './curve-probe.ts'

const OUT = 0
const POINTS = 1024
const SCALARS = POINTS + 4096 * POINT_BYTES

describe('multi-scalar', function () {
  this.timeout(0)
  let probe: CurveProbe
  /** Multiples m of G, so that a sum of many products is one product of the sum of m·scalar. */
  let pool: readonly { readonly m: bigint; readonly point: Point }[]

  before(async function () {
    probe = await curveProbe(this)
    const multiples = [1n, q - 1n, 2n, LAMBDA, q - LAMBDA]
    for (let i = 0; i < 40; i++) multiples.push(probe.randomScalar())
    pool = multiples.map((m) => ({ m, point: G.multiplyUnsafe(m) }))
  })

  function assertSum(terms: readonly { m: bigint; point: Point; scalar: bigint }[]): void {
    terms.forEach(({ point, scalar }, i) => {
      probe.putPoint(POINTS + i * POINT_BYTES, point)
      probe.putScalar(SCALARS + i * SCALAR_BYTES, scalar)
    })
    const args = [probe.at(OUT), probe.at(POINTS), probe.at(SCALARS), terms.length]
    const finite = probe.call('multiScalar', ...args) === 1
    const sum = terms.reduce((total, { m, scalar }) => (total + m * scalar) % q, 0n)
    assert.equal(finite, sum !== 0n)
    if (finite) assert.ok(probe.point(OUT).equals(G.multiplyUnsafe(sum)))
  }

  function randomScalar(): bigint {
    const kind = probe.randomIndex(4)
    if (kind === 0)
      return [0n, ...EDGE_SCALARS][probe.randomIndex(EDGE_SCALARS.length + 1)] as bigint
    const scalar = probe.randomScalar()
    return kind === 1 ? scalar >> 128n : scalar
  }

  const randomTerms = (n: number): { m: bigint; point: Point; scalar: bigint }[] =>
    Array.from({ length: n }, () => ({
      ...(pool[probe.randomIndex(pool.length)] as { m: bigint; point: Point }),
      scalar: randomScalar(),
    }))

  it('sums few products, with repeated and opposite points', () => {
    for (let i = 0; i < cases(100, 10_000); i++) assertSum(randomTerms(1 + (i % 6)))
  })

  it('sums many products on both sides of every change of method', () => {
    for (const n of [31, 32, 33, 64, 65, 127, 128, 129, 199, 200, 799, 800])
      assertSum(randomTerms(n))
    assertSum(randomTerms(4096))
  })

  it('says when the sum is O', () => {
    const [one, minus] = pool as [(typeof pool)[0], (typeof pool)[0]]
    assertSum([])
    assertSum([{ ...one, scalar: 0n }])
    for (const scalar of [...EDGE_SCALARS]) {
      assertSum([
        { ...one, scalar },
        { ...minus, scalar },
      ])
      assertSum([
        { ...one, scalar },
        { ...one, scalar: q - scalar },
      ])
    }
    const terms = randomTerms(300)
    assertSum([...terms, ...terms.map((term) => ({ ...term, scalar: (q - term.scalar) % q }))])
  })

  it('adds a product of G and one of a point', () => {
    const scalars = [0n, ...EDGE_SCALARS, probe.randomScalar()]
    const [SCALAR_G, SCALAR, POINT] = [SCALARS, SCALARS + 32, POINTS]
    for (const a of scalars) {
      for (const b of [0n, 1n, q - a, probe.randomScalar()]) {
        const { point } = pool[probe.randomIndex(pool.length)] as { point: Point }
        for (const P of [point, G]) {
          probe.putScalar(SCALAR_G, a)
          probe.putScalar(SCALAR, b % q)
          probe.putPoint(POINT, P)
          const args = [OUT, SCALAR_G, POINT, SCALAR].map((offset) => probe.at(offset))
          const finite = probe.call('scalarBaseAndPoint', ...args) === 1
          const sum = Curve.BASE.multiplyUnsafe(a).add(P.multiplyUnsafe(b % q))
          assert.equal(finite, !sum.is0())
          if (finite) assert.ok(probe.point(OUT).equals(sum))
        }
      }
    }
  })
})
