import { deepEqual, equal } from 'node:assert/strict'
import * as baseOt from '../../../protocols/kernel/reference/base-ot.ts'
import * as pprf from '../../../protocols/kernel/reference/pprf.ts'
import * as rvole from '../../../protocols/kernel/reference/rvole.ts'
import { pairRoles } from '../../../protocols/ot/pair-roles.ts'
import * as sizes from '../../../protocols/ot/sizes.ts'

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
})
