import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import { committee, guestOf } from '../../support/run-keygen.ts'
import {
  fastKernel,
  firstEpoch,
  nextEpoch,
  runReshare,
  type TestEpoch,
} from '../../support/run-reshare.ts'

const { Point } = secp256k1
const { Fn } = Point

/** P as these members' shares of key `b` rebuild it; only tests may do this. */
export function rebuilt(epoch: TestEpoch, b: number, subset: readonly number[]): string {
  const xs = subset.map(BigInt)
  const secret = subset.reduce((sum, index) => {
    const share = epoch.shares.get(index)?.[b]
    assert.ok(share !== undefined)
    const { kernel } = guestOf(epoch.members, index)
    const x = BigInt(index)
    const weight = xs
      .filter((other) => other !== x)
      .reduce((product, other) => Fn.mul(product, Fn.div(other, Fn.create(other - x))), Fn.ONE)
    return Fn.add(sum, Fn.mul(weight, bytesToNumberBE(kernel.shareOut(share))))
  }, Fn.ZERO)
  return Point.BASE.multiply(secret).toHex(true)
}

describe('reshareKeys()', () => {
  it('works', async () => {
    const all = committee(5, 'r', 'r', fastKernel)
    const from = await firstEpoch(all.slice(0, 3), 2, 3, 'r')
    const run = { from, to: all, threshold: 3, dealers: [1, 2], seed: 'r' }
    const results = await runReshare(run)
    const next = nextEpoch(run, results)
    for (const [b, key] of from.keys.entries())
      for (const subset of [
        [1, 2, 3],
        [3, 4, 5],
        [1, 4, 5],
      ])
        assert.equal(rebuilt(next, b, subset), Buffer.from(key.publicKey).toString('hex'))
  })
})
