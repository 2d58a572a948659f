import { deepEqual, equal } from 'node:assert/strict'
import * as baseOt from '../../../protocols/kernel/reference/base-ot.ts'
import * as pprf from '../../../protocols/kernel/reference/pprf.ts'
import { referenceKernel } from '../../../protocols/kernel/reference/reference-kernel.ts'
import * as rvole from '../../../protocols/kernel/reference/rvole.ts'
import { build, choose, evaluate, pairRoles } from '../../../protocols/ot/pair-roles.ts'
import * as sizes from '../../../protocols/ot/sizes.ts'
import { good } from '../../conformance/kernel-flow.ts'
import { seeded } from '../../support/seeded.ts'

describe('sizes of OT messages', () => {
  it('are those of the specification and those of the kernel', () => {
    deepEqual(
      [sizes.PHI_BYTES, sizes.PPRF_BYTES, sizes.M1_BYTES, sizes.M2_BYTES],
      [baseOt.PHI_BYTES, pprf.PPRF_BYTES, rvole.M1_BYTES, rvole.M2_BYTES],
    )
    equal(sizes.PHI_BYTES, sizes.OTS * 2 * sizes.POINT_BYTES)
    equal(sizes.PPRF_BYTES, 64 * 320)
    equal(sizes.M1_BYTES, 5_120 + 16 + 4_096)
    equal(sizes.M2_BYTES, 49_152 + 32 + 64)
  })
})

describe('roles in a pair', () => {
  it('make lo Alice in direction 0 and hi in direction 1', () => {
    deepEqual(pairRoles(true), { asAlice: 0, asBob: 1 })
    deepEqual(pairRoles(false), { asAlice: 1, asBob: 0 })
  })

  it('lead both parties to the same direction, and to a refusal when both think they are lo', function () {
    this.timeout(30_000)
    const [lo, hi] = [referenceKernel(seeded('lo')), referenceKernel(seeded('hi'))]
    const pairSid = seeded('pair')(32)
    const { A, sender } = hi.pairSend()
    const { phi, receiver } = good(choose(lo, true, pairSid, A))
    const { pprf: message } = good(build(hi, false, pairSid, sender, phi))
    equal(typeof evaluate(lo, true, pairSid, receiver, message), 'number')
    const confused = hi.pairSend()
    const again = good(choose(lo, true, pairSid, confused.A))
    const { pprf: other } = good(build(hi, true, pairSid, confused.sender, again.phi))
    equal(evaluate(lo, true, pairSid, again.receiver, other), 'pprf')
  })
})
