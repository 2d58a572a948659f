import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { setUpPair } from '../../../protocols/pair-setup/set-up-pair.ts'
import { faultsOf, type Letter, simulate } from '../../../protocols/simulation/simulate.ts'
import { transcriptDigest } from '../../support/run-frozen.ts'
import { NETWORK, valuesOf } from '../../support/run-keygen.ts'
import { ALICE, BOB, runPairSetup } from '../../support/run-pair-setup.ts'
import { seeded } from '../../support/seeded.ts'
import { openKernel } from '../../support/trusted-setup.ts'

const { Fn } = secp256k1.Point

/** Party 1 has the larger id here: hi is not the larger index. */
const LARGER = { index: 1, id: BOB.id }
const SMALLER = { index: 2, id: ALICE.id }

const bitsOf = (bytes: Uint8Array, count: number) =>
  Array.from({ length: count }, (_, j) => ((bytes[j >> 3] ?? 0) >> (j & 7)) & 1)

describe('setUpPair()', function () {
  this.timeout(60_000) // base OTs in bigints

  /** The real thing, nothing remembered: two kernels, four messages each way. */
  const make = async () => {
    const kernels = [openKernel(seeded('alice')), openKernel(seeded('bob'))] as const
    const letters: Letter[] = []
    const results = await simulate(
      [1, 2],
      seeded('instance')(32),
      (party) =>
        setUpPair(party, kernels[party.me === 1 ? 0 : 1].kernel, seeded(`party ${party.me}`), {
          networkId: NETWORK,
          epochId: NETWORK,
          attempt: 3,
          mine: party.me === 1 ? LARGER : SMALLER,
          theirs: party.me === 1 ? SMALLER : LARGER,
          breathe: async () => undefined,
        }),
      {
        tamper: (letter) => {
          letters.push(letter)
          return letter.bytes
        },
      },
    )
    const [hi, lo] = valuesOf(results)
    assert.ok(lo && hi)
    return { kernels: [kernels[1], kernels[0]] as const, letters, lo, hi }
  }
  let made: ReturnType<typeof make>
  before(() => {
    made = make()
    return made
  })

  it('gives both guests the same setup, lo being the smaller id', async () => {
    const { lo, hi } = await made
    assert.equal(lo.setupId.length, 32)
    assert.deepEqual(lo.setupId, hi.setupId)
    assert.deepEqual([lo.lo, hi.lo], [true, false])
    assert.deepEqual([lo.gate.closed, hi.gate.closed], [undefined, undefined])
    assert.deepEqual([lo.epochId, hi.epochId], [NETWORK, NETWORK])
  })

  it('sends P1 97, P2 16,928, P3 20,576 and P4 64 bytes each way', async () => {
    const { letters } = await made
    for (const from of [1, 2])
      assert.deepEqual(
        letters.filter((letter) => letter.from === from).map(({ bytes }) => bytes.length),
        [97, 16_928, 20_576, 64],
      )
  })

  it('says the same as ever with the same randomness', async () => {
    // Frozen for version 1: a difference is another protocol, or other draws in the kernel.
    assert.equal(
      transcriptDigest((await made).letters),
      '207c9573dbaedfffecf7bc9ef2826889e3c5ca053306bc81bad0a7eec7d9c9df',
    )
  })

  it('leaves three secrets in each kernel and nothing of the run', async () => {
    const { kernels } = await made
    assert.deepEqual(
      kernels.map(({ kernel }) => kernel.held),
      [3, 3],
    )
  })

  it('leaves the leaves of Bob with Alice but the one at Δ of each block, in both directions', async () => {
    const { kernels, lo, hi } = await made
    for (const [alice, bob] of [
      [kernels[0].slots.get(lo.alice, 'alice'), kernels[1].slots.get(hi.bob, 'bob')],
      [kernels[1].slots.get(hi.alice, 'alice'), kernels[0].slots.get(lo.bob, 'bob')],
    ] as const) {
      const delta = bitsOf(alice.delta, 256)
      for (let block = 0; block < 64; block++) {
        const hidden = [0, 1, 2, 3].reduce((sum, e) => sum + ((delta[4 * block + e] ?? 0) << e), 0)
        for (let leaf = 0; leaf < 16; leaf++) {
          const at = (16 * block + leaf) * 8
          const known = alice.leaves.slice(at, at + 8)
          if (leaf === hidden) assert.ok(known.every((word) => word === 0))
          else assert.deepEqual(known, bob.leaves.slice(at, at + 8))
        }
      }
    }
  })

  it('gives both the same seed of their zero shares', async () => {
    const { kernels, lo, hi } = await made
    assert.deepEqual(
      kernels[0].slots.get(lo.zeta, 'zeta').seed,
      kernels[1].slots.get(hi.zeta, 'zeta').seed,
    )
  })

  it('multiplies: c + d = a·b for both directions', async () => {
    const { kernels, lo, hi } = await made
    for (const [a, aliceSetup, b, bobSetup] of [
      [kernels[0], lo, kernels[1], hi],
      [kernels[1], hi, kernels[0], lo],
    ] as const) {
      const sid = seeded('multiplication')(32)
      const { nonce } = a.kernel.signBegin()
      const share = a.kernel.shareIn(new Uint8Array(32).fill(5))
      const one = new Uint8Array(32)
      one[31] = 1
      const { key } = a.kernel.signKey(share, one, new Uint8Array(32), [], sid)
      const { m1, choice } = b.kernel.rvoleBob(bobSetup.bob, sid)
      const answered = a.kernel.rvoleAlice(aliceSetup.alice, sid, m1, { nonce, key })
      assert.ok(typeof answered === 'object')
      const { gammaU, gammaV } = a.kernel.signOpen(nonce, answered.product, choiceOf(a.kernel))
      const finished = b.kernel.rvoleBobFinish(choice, answered.m2)
      assert.ok(typeof finished === 'number')
      const { c1, c2 } = a.slots.get(answered.product, 'alice-product')
      const { b: chosen, d1, d2 } = b.slots.get(finished, 'bob-product')
      const { r } = a.slots.get(nonce, 'nonce')
      const { sk } = a.slots.get(key, 'key')
      assert.equal(Fn.add(c1, d1), Fn.mul(r, chosen))
      assert.equal(Fn.add(c2, d2), Fn.mul(sk, chosen))
      assert.equal(gammaU.length + gammaV.length, 66)

      /** signOpen wants a choice of Alice's own: any will do here. */
      function choiceOf(kernel: typeof a.kernel) {
        return kernel.rvoleBob(aliceSetup.bob, seeded('own')(32)).choice
      }
    }
  })

  it('leaves no secret after it was cancelled in any round', async () => {
    for (const round of ['1-commit', '2-transfer', '3-open', '4-confirm']) {
      const stop = new AbortController()
      const { results, kernels } = await runPairSetup({
        seed: 'pair', // whose honest rounds the adversary's table remembers too
        signal: stop.signal,
        tamper: (letter) => {
          if (letter.round.endsWith(round)) stop.abort()
          return letter.bytes
        },
      })
      assert.deepEqual(faultsOf(results), [])
      assert.ok(results.every(({ status }) => status === 'rejected'))
      assert.deepEqual(
        kernels.map(({ held }) => held),
        [0, 0],
        round,
      )
    }
  })
})
