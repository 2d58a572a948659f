import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Correlation } from '../../../protocols/correlations/correlation.ts'
import type { Secrets } from '../../../protocols/kernel/reference/secrets.ts'
import type { Letter } from '../../../protocols/simulation/simulate.ts'
import { type BatchWorld, batchWorld, runCorrelations } from '../../support/run-correlations.ts'
import { valuesOf } from '../../support/run-keygen.ts'

const { Fn } = secp256k1.Point
const LONG_LIVED = 3 // alice, bob and zeta of the setup

/** c + d = a·b in both directions, for every correlation of both batches. */
function assertFit({ kernels }: BatchWorld, results: Awaited<ReturnType<typeof runCorrelations>>) {
  const [lo, hi] = valuesOf(results)
  assert.ok(lo && hi)
  assert.deepEqual(lo.batchSid, hi.batchSid)
  assert.deepEqual(
    lo.correlations.map(({ id }) => id),
    hi.correlations.map(({ id }) => id),
  )
  for (const [k, mine] of lo.correlations.entries()) {
    const a: Secrets['correlation'] = kernels[0].slots.get(mine.secret, 'correlation')
    const theirs: Correlation | undefined = hi.correlations[k]
    assert.ok(theirs)
    const b: Secrets['correlation'] = kernels[1].slots.get(theirs.secret, 'correlation')
    for (const [alice, bob] of [
      [a, b],
      [b, a],
    ] as const) {
      assert.equal(Fn.add(alice.c1, bob.d1), Fn.mul(alice.a1, bob.b))
      assert.equal(Fn.add(alice.c2, bob.d2), Fn.mul(alice.a2, bob.b))
    }
  }
}

describe('produceCorrelations()', function () {
  this.timeout(30_000)

  it('gives both guests the same ids, and halves that fit', async () => {
    for (const initiator of [1, 2] as const) {
      const world = batchWorld('fit')
      const results = await runCorrelations(world, {
        seed: `fit ${initiator}`,
        count: 2,
        initiator,
      })
      assertFit(world, results)
      assert.deepEqual(
        world.kernels.map(({ kernel }) => kernel.held),
        [LONG_LIVED + 2, LONG_LIVED + 2],
      )
    }
  })

  it('sends C1 to C5 in the sizes of the specification: 935,680 bytes of C3 for 16', async () => {
    for (const [count, c3] of [
      [1, 58_480],
      [16, 935_680],
    ] as const) {
      const letters: Letter[] = []
      const results = await runCorrelations(batchWorld('sizes'), {
        seed: 'sizes',
        count,
        tamper: (letter) => {
          letters.push(letter)
          return letter.bytes
        },
      })
      assert.equal(valuesOf(results).length, 2)
      assert.deepEqual(
        letters.map(({ from, bytes }) => [from, bytes.length]),
        [
          [1, 86],
          [2, 48 + 9_232 * count],
          [1, c3],
          [2, 49_248 * count],
          [1, 32],
        ],
      )
    }
  })
})
