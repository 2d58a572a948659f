import { equal } from 'node:assert/strict'
import { dealKey, label, type Side, signTogether } from '../conformance/kernel-flow.ts'
import { seeded } from './seeded.ts'
import { dealPair, openKernel } from './trusted-setup.ts'

describe('a dealt pair setup', () => {
  it('serves signatures like a real one', () => {
    const [lo, hi] = [openKernel(seeded('lo')), openKernel(seeded('hi'))]
    const dealt = dealPair(seeded('dealer'), lo, hi)
    const sides: [Side, Side] = [
      { kernel: lo.kernel, x: 1, ...dealt.lo },
      { kernel: hi.kernel, x: 2, ...dealt.hi },
    ]
    const { P, shares } = dealKey(sides)
    const signature = signTogether(sides, shares, label('m'), 'dealt')
    equal(lo.kernel.ecdsaVerify(P, label('m'), signature), true)
  })
})
