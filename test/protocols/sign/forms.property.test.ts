import assert from 'node:assert/strict'
import { signOnline } from '../../../protocols/sign/sign-online.ts'
import { simulate } from '../../../protocols/simulation/simulate.ts'
import { guestOf, valuesOf } from '../../support/run-keygen.ts'
import {
  dealPools,
  digestOf,
  fromPools,
  held,
  runPresign,
  runSign,
  type World,
  world,
} from '../../support/run-sign.ts'

/** All subsets of 1..n of `size` parties. */
function subsets(n: number, size: number): number[][] {
  if (size === 0) return [[]]
  return Array.from({ length: n }, (_, at) => at + 1).flatMap((last) =>
    subsets(last - 1, size - 1).map((rest) => [...rest, last]),
  )
}

const SHAPES = [2, 3, 4, 5].flatMap((n) =>
  Array.from({ length: n - 1 }, (_, at) => [at + 2, n] as const),
)

/** A signature under P' of each form that these signers can make one in. */
async function signInEveryForm(it: World, signers: readonly number[], seed: string) {
  const full = valuesOf(await runSign(it, { signers, seed }))
  const pools = dealPools(it, signers, seed, 2)
  const alter = fromPools(pools)
  const correlated = valuesOf(await runSign(it, { signers, seed: `${seed} b`, alter }))
  const made = valuesOf(await runPresign(it, { signers, seed: `${seed} c`, alter }))
  const digest = digestOf(`${seed} c`)
  const presigned = valuesOf(
    await simulate(signers, digestOf('instance'), (party) => {
      const mine = made[signers.indexOf(party.me)]
      assert.ok(mine)
      const { kernel } = guestOf(it.guests, party.me)
      return signOnline(party, kernel, mine, digest, digestOf('request'))
    }),
  )
  return [
    ...full.map((signature) => ({ signature, digest: digestOf(seed) })),
    ...correlated.map((signature) => ({ signature, digest: digestOf(`${seed} b`) })),
    ...presigned.map((signature) => ({ signature, digest })),
  ]
}

describe('every subset signs in every form under the same key', function () {
  this.timeout(60_000) // five multiply with each other in bigints

  for (const [t, n] of SHAPES)
    it(`${t} of ${n}: ${subsets(n, t).length} subsets`, async () => {
      const it = await world(t, n)
      const before = held(it.guests)
      const [judge] = it.guests
      assert.ok(judge)
      for (const signers of subsets(n, t)) {
        const made = await signInEveryForm(it, signers, `forms ${t} ${n} ${signers}`)
        assert.equal(made.length, 3 * t)
        for (const { signature, digest } of made)
          assert.ok(judge.kernel.ecdsaVerify(it.derived.publicKey, digest, signature), `${signers}`)
      }
      assert.deepEqual(held(it.guests), before)
    })
})
