import assert from 'node:assert/strict'
import { q } from '../../../../protocols/kernel/reference/curve.ts'
import {
  type CurveProbe,
  cases,
  curveProbe,
  EDGE_SCALARS,
  integerOf,
  p,
  reduced,
} from './curve-probe.ts'

const [A, B, OUT] = [0, 128, 256]
const LANE = 4 // bytes from one lane of a pair to the other

const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, p - 1n, p - 2n, (p - 1n) / 2n, (p + 1n) / 2n, 977n, (1n << 32n) + 977n],
  ...Array.from({ length: 8 }, (_, i) => 1n << BigInt(29 * (i + 1))).flatMap((limb) => [
    limb - 1n,
    limb,
    limb + 1n,
  ]),
  (1n << 232n) - 1n,
  (1n << 255n) + 1n,
]

describe('field', function () {
  this.timeout(0)
  let probe: CurveProbe

  before(async function () {
    probe = await curveProbe(this)
  })

  /** Limbs up to `magnitude` times 29 bits, a third of them at that limit. */
  function limbs(magnitude: number): number[] {
    const draws = new DataView(probe.random(40).buffer)
    return Array.from({ length: 9 }, (_, i) => {
      const draw = draws.getUint32(4 * i)
      const limit = Math.floor(magnitude * (i < 8 ? 2 ** 29 : 2 ** 24 + 8) * (i === 0 ? 1.03 : 1))
      return draw % 3 === 0 ? limit : Math.floor((draw / 2 ** 32) * limit)
    })
  }

  /** The bounds of magnitude 1. */
  function assertMagnitudeOne(found: readonly number[]): void {
    found.forEach((limb, i) => {
      const limit = (i < 8 ? 2 ** 29 : 2 ** 24 + 8) * (i === 0 ? 1.03 : 1.001)
      assert.ok(limb <= limit, `limb ${i}`)
    })
  }

  function assertElement(expected: bigint, offset: number, stride = 1): void {
    const found = probe.limbs(offset, stride)
    assert.equal(reduced(integerOf(found)), reduced(expected))
    assertMagnitudeOne(found)
  }

  /** Both forms of an operation, on one element and on two lanes with different inputs. */
  function checkBoth(
    name: string,
    [a, b]: readonly [number[], number[]],
    [c, d]: readonly [number[], number[]],
    compute: (a: bigint, b: bigint) => bigint,
  ): void {
    probe.putLimbs(A, a)
    probe.putLimbs(B, b)
    probe.call(`fe${name}`, probe.at(OUT), probe.at(A), probe.at(B))
    assertElement(compute(integerOf(a), integerOf(b)), OUT)
    probe.putLimbs(A, a, 2)
    probe.putLimbs(A + LANE, c, 2)
    probe.putLimbs(B, b, 2)
    probe.putLimbs(B + LANE, d, 2)
    probe.call(`pair${name}`, probe.at(OUT), probe.at(A), probe.at(B))
    assertElement(compute(integerOf(a), integerOf(b)), OUT, 2)
    assertElement(compute(integerOf(c), integerOf(d)), OUT + LANE, 2)
  }

  it('multiplies numbers whose magnitudes multiply to 7, alone and in lanes', () => {
    for (let i = 0; i < cases(2_000); i++) {
      for (const [m, n] of [
        [1, 1],
        [1, 7],
        [2, 3],
        [3, 2],
        [7, 1],
      ] as const) {
        checkBoth('Multiply', [limbs(m), limbs(n)], [limbs(m), limbs(n)], (a, b) => a * b)
      }
    }
  })

  it('multiplies, squares and subtracts the edges', () => {
    const canonical = (value: bigint): number[] => {
      probe.putElement(A, value)
      return probe.limbs(A)
    }
    for (const a of EDGES) {
      for (const b of EDGES) {
        const inputs = [canonical(a), canonical(b)] as const
        checkBoth('Multiply', inputs, [canonical(b), canonical(a)], (x, y) => x * y)
        checkBoth('Subtract', inputs, [canonical(b), canonical(a)], (x, y) => x - y)
      }
      checkBoth('Square', [canonical(a), []], [canonical(p - 1n - (a % p)), []], (x) => x * x)
    }
  })

  it('squares magnitude 2, subtracts magnitude 3', () => {
    for (let i = 0; i < cases(2_000); i++) {
      checkBoth('Square', [limbs(2), []], [limbs(2), []], (a) => a * a)
      checkBoth('Subtract', [limbs(3), limbs(3)], [limbs(3), limbs(3)], (a, b) => a - b)
    }
  })

  it('multiplies lanes by 21, in place too', () => {
    for (let i = 0; i < cases(500); i++) {
      const [a, c] = [limbs(2), limbs(2)]
      for (const out of [OUT, A]) {
        probe.putLimbs(A, a, 2)
        probe.putLimbs(A + LANE, c, 2)
        probe.call('pairTimes21', probe.at(out), probe.at(A))
        assertElement(21n * integerOf(a), out, 2)
        assertElement(21n * integerOf(c), out + LANE, 2)
      }
    }
  })

  it('carries and normalises every magnitude up to 7', () => {
    for (let i = 0; i < cases(1_000); i++) {
      const a = limbs(1 + (i % 7))
      probe.putLimbs(A, a)
      probe.call('feCarry', probe.at(A))
      assertElement(integerOf(a), A)
      probe.putLimbs(A, a)
      probe.call('feNormalise', probe.at(A))
      assert.equal(probe.element(A), reduced(integerOf(a)))
    }
  })

  it('normalises around multiples of p and powers of 2', () => {
    for (const centre of [0n, p, 2n * p, 3n * p, 1n << 256n, 1n << 257n, ...EDGES]) {
      for (let k = -3n; k <= 3n; k++) {
        if (centre + k < 0n) continue
        probe.putElement(A, centre + k)
        probe.call('feNormalise', probe.at(A))
        assert.equal(probe.element(A), reduced(centre + k))
      }
    }
  })

  it('inverts, with 0 for 0', () => {
    const values = [...EDGES, ...Array.from({ length: cases(300) }, () => probe.randomScalar())]
    for (const value of values) {
      probe.putElement(A, value)
      probe.call('feInvert', probe.at(OUT), probe.at(A))
      const product = reduced(probe.element(OUT) * value)
      assert.equal(product, reduced(value) === 0n ? 0n : 1n)
    }
  })

  it('inverts modulo q, with 0 for 0', () => {
    const random = Array.from({ length: cases(300) }, () => probe.randomScalar())
    for (const value of [0n, 1n, ...EDGE_SCALARS, ...random, ...random.map((x) => x >> 129n)]) {
      probe.putScalar(A, value)
      probe.call('invertModQ', probe.at(OUT), probe.at(A))
      assert.equal((probe.scalar(OUT) * value) % q, value === 0n ? 0n : 1n)
      assert.ok(probe.scalar(OUT) < q)
    }
  })

  it('takes roots of squares, and of −a where a has none', () => {
    const values = [...EDGES, ...Array.from({ length: cases(50) }, () => probe.randomScalar())]
    for (const [i, value] of values.entries()) {
      const other = values[(i * 7 + 3) % values.length] as bigint
      probe.putElement(A, value, 2)
      probe.putElement(A + LANE, other, 2)
      probe.call('pairRoot', probe.at(OUT), probe.at(A))
      for (const [of, offset] of [
        [value, OUT],
        [other, OUT + LANE],
      ] as const) {
        const square = reduced(probe.element(offset, 2) ** 2n)
        assert.ok(square === reduced(of) || square === reduced(-of))
      }
    }
  })

  it('reads and writes big-endian bytes, and reduces 48 of them', () => {
    for (let i = 0; i < 200; i++) {
      const bytes = i === 0 ? new Uint8Array(48).fill(255) : probe.random(48)
      probe.bytes(A, 48).set(bytes)
      probe.call('feFromWide', probe.at(OUT), probe.at(A))
      const wide = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
      assert.equal(probe.element(OUT), reduced(wide))
      probe.call('feToBytes', probe.at(B), probe.at(OUT))
      const written = Buffer.from(probe.bytes(B, 32)).toString('hex')
      assert.equal(BigInt(`0x${written}`), reduced(wide))
      probe.call('feFromBytes', probe.at(OUT), probe.at(B))
      assert.equal(probe.element(OUT), reduced(wide))
    }
  })
})
