import assert from 'node:assert/strict'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import { referenceKernel } from '../../../protocols/kernel/reference/reference-kernel.ts'
import { checkDealProofs, checkShares, type Dealing } from '../../../protocols/sharing/checks.ts'
import type { Deal } from '../../../protocols/sharing/messages.ts'
import { seeded } from '../../support/seeded.ts'

const sid = new Uint8Array(32).fill(7)
const dealing: Dealing = { sid, threshold: 2, count: 3, round: 'keygen/2-deal' }
const flip = (bytes: Uint8Array, at: number) => bytes.with(at, (bytes[at] ?? 0) ^ 1)

describe('checks of many dealings at once', () => {
  const asked: string[] = []
  const kernel: Kernel = referenceKernel(seeded('checks'))
  const watched: Kernel = {
    ...kernel,
    verifyPoks: (proofs) => {
      asked.push(`all ${proofs.length}`)
      return kernel.verifyPoks(proofs)
    },
    verifyPok: (proof) => {
      asked.push('one')
      return kernel.verifyPok(proof)
    },
  }
  const dealers = [2, 3, 4].map((index) => {
    const dealer = { index, id: new Uint8Array(32).fill(index) }
    const { F, deal: secret } = kernel.dealBegin(2, 3)
    const deal: Deal = {
      sid,
      blind: sid,
      chainCode: sid,
      F,
      proofs: kernel.dealProve(secret, sid, dealer.id),
      shares: kernel.dealShare(secret, 1),
    }
    return { dealer, deal }
  })
  beforeEach(() => asked.splice(0))

  it('pass with one equation when all are honest', () => {
    checkDealProofs(watched, dealing, dealers)
    assert.deepEqual(asked, ['all 18'])
    for (const { dealer, deal } of dealers) checkShares(kernel, dealing, 1, dealer, deal)
  })

  for (const [culprit, proof] of [
    [2, 0],
    [3, 3],
    [4, 5],
  ] as const)
    it(`name dealer ${culprit} for its proof ${proof}, going one by one`, () => {
      const spoilt = dealers.map(({ dealer, deal }) =>
        dealer.index === culprit
          ? { dealer, deal: { ...deal, proofs: flip(deal.proofs, 65 * proof + 64) } }
          : { dealer, deal },
      )
      assert.throws(() => checkDealProofs(watched, dealing, spoilt), {
        fault: { kind: 'proof', round: 'keygen/2-deal', from: culprit },
      })
      assert.equal(asked[0], 'all 18')
      assert.equal(asked.length, 1 + 6 * (culprit - 2) + proof + 1)
    })

  it('refuse proofs of one dealer shown as those of another', () => {
    const [first, second] = dealers
    assert.ok(first && second)
    const copied = [first, { dealer: second.dealer, deal: first.deal }]
    assert.throws(() => checkDealProofs(kernel, dealing, copied), {
      fault: { kind: 'proof', round: 'keygen/2-deal', from: second.dealer.index },
    })
  })

  it('refuse a share of any key that does not fit, and one that is dealt for another point', () => {
    for (const { dealer, deal } of dealers) {
      for (const b of [0, 1, 2]) {
        const shares = flip(deal.shares, 32 * b + 31)
        assert.throws(() => checkShares(kernel, dealing, 1, dealer, { ...deal, shares }), {
          fault: { kind: 'share', round: 'keygen/2-deal', from: dealer.index },
        })
      }
      assert.throws(() => checkShares(kernel, dealing, 2, dealer, deal), {
        fault: { kind: 'share', round: 'keygen/2-deal', from: dealer.index },
      })
    }
  })
})
