import { deepEqual, equal, throws } from 'node:assert/strict'
import { type Kernel, KernelMisuse } from '../../../../protocols/kernel/kernel.ts'
import { label } from '../../../conformance/kernel-flow.ts'
import { seeded } from '../../../support/seeded.ts'
import { twinKernel } from '../../../support/twin-kernel.ts'

const q = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const p = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn
const G = Uint8Array.from(
  Buffer.from('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798', 'hex'),
)
const MOST = 2048 // coefficients of a chunk

const bytesOf = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))

/** Values at which limbs, carries and reductions change. */
const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, q - 2n, q - 1n, q >> 1n, (q >> 1n) + 1n],
  ...[26n, 32n, 52n, 64n, 128n, 129n, 130n, 192n, 224n, 255n].flatMap((bits) => [
    (1n << bits) - 1n,
    1n << bits,
    (q - (1n << bits)) % q,
  ]),
]

/** Every operation here runs in both kernels and throws unless they agree. */
describe('edges, in WebAssembly and in the reference', function () {
  this.timeout(120_000)
  let kernel: Kernel
  beforeEach(() => {
    kernel = twinKernel(seeded('edges'))
  })

  it('scalars: sums, shares, products with G, sums with a point', () => {
    for (const value of EDGES) {
      const scalar = bytesOf(value)
      equal(kernel.isScalar(scalar), true)
      for (const other of [0n, 1n, q - 1n]) kernel.addScalars(scalar, bytesOf(other))
      kernel.tweakPoint(G, scalar)
      if (value === 0n) {
        throws(() => kernel.shareIn(scalar), KernelMisuse)
        continue
      }
      const share = kernel.shareIn(scalar.slice())
      deepEqual(kernel.shareOut(share), bytesOf(value))
      kernel.sharePublic(share)
      const key = () => kernel.signKey(share, bytesOf(q - 1n), bytesOf(1n), [], label('sid'))
      if (value === q - 1n) throws(key, KernelMisuse)
      else equal(key().pk.length, 33)
      kernel.wipeAll()
    }
    for (const value of [q, q + 1n, p, (1n << 256n) - 1n]) {
      equal(kernel.isScalar(bytesOf(value)), false)
      throws(() => kernel.addScalars(bytesOf(value), bytesOf(0n)), KernelMisuse)
      throws(() => kernel.shareIn(bytesOf(value)), KernelMisuse)
    }
  })

  it('points: the sum with itself, with its opposite, O, x at the field prime, both parities', () => {
    const negative = G.slice()
    negative[0] = 3
    equal(kernel.sumPoints([G, negative]), undefined)
    const double = kernel.sumPoints([G, G])
    deepEqual(kernel.sumPoints([G, G, negative]), G)
    equal(kernel.tweakPoint(G, bytesOf(q - 1n)), undefined)
    deepEqual(kernel.tweakPoint(G, bytesOf(1n)), double)
    equal(kernel.evaluateCommitment(Uint8Array.of(...G, ...negative), 1), undefined)
    for (const x of [0n, 1n, p - 1n, p, p + 1n, (1n << 256n) - 1n]) {
      for (const prefix of [0, 1, 2, 3, 4, 5]) kernel.isPoint(Uint8Array.of(prefix, ...bytesOf(x)))
    }
  })

  it('combine: sums of zero, s on both sides of q/2, r of every R', () => {
    const { R } = kernel.signBegin()
    const values = [0n, 1n, 2n, q - 1n, q >> 1n, (q >> 1n) + 1n]
    for (const u of values) {
      for (const w of values) {
        kernel.combine(R, [{ u: bytesOf(u), w: bytesOf(w) }])
        kernel.combine(R, [
          { u: bytesOf(u), w: bytesOf(w) },
          { u: bytesOf(q - 1n), w: bytesOf(q - 1n) },
        ])
      }
    }
    equal(kernel.combine(R, [{ u: bytesOf(q), w: bytesOf(1n) }]), undefined)
    equal(kernel.combine(R, [{ u: bytesOf(1n), w: new Uint8Array(31) }]), undefined)
    equal(kernel.combine(R, []), undefined)
  })

  it('digests and signatures around the order', () => {
    for (const digest of [0n, 1n, q - 1n, q, q + 1n, (1n << 256n) - 1n]) {
      for (const r of [0n, 1n, q - 1n]) {
        for (const recovery of [0, 1, 2, 3, 4, -1, 0.5]) {
          const signature = { r: bytesOf(r), s: bytesOf(1n), recovery }
          kernel.ecdsaVerify(G, bytesOf(digest), signature)
        }
      }
    }
  })

  it('16 parties and the highest Shamir points', () => {
    const many = Array.from({ length: 16 }, (_, i) => i + 1)
    for (const x of many) kernel.lagrange(x, many)
    const far = many.map((x) => 65_536 - x)
    for (const x of far) kernel.lagrange(x, far)
    const { deal, F } = kernel.dealBegin(16, 2)
    const values = kernel.dealShare(deal, 65_535)
    equal(kernel.verifyFeldman(values, 65_535, F, 16), true)
    kernel.evaluateCommitment(F, 65_535)
    kernel.shareSum(
      Array.from({ length: 16 }, () => values.slice()),
      2,
    )
  })

  for (const threshold of [1, 2, 16]) {
    it(`${MOST} coefficients, t = ${threshold}: committed, proved, dealt and checked`, () => {
      const count = MOST / threshold
      const { F, deal } = kernel.dealBegin(threshold, count)
      const values = kernel.dealShare(deal, 16)
      equal(kernel.verifyFeldman(values, 16, F, threshold), true)
      const changed = values.slice()
      changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1
      equal(kernel.verifyFeldman(changed, 16, F, threshold), false)
      kernel.shareSum([values], count)
      if (threshold !== 2) return
      const [sid, guest] = [label('sid'), label('guest')]
      const proofs = kernel.dealProve(deal, sid, guest)
      const statements = Array.from({ length: MOST }, (_, at) => ({
        sid,
        guest,
        index: Math.floor(at / threshold),
        coefficient: at % threshold,
        Y: F.subarray(33 * at, 33 * at + 33),
        proof: proofs.subarray(65 * at, 65 * at + 65),
      }))
      equal(kernel.verifyPoks(statements), true)
    })
  }
})
