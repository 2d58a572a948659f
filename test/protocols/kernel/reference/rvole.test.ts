import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import { mod, q, writeScalar } from '../../../../protocols/kernel/reference/curve.ts'
import {
  answer,
  begin,
  finish,
  M1_BYTES,
  M2_BYTES,
} from '../../../../protocols/kernel/reference/rvole.ts'
import { seeded } from '../../../support/seeded.ts'
import { dealtLeaves } from './dealt-leaves.ts'

const { bob, alice } = dealtLeaves(seeded('rvole leaves'))
const scalar = fc.bigInt({ min: 0n, max: q - 1n })
const edges = fc.constantFrom(0n, 1n, 2n, q - 1n, q >> 1n)

function run(seed: string, a1: bigint, a2: bigint) {
  const sid = seeded(`sid ${seed}`)(32)
  const { m1, choice } = begin(seeded(`bob ${seed}`), bob, sid)
  const reply = answer(seeded(`alice ${seed}`), alice, sid, m1, a1, a2)
  if (reply === undefined) throw new Error('cote')
  return { m1, choice, ...reply }
}

describe('multiplication', () => {
  it('gives c + d = a·b for both factors, whatever they are', function () {
    this.timeout(30_000)
    const factor = fc.oneof(scalar, edges)
    const property = fc.property(fc.integer(), factor, factor, (seed, a1, a2) => {
      const { m1, m2, choice, product } = run(`${seed}`, a1, a2)
      deepEqual([m1.length, M1_BYTES, m2.length, M2_BYTES], [9_232, 9_232, 49_248, 49_248])
      const d = finish(choice, m2)
      if (typeof d === 'string') throw new Error(d)
      equal(mod(product.c1 + d.d1), mod(a1 * d.b))
      equal(mod(product.c2 + d.d2), mod(a2 * d.b))
    })
    fc.assert(property, { seed: 20_230, numRuns: 40 })
  })

  it('gives other values b, c and d in every execution', () => {
    const [one, two] = [run('one', 3n, 4n), run('two', 3n, 4n)]
    equal(new Set([one.choice.b, two.choice.b]).size, 2)
    equal(new Set([one.product.c1, two.product.c1, one.product.c2, two.product.c2]).size, 4)
  })

  it('answers `mu` to any change of Ã, η or μ that stays canonical', () => {
    const { choice, m2 } = run('tampered', 5n, 6n)
    for (const at of [31, 32 * 700 + 31, 49_151, 49_152 + 31, 49_184, 49_247]) {
      const changed = m2.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      equal(finish(choice, changed), 'mu')
    }
    equal(typeof finish(choice, m2), 'object')
  })

  it('catches a change of Ã in a row whatever β_j is there', () => {
    const { choice, m2 } = run('every row', 5n, 6n)
    for (const j of [0, 1, 2, 3, 4, 5, 6, 7]) {
      for (const i of [0, 1, 2]) {
        const changed = m2.slice()
        const at = 32 * (3 * j + i) + 31
        changed[at] = (changed[at] ?? 0) ^ 1
        equal(finish(choice, changed), 'mu')
      }
    }
  })

  it('answers `malformed` to a scalar of q or more, before any check', () => {
    const { choice, m2 } = run('canonical', 5n, 6n)
    for (const at of [0, 32 * 1535, 49_152]) {
      const changed = m2.slice()
      changed.set(writeScalar(q), at)
      equal(finish(choice, changed), 'malformed')
    }
  })
})
