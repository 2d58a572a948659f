import { deepEqual, equal } from 'node:assert/strict'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import { referenceKernel } from '../../protocols/kernel/reference/reference-kernel.ts'
import { good, label, pair, signTogether } from '../conformance/kernel-flow.ts'
import { seeded } from '../support/seeded.ts'
import { fromHex } from './vector-file.ts'

const SECRETS = [
  '3B6661CC3A28C174AF9D0FDD966E9F9D9D2A96682A504E1E9165D700BDC47809',
  '3361D26EBB452DDA716E38F20405B42E3ABDC890CAEE1150AB0D019D45091DC4',
  '71FDD4E9358DB270FA0EF15F4D72A6267B012781D154D2A380ECFCA86E85BEA2',
]
const P = fromHex('02eba32793892022121314aed023df242292d313cb657f6f69016d90b6cfc92d33')

describe('migration, vector of silence-laboratories/dkls23', () => {
  for (const make of [referenceKernel, wasmKernel]) {
    it(`re-deals three additive secrets to shares that sign under the same key: ${make.name}`, function () {
      this.timeout(30_000)
      const dealer = make(seeded('dealer'))
      const deals = SECRETS.map((secret) =>
        dealer.dealBegin(2, 1, [dealer.shareIn(fromHex(secret))]),
      )
      deepEqual(dealer.sumPoints(deals.map(({ F }) => F.slice(0, 33))), P)
      const sides = pair(make(seeded('lo')), make(seeded('hi')))
      const shareOf = (i: 0 | 1) => {
        const { kernel, x } = sides[i]
        const buffers = deals.map(({ deal }) => dealer.dealShare(deal, x))
        return good(kernel.shareSum(buffers, 1)[0])
      }
      const signature = signTogether(sides, [shareOf(0), shareOf(1)], label('moved'), 'migration')
      equal(dealer.ecdsaVerify(P, label('moved'), signature), true)
    })
  }
})
