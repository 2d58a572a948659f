import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { referenceKernel } from '../../../protocols/kernel/reference/reference-kernel.ts'
import { pairBuild, pairReceive } from '../../../protocols/ot/base-ot.ts'
import { good } from '../../conformance/kernel-flow.ts'
import { seeded } from '../../support/seeded.ts'

const SID = seeded('sid')(32)

describe('base OT in steps', function () {
  this.timeout(30_000) // bigints

  it('breathes between the steps, and leaves the two sides of one setup', async () => {
    const [alice, bob] = [referenceKernel(seeded('alice')), referenceKernel(seeded('bob'))]
    let breaths = 0
    const breathe = async () => {
      breaths++
    }
    const { A, sender } = bob.pairSend()
    const { phi, receiver } = good(await pairReceive(alice, SID, A, breathe))
    ok(breaths > 4)
    const ofReceive = breaths
    const { pprf } = good(await pairBuild(bob, sender, SID, phi, breathe))
    ok(breaths > ofReceive + 4)
    equal(typeof alice.pairEvaluate(receiver, SID, pprf), 'number')
    deepEqual([alice.held, bob.held], [1, 1])
  })

  it('answers malformed to what is no point, and holds nothing then', async () => {
    const kernel = referenceKernel(seeded('alice'))
    const never = () => Promise.reject(new Error('nothing to wait for'))
    equal(await pairReceive(kernel, SID, new Uint8Array(33), never), 'malformed')
    for (const phi of [new Uint8Array(16_896), new Uint8Array(1)])
      equal(await pairBuild(kernel, kernel.pairSend().sender, SID, phi, never), 'malformed')
    equal(kernel.held, 0)
  })

  it('ends with the breath that fails, and wipes what was half done', async () => {
    const kernel = referenceKernel(seeded('alice'))
    const stop = new Error('the session is over')
    const { A, sender } = kernel.pairSend()
    let left = 2
    const breathe = async () => {
      if (left-- === 0) throw stop
    }
    await rejects(pairReceive(kernel, SID, A, breathe), stop)
    equal(kernel.held, 1)
    const { phi } = good(await pairReceive(kernel, SID, A, async () => undefined))
    left = 3
    await rejects(pairBuild(kernel, sender, SID, phi, breathe), stop)
    equal(kernel.held, 1) // the receiver of the second run
  })
})
