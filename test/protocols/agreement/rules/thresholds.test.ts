import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { MAX_MEMBERS } from '../../../../protocols/agreement/objects/items.ts'
import { quorums } from '../../../../protocols/agreement/quorums.ts'
import { testSubsets } from '../../../../protocols/agreement/rules/test-subsets.ts'
import {
  MIN_MEMBERS,
  maxJoins,
  maxLeaves,
  thresholdRange,
  thresholdReason,
  tolerance,
} from '../../../../protocols/agreement/rules/thresholds.ts'

/** A row of the table of 03 §2, computed anew, in the order of its columns. */
function rowOf(n: number): string[] {
  const { least: t, most } = thresholdRange(n)
  const { f, q, L, h } = quorums(n, t)
  const { decisions, signing } = tolerance(n, t)
  const members = Array.from({ length: n }, (_, i) => i + 1)
  const { subsets, uncovered } = testSubsets(members, t)
  assert.deepEqual(uncovered, [])
  return [
    n,
    f,
    q,
    L,
    t === most ? t : `${t}-${most}`,
    decisions,
    signing,
    h,
    maxLeaves(n, t),
    2 * q - n,
    t + q - n,
    2 * t - n,
    subsets.length,
  ].map(String)
}

/** The rows of that table in the specification. */
const written: string[][] = readFileSync('docs/spec/03-committee.md', 'utf8')
  .split('\n')
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  )
  .filter((cells) => cells.length === 13 && /^\d+$/.test(cells[0] ?? ''))

describe('thresholds', () => {
  it('of every size are in the specification', () => {
    assert.deepEqual(
      written.map(([n]) => Number(n)),
      Array.from({ length: MAX_MEMBERS - MIN_MEMBERS + 1 }, (_, i) => MIN_MEMBERS + i),
    )
  })

  for (const row of written)
    it(`of ${row[0]} are those of the specification`, () => {
      assert.deepEqual(rowOf(Number(row[0])), row)
    })

  it('let two quorums share an honest member, and a reader know every decision', () => {
    for (let n = MIN_MEMBERS; n <= MAX_MEMBERS; n++)
      for (let t = thresholdRange(n).least; t <= thresholdRange(n).most; t++) {
        const { f, q, L } = quorums(n, t)
        assert.ok(2 * q - n > f)
        assert.ok(t + q - n > 0)
        assert.equal(L + q - n, f + 1)
        assert.ok(n - maxLeaves(n, t) >= t, 't dealers remain')
        assert.ok(maxLeaves(n, t) < t, 'the departed cannot rebuild a key')
        assert.ok(maxJoins(t) < t, 'newcomers cannot sign')
      }
  })

  it('are refused outside their range', () => {
    assert.match(thresholdReason(2, 2, 16) ?? '', /2 members/)
    assert.match(thresholdReason(8, 5, 7) ?? '', /8 members/)
    assert.match(thresholdReason(8, 4, 16) ?? '', /threshold 4/)
    assert.match(thresholdReason(8, 7, 16) ?? '', /threshold 7/)
    assert.equal(thresholdReason(8, 6, 16), undefined)
  })
})
