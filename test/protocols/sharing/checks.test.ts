import assert from 'node:assert/strict'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import { referenceKernel } from '../../../protocols/kernel/reference/reference-kernel.ts'
import { checkDealProofs, checkShares, type Dealing } from '../../../protocols/sharing/checks.ts'
import type { Deal } from '../../../protocols/sharing/messages.ts'
import { seeded } from '../../support/seeded.ts'

const sid = new Uint8Array(32).fill(7)
const COUNT = 3
const dealing: Dealing = { sid, threshold: 2, count: COUNT, round: 'keygen/2-deal' }
const flip = (bytes: Uint8Array, at: number) => bytes.with(at, (bytes[at] ?? 0) ^ 1)
const breathe = async () => undefined

/** What a dealer of `count` keys sends to party 1. */
function dealt(kernel: Kernel, id: Uint8Array, threshold: number, count: number): Deal {
  const { F, deal } = kernel.dealBegin(threshold, count)
  const proofs = kernel.dealProve(deal, sid, id)
  return { sid, blind: sid, chainCode: sid, F, proofs, shares: kernel.dealShare(deal, 1) }
}

describe('checks of a dealing', () => {
  const asked: number[] = []
  const kernel: Kernel = referenceKernel(seeded('checks'))
  const watched: Kernel = {
    ...kernel,
    verifyPoks: (proofs) => {
      asked.push(proofs.length)
      return kernel.verifyPoks(proofs)
    },
    verifyFeldman: (shares, x, F, threshold) => {
      asked.push(F.length / 33)
      return kernel.verifyFeldman(shares, x, F, threshold)
    },
  }
  const dealers = [2, 3, 4].map((index) => {
    const dealer = { index, id: new Uint8Array(32).fill(index) }
    return { dealer, deal: dealt(kernel, dealer.id, 2, COUNT) }
  })
  beforeEach(() => asked.splice(0))

  it('pass with one equation each for the proofs and the shares of a dealer', async () => {
    for (const { dealer, deal } of dealers) {
      await checkDealProofs(watched, dealing, dealer, deal, breathe)
      await checkShares(watched, dealing, 1, dealer, deal, breathe)
    }
    assert.deepEqual(asked, [6, 6, 6, 6, 6, 6])
  })

  it('take several equations, and breathe, where there are more than 128 commitments', async () => {
    const count = 70
    const dealer = { index: 9, id: new Uint8Array(32).fill(9) }
    const large = { ...dealing, threshold: 3, count }
    const deal = dealt(kernel, dealer.id, 3, count)
    let breaths = 0
    const counted = async () => {
      breaths++
    }
    await checkDealProofs(watched, large, dealer, deal, counted)
    await checkShares(watched, large, 1, dealer, deal, counted)
    assert.deepEqual(asked, [128, 82, 126, 84])
    assert.equal(breaths, 4)
    for (const b of [0, 41, 42, 69]) {
      const shares = flip(deal.shares, 32 * b + 31)
      await assert.rejects(checkShares(kernel, large, 1, dealer, { ...deal, shares }, breathe), {
        fault: { kind: 'share', round: 'keygen/2-deal', from: 9 },
      })
    }
    for (const at of [0, 127, 128, 209]) {
      const proofs = flip(deal.proofs, 65 * at + 64)
      await assert.rejects(checkDealProofs(kernel, large, dealer, { ...deal, proofs }, breathe), {
        fault: { kind: 'proof', round: 'keygen/2-deal', from: 9 },
      })
    }
  })

  for (const [culprit, proof] of [
    [2, 0],
    [3, 3],
    [4, 5],
  ] as const)
    it(`name dealer ${culprit} for its proof ${proof}`, async () => {
      for (const { dealer, deal } of dealers) {
        const spoilt = { ...deal, proofs: flip(deal.proofs, 65 * proof + 64) }
        const shown = dealer.index === culprit ? spoilt : deal
        const checked = checkDealProofs(kernel, dealing, dealer, shown, breathe)
        if (dealer.index === culprit)
          await assert.rejects(checked, {
            fault: { kind: 'proof', round: 'keygen/2-deal', from: culprit },
          })
        else await checked
      }
    })

  it('refuse proofs of one dealer shown as those of another', async () => {
    const [first, second] = dealers
    assert.ok(first && second)
    await assert.rejects(checkDealProofs(kernel, dealing, second.dealer, first.deal, breathe), {
      fault: { kind: 'proof', round: 'keygen/2-deal', from: second.dealer.index },
    })
  })

  it('refuse a share of any key that does not fit, and one that is dealt for another point', async () => {
    for (const { dealer, deal } of dealers) {
      const fault = { kind: 'share', round: 'keygen/2-deal', from: dealer.index }
      for (const b of [0, 1, 2]) {
        const shares = flip(deal.shares, 32 * b + 31)
        const spoilt = { ...deal, shares }
        await assert.rejects(checkShares(kernel, dealing, 1, dealer, spoilt, breathe), { fault })
      }
      await assert.rejects(checkShares(kernel, dealing, 2, dealer, deal, breathe), { fault })
    }
  })
})
