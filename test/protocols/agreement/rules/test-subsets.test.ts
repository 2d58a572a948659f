import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Pair } from '../../../../protocols/agreement/objects/items.ts'
import { testSubsets } from '../../../../protocols/agreement/rules/test-subsets.ts'
import { thresholdRange } from '../../../../protocols/agreement/rules/thresholds.ts'

const pairsOf = (members: readonly number[]): Pair[] =>
  members.flatMap((a, i) => members.slice(i + 1).map((b): Pair => [a, b]))

const holds = (subset: readonly number[], [a, b]: Pair) => subset.includes(a) && subset.includes(b)

describe('test subsets', () => {
  it('are the greedy cover, ties to the first', () => {
    assert.deepEqual(testSubsets([1, 2, 3], 2).subsets, [
      [1, 2],
      [1, 3],
      [2, 3],
    ])
    assert.deepEqual(testSubsets([1, 2, 3, 4], 3).subsets, [
      [1, 2, 3],
      [1, 2, 4],
      [1, 3, 4],
    ])
    assert.deepEqual(testSubsets([5, 2, 9, 3, 7], 3).subsets, [
      [2, 3, 5],
      [2, 7, 9],
      [3, 5, 7],
      [3, 5, 9],
    ])
  })

  it('leave banned pairs out, and name the pairs that then cannot be tested', () => {
    const banned: Pair[] = [[1, 2]]
    const { subsets, uncovered } = testSubsets([1, 2, 3, 4, 5], 3, banned)
    assert.ok(subsets.every((subset) => !holds(subset, [1, 2])))
    assert.deepEqual(uncovered, [])
    // 1 stands with 4 alone: no three of them are free of a ban with it.
    const alone: Pair[] = [
      [1, 2],
      [1, 3],
      [1, 5],
    ]
    const rest = testSubsets([1, 2, 3, 4, 5], 3, alone)
    assert.deepEqual(rest.uncovered, [[1, 4]])
    assert.ok(rest.subsets.every((subset) => !subset.includes(1)))
    assert.deepEqual(testSubsets([1, 2, 3], 3, [[1, 2]]), {
      subsets: [],
      uncovered: [
        [1, 3],
        [2, 3],
      ],
    })
  })

  it('ignore bans of those who are no members', () => {
    assert.deepEqual(testSubsets([1, 2, 3], 2, [[1, 9]]), testSubsets([1, 2, 3], 2))
  })

  it('cover every pair that some subset without a banned pair holds, whatever is banned', () => {
    const committee = fc.integer({ min: 3, max: 9 }).chain((n) =>
      fc.record({
        n: fc.constant(n),
        banned: fc.subarray(pairsOf(Array.from({ length: n }, (_, i) => i + 1)), {
          maxLength: n,
        }),
      }),
    )
    fc.assert(
      fc.property(committee, ({ n, banned }) => {
        const members = Array.from({ length: n }, (_, i) => i + 1)
        const { least: t } = thresholdRange(n)
        const { subsets, uncovered } = testSubsets(members, t, banned)
        for (const subset of subsets) {
          assert.equal(new Set(subset).size, t)
          assert.ok(banned.every((pair) => !holds(subset, pair)))
        }
        const open = pairsOf(members).filter(
          (pair) => !banned.some((b) => b.join() === pair.join()),
        )
        const missed = open.filter((pair) => !subsets.some((subset) => holds(subset, pair)))
        assert.deepEqual(missed, uncovered)
        for (const pair of uncovered) assert.equal(cliqueWith(pair, members, t, banned), false)
      }),
      { numRuns: 100 },
    )
  })
})

/** Whether some t members with this pair are free of banned pairs, by trying all. */
function cliqueWith(pair: Pair, members: readonly number[], t: number, banned: readonly Pair[]) {
  const grow = (chosen: readonly number[], rest: readonly number[]): boolean => {
    if (!banned.every((other) => !holds(chosen, other))) return false
    if (chosen.length === t) return true
    return rest.some((member, i) => grow([...chosen, member], rest.slice(i + 1)))
  }
  return grow(
    pair,
    members.filter((member) => !pair.includes(member)),
  )
}
