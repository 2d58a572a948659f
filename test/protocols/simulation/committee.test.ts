import assert from 'node:assert/strict'
import { wasmKernel } from '../../../protocols/kernel/load.ts'
import { referenceKernel } from '../../../protocols/kernel/reference/reference-kernel.ts'
import { derive } from '../../../protocols/sign/bip32.ts'
import {
  committeeOf,
  generateFor,
  presignWith,
  produceForPairs,
  type SimulatedCommittee,
  type SimulatedKey,
  setUpPairs,
  signPresigned,
  signWith,
} from '../../../protocols/simulation/committee.ts'
import type { Letter } from '../../../protocols/simulation/simulate.ts'
import { digestOf } from '../../support/run-sign.ts'
import { seeded } from '../../support/seeded.ts'

const PATH = [44, 60, 0]

for (const [name, kernelOf] of [
  ['reference', (index: number) => referenceKernel(seeded(`committee/${index}`))],
  ['wasm', (index: number) => wasmKernel(seeded(`committee/${index}`))],
] as const)
  describe(`a simulated committee with the ${name} kernel`, function () {
    this.timeout(60_000) // three setups in bigints
    const letters: Letter[] = []
    let committee: SimulatedCommittee
    let keys: SimulatedKey[]
    before(async () => {
      committee = committeeOf(3, 2, seeded('committee'), kernelOf, {
        tamper: (letter) => {
          letters.push(letter)
          return letter.bytes
        },
      })
      await setUpPairs(committee)
      keys = await generateFor(committee, 2)
    })

    it('signs in all three forms with any two of three, under either key and below it', async () => {
      await produceForPairs(committee, 2, 1)
      const [judge] = committee.guests
      assert.ok(judge)
      for (const [i, signers] of [
        [1, 2],
        [2, 3],
        [1, 3],
      ].entries()) {
        const key = keys[i % 2]
        const record = key?.held.get(1)?.keys[key.index]
        assert.ok(key && record)
        const { publicKey } = derive(record.publicKey, record.chainCode, PATH)
        const digest = digestOf(`${signers}`)
        const presignatures = await presignWith(committee, key, signers, 'correlated', PATH)
        for (const signatures of [
          await signWith(committee, key, signers, digest, 'full', PATH),
          await signWith(committee, key, signers, digest, 'correlated', PATH),
          await signPresigned(committee, presignatures, digest),
        ])
          for (const signature of signatures)
            assert.ok(judge.kernel.ecdsaVerify(publicKey, digest, signature))
        for (const me of signers)
          for (const peer of signers)
            assert.deepEqual(committee.guests[me - 1]?.correlations.of(peer), [])
      }
    })

    it('holds the setups and shares that it made, and nothing else', () => {
      for (const { kernel, pairs } of committee.guests)
        assert.equal(kernel.held, 3 * pairs.size + keys.length)
    })

    it('hears all that is said', () => {
      const rounds = new Set(letters.map(({ round }) => round.split('/')[0]))
      assert.deepEqual([...rounds].sort(), ['correlations', 'keygen', 'pair-setup', 'sign'])
    })
  })

describe('a simulated committee', () => {
  it('without setups or correlations fails as the conversation does', async () => {
    const committee = committeeOf(2, 2, seeded('bare'), (index) =>
      referenceKernel(seeded(`bare/${index}`)),
    )
    const [key] = await generateFor(committee, 1)
    assert.ok(key)
    const digest = digestOf('m')
    await assert.rejects(signWith(committee, key, [1, 2], digest, 'full'), {
      fault: { kind: 'setup-missing', round: 'sign/1-commit', from: 2 },
    })
    await assert.rejects(produceForPairs(committee, 1, 1), /bug: not set up/)
  })
})
