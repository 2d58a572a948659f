import assert from 'node:assert/strict'
import { faultsOf, type Letter } from '../../../protocols/simulation/simulate.ts'
import { valuesOf } from '../../support/run-keygen.ts'
import {
  dealPools,
  digestOf,
  fromPools,
  held,
  runPresign,
  runSign,
  world,
} from '../../support/run-sign.ts'

describe('sign() from correlations', function () {
  this.timeout(30_000)

  for (const [t, n, signers] of [
    [2, 2, [1, 2]],
    [2, 3, [1, 3]],
    [3, 5, [2, 3, 5]],
    [3, 4, [1, 2, 4]],
  ] as const)
    it(`signs with ${signers} of ${n}, and spends one correlation of each pair`, async () => {
      const it = await world(t, n)
      const before = held(it.guests)
      const seed = `correlated ${t} ${n}`
      const pools = dealPools(it, signers, seed, 2)
      const results = await runSign(it, { signers, seed, alter: fromPools(pools) })
      for (const signature of valuesOf(results))
        assert.ok(it.guests[0]?.kernel.ecdsaVerify(it.derived.publicKey, digestOf(seed), signature))
      for (const me of signers)
        for (const peer of signers) if (peer !== me) assert.equal(pools.get(me)?.of(peer).length, 1)
      for (const me of signers)
        for (const peer of signers)
          for (const { secret } of pools.get(me)?.of(peer) ?? [])
            it.guests[me - 1]?.kernel.wipe(secret)
      assert.deepEqual(held(it.guests), before)
    })

  it('sends the sizes of the specification: 477 bytes per peer in all for lo of two', async () => {
    const it = await world(2, 2)
    const letters: Letter[] = []
    const pools = dealPools(it, [1, 2], 'sizes')
    await runSign(it, {
      signers: [1, 2],
      seed: 'sizes',
      alter: fromPools(pools),
      tamper: (letter) => {
        letters.push(letter)
        return letter.bytes
      },
    })
    const lo = it.pairs.get('1/2')?.lo ? 1 : 2
    const sizesOf = (me: number) =>
      letters.filter(({ from }) => from === me).map(({ bytes }) => bytes.length)
    assert.deepEqual(sizesOf(lo), [64 + 8 + 1 + 16, 292, 96])
    assert.deepEqual(sizesOf(3 - lo), [64 + 8 + 1, 292, 96])
    assert.equal(
      sizesOf(lo).reduce((sum, size) => sum + size),
      477,
    )
  })

  it('ends corr-unknown where hi does not hold what lo names, and nothing secret was computed', async () => {
    const it = await world(2, 3)
    const before = held(it.guests)
    const pools = dealPools(it, [1, 2], 'unknown')
    const lo = it.pairs.get('1/2')?.lo ? 1 : 2
    const lost = pools.get(3 - lo)?.name(lo)
    assert.ok(lost)
    it.guests[2 - lo]?.kernel.wipe(lost.secret)
    const results = await runSign(it, {
      signers: [1, 2],
      seed: 'unknown',
      alter: fromPools(pools),
    })
    assert.deepEqual(faultsOf(results), [{ kind: 'corr-unknown', round: 'sign/1-name', from: lo }])
    assert.deepEqual(held(it.guests), before)
  })

  it('makes presignatures', async () => {
    const it = await world(2, 3)
    const pools = dealPools(it, [1, 3], 'presign')
    const made = valuesOf(
      await runPresign(it, { signers: [1, 3], seed: 'presign', alter: fromPools(pools) }),
    )
    assert.deepEqual(made[0]?.id, made[1]?.id)
    for (const [i, presignature] of made.entries()) {
      const secret = presignature.take()
      assert.ok(secret)
      it.guests[i === 0 ? 0 : 2]?.kernel.wipe(secret)
    }
  })
})
