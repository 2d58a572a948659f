import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import type { Correlation } from '../../../protocols/correlations/correlation.ts'
import type { AwaitedBatch, BatchContext } from '../../../protocols/correlations/produce.ts'
import { KernelFull } from '../../../protocols/kernel/kernel.ts'
import type { Secrets } from '../../../protocols/kernel/reference/secrets.ts'
import type { PairSetup } from '../../../protocols/pair-setup/set-up-pair.ts'
import { ProtocolError } from '../../../protocols/session/faults.ts'
import { faultsOf, type Letter } from '../../../protocols/simulation/simulate.ts'
import { type BatchWorld, batchWorld, runCorrelations } from '../../support/run-correlations.ts'
import { transcriptDigest } from '../../support/run-frozen.ts'
import { valuesOf } from '../../support/run-keygen.ts'
import { seeded } from '../../support/seeded.ts'
import { type OpenKernel, openKernel } from '../../support/trusted-setup.ts'

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

  it('says the same as ever with the same randomness', async () => {
    const letters: Letter[] = []
    valuesOf(
      await runCorrelations(
        batchWorld('frozen', 'frozen', (name) => openKernel(seeded(name))),
        {
          seed: 'frozen',
          count: 2,
          tamper: (letter) => {
            letters.push(letter)
            return letter.bytes
          },
        },
      ),
    )
    // Frozen for version 1: a difference is another protocol, or other draws in the kernel.
    assert.equal(
      transcriptDigest(letters),
      'b29eb54cc82ebd605c3b145970eea706ceb8eba3a7457a15f418a9c4570305f2',
    )
  })

  it('makes other ids for another batch of the same two guests', async () => {
    const world = batchWorld('other')
    const seen = new Set<string>()
    for (const batchNo of [1, 2]) {
      const alter = (_: number, honest: BatchContext) => ({ ...honest, batchNo })
      const [mine] = valuesOf(await runCorrelations(world, { seed: 'other', count: 2, alter }))
      assert.equal(mine?.batchNo, batchNo)
      for (const { id } of mine?.correlations ?? []) seen.add(Buffer.from(id).toString('hex'))
    }
    assert.equal(seen.size, 4)
  })

  it('refuses another setup, and one of another epoch, as generation; neither is banned', async () => {
    const world = batchWorld('generation')
    for (const change of [
      (pair: PairSetup) => ({ ...pair, setupId: new Uint8Array(32) }),
      (pair: PairSetup) => ({ ...pair, epochId: new Uint8Array(32) }),
    ]) {
      const results = await runCorrelations(world, {
        seed: 'generation',
        count: 1,
        alter: (me, honest) => (me === 2 ? { ...honest, pair: change(honest.pair) } : honest),
      })
      const round = 'correlations/1-propose'
      assert.deepEqual(faultsOf(results), [{ kind: 'generation', round, from: 1 }])
      assertNothingLeft(world)
    }
  })

  it('refuses a closed setup before anything of it is used', async () => {
    for (const [closed, me] of [
      ['banned', 1],
      ['generation', 2],
    ] as const) {
      const world = batchWorld('closed')
      world.pairs[me - 1]?.gate.close(closed)
      const results = await runCorrelations(world, { seed: 'closed', count: 1 })
      const round = 'correlations/1-propose'
      assert.deepEqual(faultsOf(results), [{ kind: closed, round, from: 3 - me }])
      assertNothingLeft(world)
    }
  })

  it('leaves no secret after it was cancelled in any round, or ran out of breath anywhere', async () => {
    for (const round of ['1-propose', '2-choose', '3-multiply', '4-answer', '5-confirm']) {
      const stop = new AbortController()
      const world = batchWorld('stopped')
      const results = await runCorrelations(world, {
        seed: 'stopped',
        count: 2,
        signal: stop.signal,
        tamper: (letter) => {
          if (letter.round.endsWith(round)) stop.abort()
          return letter.bytes
        },
      })
      assert.deepEqual(faultsOf(results), [])
      // C5 is said already when it is lost: its sender is done.
      const done = round === '5-confirm' ? 2 : 0
      assert.deepEqual(
        world.kernels.map(({ kernel }) => kernel.held),
        [LONG_LIVED + done, LONG_LIVED],
      )
    }
    const BREATHS = 2 * 3 // two items: answered, chosen, finished
    for (const me of [1, 2])
      for (let last = 0; last < BREATHS; last++) {
        const world = batchWorld('breathless')
        let left = last
        const results = await runCorrelations(world, {
          seed: 'breathless',
          count: 2,
          alter: (party, honest) => ({
            ...honest,
            breathe: async () => {
              if (party === me && left-- === 0)
                throw new ProtocolError({ kind: 'cancelled', round: 'session/open' })
            },
          }),
        })
        assert.ok(
          results.every(({ status }) => status === 'rejected'),
          `breath ${last} of ${me}`,
        )
        assertNothingLeft(world)
      }
  })

  it('tells the responder of its batch before C4 leaves; a name of it stands for C5', async () => {
    const world = batchWorld('claimed')
    const order: string[] = []
    let claimed: AwaitedBatch | undefined
    const results = await runCorrelations(world, {
      seed: 'claimed',
      count: 2,
      tamper: (letter) => {
        order.push(letter.round)
        if (letter.round.endsWith('5-confirm')) {
          assert.equal(claimed?.claim(), true)
          return undefined // C5 is lost
        }
        return letter.bytes
      },
      alter: (me, honest) =>
        me === 1
          ? honest
          : {
              ...honest,
              awaited: (batch) => {
                order.push('awaited')
                claimed = batch
              },
            },
    })
    const [mine, theirs] = valuesOf(results)
    assert.deepEqual(order.slice(-3), [
      'awaited',
      'correlations/4-answer',
      'correlations/5-confirm',
    ])
    assert.deepEqual(theirs?.correlations, []) // they were handed over
    assert.deepEqual(
      mine?.correlations.map(({ id }) => id),
      claimed?.correlations.map(({ id }) => id),
    )
    assert.equal(claimed?.claim(), false)
    assert.deepEqual(
      world.kernels.map(({ kernel }) => kernel.held),
      [LONG_LIVED + 2, LONG_LIVED + 2],
    )
  })

  it('hands over or keeps, never both and never neither, whichever turn the name comes in beside C5', async () => {
    const answers = new Set<boolean>()
    for (let turns = 0; turns < 14; turns++) {
      const world = batchWorld('claimed')
      const batches: AwaitedBatch[] = []
      let claimed = Promise.resolve<boolean | undefined>(undefined)
      const results = await runCorrelations(world, {
        seed: 'claimed',
        count: 2,
        tamper: (letter) => {
          const claim = async () => {
            for (let i = 0; i < turns; i++) await undefined
            return batches[0]?.claim()
          }
          if (letter.round.endsWith('5-confirm')) claimed = claim()
          return letter.bytes
        },
        alter: (me, honest) =>
          me === 1 ? honest : { ...honest, awaited: (batch) => batches.push(batch) },
      })
      const [, theirs] = valuesOf(results)
      const handed = await claimed
      assert.ok(handed !== undefined)
      assert.equal(theirs?.correlations.length, handed ? 0 : 2, `after ${turns}`)
      assert.deepEqual(
        world.kernels.map(({ kernel }) => kernel.held),
        [LONG_LIVED + 2, LONG_LIVED + 2],
      )
      answers.add(handed)
    }
    assert.equal(answers.size, 2)
  })

  it('gives nothing to a name that comes after the run, or after the gate fell', async () => {
    const late: AwaitedBatch[] = []
    const alter = (me: number, honest: BatchContext): BatchContext =>
      me === 1 ? honest : { ...honest, awaited: (batch) => late.push(batch) }
    const done = batchWorld('late')
    valuesOf(await runCorrelations(done, { seed: 'late', count: 1, alter }))
    const failed = batchWorld('late')
    const lost = await runCorrelations(failed, {
      seed: 'late',
      count: 1,
      alter,
      tamper: ({ round, bytes }) => (round.endsWith('5-confirm') ? undefined : bytes),
    })
    assert.deepEqual(faultsOf(lost), [
      { kind: 'timeout', round: 'correlations/5-confirm', missing: [1] },
    ])
    assert.equal(failed.kernels[1].kernel.held, LONG_LIVED)
    const closed = batchWorld('late')
    const atGate: boolean[] = []
    await runCorrelations(closed, {
      seed: 'late',
      count: 1,
      alter: (me, honest) =>
        me === 1
          ? honest
          : {
              ...honest,
              awaited: (batch) => {
                closed.pairs[1].gate.close('banned')
                atGate.push(batch.claim())
              },
            },
    })
    assert.deepEqual([...late.map((batch) => batch.claim()), ...atGate], [false, false, false])
    assertNothingLeft({ ...closed, kernels: [closed.kernels[1], closed.kernels[1]] })
  })

  it('ends without a result when there is no room in the kernel, and nothing is left', async () => {
    const world = batchWorld('full')
    const { kernel } = world.kernels[1]
    let packed = 0
    const small: OpenKernel = {
      ...world.kernels[1],
      kernel: {
        ...kernel,
        get held() {
          return kernel.held
        },
        corrPack: (product, received) => {
          if (packed++ === 0) return kernel.corrPack(product, received)
          kernel.wipe(product)
          kernel.wipe(received)
          throw new KernelFull('no room')
        },
      },
    }
    const results = await runCorrelations(
      { ...world, kernels: [world.kernels[0], small] },
      { seed: 'full', count: 2 },
    )
    assert.ok(results[1]?.status === 'rejected' && results[1].reason instanceof KernelFull)
    assertNothingLeft(world)
  })

  it('takes a batch of none or of seventeen, and other guests, for a defect', async () => {
    for (const wrong of [{ count: 0 }, { count: 17 }, { count: 1.5 }]) {
      const results = await runCorrelations(batchWorld('defect'), { seed: 'defect', ...wrong })
      for (const result of results)
        assert.match(String(result.status === 'rejected' && result.reason), /bug:/)
    }
    const alter = (_: number, honest: BatchContext) => ({ ...honest, mine: honest.theirs })
    const results = await runCorrelations(batchWorld('defect'), { seed: 'x', count: 1, alter })
    assert.match(String(results[0]?.status === 'rejected' && results[0].reason), /bug:/)
  })

  it('fits for any size of batch and any randomness', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(1, 2),
        fc.string({ maxLength: 8 }),
        async (count, initiator, seed) => {
          const world = batchWorld(`property ${seed}`)
          const results = await runCorrelations(world, {
            seed,
            count,
            initiator: initiator as 1 | 2,
          })
          assertFit(world, results)
        },
      ),
      { numRuns: 8, seed: 5 },
    )
  })
})

function assertNothingLeft({ kernels }: BatchWorld): void {
  assert.deepEqual(
    kernels.map(({ kernel }) => kernel.held),
    [LONG_LIVED, LONG_LIVED],
  )
}
