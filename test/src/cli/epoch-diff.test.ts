import assert from 'node:assert/strict'
import { joinHash } from '../../../protocols/agreement/objects/join.ts'
import { baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import { epochDiff, numbersOf } from '../../../src/cli/epoch-diff.ts'
import { showDiff } from '../../../src/cli/show-diff.ts'
import {
  exampleFirst,
  exampleJoin,
  exampleProposal,
} from '../../protocols/agreement/example-epochs.ts'

const plain = {
  bold: String,
  dim: String,
  green: String,
  red: String,
  cyan: String,
}

const base = (n: number, t: number) => baseOfRecord(exampleFirst(n, t).record)

describe('epochDiff()', () => {
  it('has the numbers of the table of thresholds', () => {
    assert.deepEqual(numbersOf(5, 3), {
      n: 5,
      t: 3,
      q: 4,
      L: 3,
      downDeciding: 1,
      downSigning: 2,
      upForKey: 4,
    })
    assert.deepEqual(numbersOf(7, 4), {
      n: 7,
      t: 4,
      q: 5,
      L: 5,
      downDeciding: 2,
      downSigning: 2,
      upForKey: 6,
    })
  })

  it('shows who comes, who goes and why, and what may fail afterwards', () => {
    const five = base(5, 3)
    const join = exampleJoin(five, 7)
    const { object } = exampleProposal(five, {
      kind: 1,
      joins: [joinHash(join)],
      leaves: [
        { index: 4, reason: 1 },
        { index: 5, reason: 2 },
      ],
    })
    const diff = epochDiff(five, object, [join])
    assert.deepEqual(
      diff.added.map(({ index, label }) => [index, label]),
      [[6, 'node 7']],
    )
    assert.deepEqual(
      diff.removed.map(({ index, what }) => [index, what]),
      [
        [4, 'is removed'],
        [5, 'is removed for a fault: its keys never come back'],
      ],
    )
    assert.equal(diff.needsOperator, true)
    assert.equal(diff.e, 1)
    // Four members with threshold three: one may be missing, and a new key needs them all.
    assert.deepEqual([diff.to.n, diff.to.t, diff.to.upForKey], [4, 3, 4])
    const said = diff.consequences.join('\n')
    assert.match(said, /signing goes on with 1 missing \(before: 2\)/)
    assert.match(said, /epochs and log entries go on with 1 missing, as before/)
    assert.match(said, /a new account needs 4 of 4 members up, as before/)
    assert.match(said, /only 3 of the 4 that decide stay/)
  })

  it('warns of three members, which survive no lie', () => {
    const four = base(4, 3)
    const { object } = exampleProposal(four, {
      kind: 1,
      t: 2,
      leaves: [{ index: 4, reason: 1 }],
    })
    assert.match(epochDiff(four, object, []).consequences.join('\n'), /no lie/)
  })

  it('names the rule that a proposal breaks, and then promises nothing', () => {
    const three = base(3, 2)
    const { object } = exampleProposal(three, { kind: 1, leaves: [{ index: 3, reason: 1 }] })
    const diff = epochDiff(three, object, [])
    assert.match(diff.broken ?? '', /^R4: 2 members/)
    assert.deepEqual(diff.consequences, [])
    assert.match(showDiff(diff, plain).join('\n'), /not allowed: R4/)
  })

  it('tells pairs that could never sign together, unless the proposal sets them up anew', () => {
    const three = base(3, 2)
    const refresh = exampleProposal(three).object
    assert.match(epochDiff(three, refresh, [], [[1, 2]]).consequences.join('\n'), /as before/)
    const four = base(4, 3)
    const all: [number, number][] = [
      [1, 2],
      [3, 4],
    ]
    const without = epochDiff(four, exampleProposal(four).object, [], all)
    assert.match(without.consequences.join('\n'), /members 1 and 3 can never sign together/)
    const unban = exampleProposal(four, { kind: 2, unban: all }).object
    assert.doesNotMatch(epochDiff(four, unban, [], all).consequences.join('\n'), /never sign/)
  })

  it('shows an update and other parameters', () => {
    const five = base(5, 3)
    const join = exampleJoin(five, 2, { label: 'moved' })
    const params = { ...five.params, refreshS: 3600 }
    const { object } = exampleProposal(five, { kind: 1, joins: [joinHash(join)], params })
    const diff = epochDiff(five, object, [join])
    assert.deepEqual(diff.added, [])
    assert.deepEqual(
      diff.updated.map(({ index, what }) => [index, what]),
      [[2, 'label "node 2" → "moved"']],
    )
    assert.deepEqual(diff.params, [{ name: 'refreshS', from: '604800', to: '3600' }])
  })

  it('is of the joins that the proposal names, and of no others', () => {
    const five = base(5, 3)
    const { object } = exampleProposal(five, { kind: 1, joins: [joinHash(exampleJoin(five, 7))] })
    assert.throws(() => epochDiff(five, object, [exampleJoin(five, 8)]), RangeError)
  })
})
