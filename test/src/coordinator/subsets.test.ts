import assert from 'node:assert/strict'
import { chooseSigners, type SubsetChoice } from '../../../src/coordinator/subsets.ts'

const choice = (more: Partial<SubsetChoice>): SubsetChoice => ({
  leader: 1,
  threshold: 3,
  candidates: [5, 4, 3, 2, 1],
  rttMs: () => 10,
  banned: () => false,
  ...more,
})

describe('chooseSigners()', () => {
  it('takes the nearest, so that the slowest member is as fast as it can be', () => {
    const rtts = [0, 0, 80, 5, 90, 6]
    assert.deepEqual(chooseSigners(choice({ rttMs: (party) => rtts[party] ?? 0 })), [1, 3, 5])
  })

  it('takes the first of the rendezvous order where all are equally near', () => {
    assert.deepEqual(chooseSigners(choice({})), [1, 4, 5])
  })

  it('never takes both of a banned pair, the leader included', () => {
    const bans = ['1-5', '3-4']
    const banned = (a: number, b: number): boolean =>
      bans.includes(`${Math.min(a, b)}-${Math.max(a, b)}`)
    assert.deepEqual(chooseSigners(choice({ banned })), [1, 2, 4])
  })

  it('finds nothing where bans leave too few', () => {
    assert.equal(chooseSigners(choice({ banned: () => true })), undefined)
    assert.equal(chooseSigners(choice({ candidates: [2, 1] })), undefined)
  })

  it('takes the least doubt before the nearest, and what has not failed before both', () => {
    const rttMs = (party: number): number => party
    const doubt = (party: number): number => (party === 2 ? 1 : 0)
    assert.deepEqual(chooseSigners(choice({ rttMs, doubt })), [1, 3, 4])
    const failures = (parties: readonly number[]): number => (parties.includes(3) ? 1 : 0)
    assert.deepEqual(chooseSigners(choice({ rttMs, doubt, failures })), [1, 4, 5])
    const failedAll = (parties: readonly number[]): number => (parties.includes(5) ? 1 : 2)
    assert.deepEqual(chooseSigners(choice({ rttMs, failures: failedAll })), [1, 4, 5])
  })

  it('asks for the doubt of each together with those chosen before it', () => {
    const apart = (party: number, beside: readonly number[]): number =>
      (party === 4 && beside.includes(5)) || (party === 3 && beside.includes(5)) ? 1 : 0
    assert.deepEqual(chooseSigners(choice({ doubt: apart })), [1, 2, 5])
  })

  it('is the minimum over all subsets, as a plain search finds it', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const rtt = (party: number): number => (party * party * seed * 7919) % 97
      const banned = (a: number, b: number): boolean => ((a + 3) * (b + 3) * seed) % 11 === 0
      const candidates = [2, 3, 4, 5, 6, 7]
      const all = candidates
        .flatMap((a) => candidates.map((b) => [1, a, b] as const))
        .filter(([, a, b]) => a < b && !banned(1, a) && !banned(1, b) && !banned(a, b))
      const slowest = all.map(([, a, b]) => Math.max(rtt(a), rtt(b)))
      const found = chooseSigners(choice({ candidates, rttMs: rtt, banned }))
      if (found === undefined) assert.equal(all.length, 0)
      else assert.equal(Math.max(...found.slice(1).map(rtt)), Math.min(...slowest))
    }
  })

  it('decides for the largest committee without delay', () => {
    const candidates = Array.from({ length: 16 }, (_, i) => i + 1)
    const started = process.hrtime.bigint()
    assert.equal(
      chooseSigners(choice({ candidates, threshold: 9, rttMs: (p) => 100 - p }))?.length,
      9,
    )
    assert.ok(process.hrtime.bigint() - started < 1_000_000_000n)
  })
})
