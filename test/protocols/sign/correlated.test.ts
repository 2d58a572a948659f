import assert from 'node:assert/strict'
import type { PairGate } from '../../../protocols/pair-setup/gate.ts'
import { faultsOf, type Letter } from '../../../protocols/simulation/simulate.ts'
import { transcriptDigest } from '../../support/run-frozen.ts'
import { valuesOf } from '../../support/run-keygen.ts'
import {
  dealPools,
  digestOf,
  freshWorld,
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

  it('says the same as ever with the same randomness', async () => {
    const it = await freshWorld(2, 3, 'frozen')
    const letters: Letter[] = []
    valuesOf(
      await runSign(it, {
        signers: [1, 3],
        seed: 'frozen',
        alter: fromPools(dealPools(it, [1, 3], 'frozen')),
        tamper: (letter) => {
          letters.push(letter)
          return letter.bytes
        },
      }),
    )
    // Frozen for version 1: a difference is another protocol, or other draws in the kernel.
    assert.equal(
      transcriptDigest(letters),
      '2d8528f4eed618cffde30cbfa4161f36558ab4f34cbf34854dc0f9db10e9c5f6',
    )
  })

  it('ends corr-unknown where lo has none to name, and what it named others is spent', async () => {
    const it = await world(3, 3)
    const before = held(it.guests)
    const pools = dealPools(it, [1, 2, 3], 'none')
    const empty = pools.get(3)?.name(2) // 3 is lo of both others
    assert.ok(empty)
    it.guests[2]?.kernel.wipe(empty.secret)
    const results = await runSign(it, { signers: [1, 2, 3], seed: 'none', alter: fromPools(pools) })
    assert.deepEqual(faultsOf(results), [{ kind: 'corr-unknown', round: 'sign/1-name', from: 3 }])
    assert.equal(pools.get(3)?.of(1).length, 0)
    for (const [me, pool] of pools)
      for (const peer of [1, 2, 3])
        for (const { secret } of pool.of(peer)) it.guests[me - 1]?.kernel.wipe(secret)
    assert.deepEqual(held(it.guests), before)
  })

  it('asks for each setup before it opens a correlation, and spends what was named', async () => {
    for (const round of ['sign/1-name', 'sign/2-open'] as const) {
      const it = await world(2, 2)
      const before = held(it.guests)
      const pools = dealPools(it, [1, 2], round)
      const gates: PairGate[] = []
      const results = await runSign(it, {
        signers: [1, 2],
        seed: round,
        alter: (me, honest) => {
          if (me === 1) for (const { gate } of honest.pairs.values()) gates.push(gate)
          return fromPools(pools)(me, honest)
        },
        tamper: (letter) => {
          if (letter.from === 1 && letter.round === round)
            for (const gate of gates) gate.close('banned')
          return letter.bytes
        },
      })
      assert.deepEqual(faultsOf(results), [{ kind: 'banned', round, from: 2 }])
      assert.deepEqual(held(it.guests), before)
      assert.deepEqual([pools.get(1)?.of(2).length, pools.get(2)?.of(1).length], [0, 0])
    }
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
