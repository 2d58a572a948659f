import { deepEqual } from 'node:assert/strict'
import {
  narrowing,
  suspectsOf,
  type Tried,
} from '../../../../enclave-runtime/guest/root-key/suspects.ts'
import { testSubsets } from '../../../../protocols/agreement/rules/test-subsets.ts'

const everyPair = () => true

describe('suspects of failed test subsets', () => {
  it('are nobody when none failed', () => {
    deepEqual(suspectsOf([{ signers: [1, 2], passed: true }]), [])
    deepEqual(narrowing([{ signers: [1, 2], passed: true }], 2, everyPair), [])
  })

  it('come down to the one bad share, whoever has it, in every committee', () => {
    for (let n = 3; n <= 16; n++) {
      const t = Math.floor(n / 2) + 1
      const members = Array.from({ length: n }, (_, at) => at + 1)
      const { subsets } = testSubsets(members, t)
      for (const bad of members) {
        const tryOut = (signers: readonly number[]): Tried => ({
          signers,
          passed: !signers.includes(bad),
        })
        const tried = subsets.map(tryOut)
        const further = narrowing(tried, t, everyPair).map(tryOut)
        deepEqual(suspectsOf([...tried, ...further]), [bad], `${n} members, ${bad}`)
      }
    }
  })

  it('are told apart by subsets without a banned pair, or not at all', () => {
    const tried = testSubsets([1, 2, 3, 4, 5], 3).subsets.map(
      (signers): Tried => ({ signers, passed: !signers.includes(3) }),
    )
    deepEqual(suspectsOf(tried), [2, 3])
    deepEqual(narrowing(tried, 3, everyPair), [
      [1, 2, 4],
      [1, 3, 4],
    ])
    const isAllowed = (signers: readonly number[]) => !(signers.includes(3) && signers.includes(4))
    deepEqual(narrowing(tried, 3, isAllowed), [
      [1, 2, 4],
      [1, 3, 5],
    ])
    deepEqual(
      narrowing(tried, 3, () => false),
      [],
    )
  })

  it('are all members of every failed subset when each of them signed elsewhere', () => {
    const tried = [
      { signers: [1, 2, 3], passed: false },
      { signers: [2, 3, 4], passed: false },
      { signers: [1, 2, 4], passed: true },
      { signers: [1, 3, 4], passed: true },
    ]
    deepEqual(suspectsOf(tried), [2, 3])
    deepEqual(narrowing(tried, 3, everyPair), []) // what would tell them apart signed already
  })
})
