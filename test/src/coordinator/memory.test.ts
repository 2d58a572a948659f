import assert from 'node:assert/strict'
import { Blame } from '../../../src/coordinator/blame.ts'
import { ANSWER_KEPT_MS, Answers } from '../../../src/coordinator/idempotency.ts'
import { Pending } from '../../../src/coordinator/pending.ts'

describe('Blame', () => {
  it('suspends for 30 s, then twice as long each time, up to 10 min', () => {
    const blame = new Blame()
    let now = 0
    for (const seconds of [30, 60, 120, 240, 480, 600, 600]) {
      blame.timeout(2, now)
      assert.ok(blame.avoided(2, now + seconds * 1000 - 1))
      assert.ok(!blame.avoided(2, now + seconds * 1000))
      now += seconds * 1000
    }
  })

  it('forgives all timeouts after one success', () => {
    const blame = new Blame()
    blame.timeout(2, 0)
    blame.timeout(2, 0)
    blame.success([2])
    assert.ok(!blame.avoided(2, 1))
    blame.timeout(2, 0)
    assert.ok(!blame.avoided(2, 30_000))
  })

  it('suspends for one-sided silence once two reports have no one else in common', () => {
    const blame = new Blame()
    blame.unheard(3, [4], 0)
    blame.unheard(3, [4], 1)
    assert.ok(!blame.avoided(3, 2), 'member 4 may be the silent one')
    blame.unheard(3, [2], 2)
    assert.ok(blame.avoided(3, 3))
    assert.ok(!blame.avoided(4, 3))

    const forgiving = new Blame()
    forgiving.unheard(3, [4], 0)
    forgiving.success([3])
    forgiving.unheard(3, [2], 1)
    assert.ok(!forgiving.avoided(3, 2))
    forgiving.unheard(3, [5], 600_002)
    assert.ok(!forgiving.avoided(3, 600_003), 'the report before it is too old')
  })

  it('doubts those of failed sessions until they succeed, for ten minutes', () => {
    const blame = new Blame()
    blame.doubt([2, 3], 0)
    blame.doubt([3], 1)
    assert.deepEqual([blame.doubts(2, 2), blame.doubts(3, 2), blame.doubts(4, 2)], [1, 2, 0])
    blame.success([2])
    assert.equal(blame.doubts(2, 2), 0)
    assert.equal(blame.doubts(3, 600_001), 0)
  })

  it('avoids a member after five strikes within an hour, not after four', () => {
    const blame = new Blame()
    for (let i = 0; i < 4; i++) blame.strike(3, i)
    assert.ok(!blame.avoided(3, 10))
    blame.strike(3, 4)
    assert.ok(blame.avoided(3, 10))
    assert.ok(!blame.avoided(3, 3_600_000 + 2))
  })

  it('suspects who was in every failing subset, once there are two', () => {
    const blame = new Blame()
    blame.failing([1, 2, 3], 0)
    assert.deepEqual(blame.suspects(1), [])
    blame.failing([1, 3, 4], 1)
    assert.deepEqual(blame.suspects(2), [1, 3])
    blame.failing([2, 3, 5], 2)
    assert.deepEqual(blame.suspects(3), [3])
    assert.deepEqual(blame.suspects(3_600_001), [])
  })
})

describe('Answers', () => {
  it('keeps an answer until 24 h after the expiry, not longer', () => {
    const answers = new Answers()
    answers.keep('r', 'b', { result: 'x' }, { now: 0, expires: 1_000 })
    assert.equal(answers.ofRequest('r', 1_000 + ANSWER_KEPT_MS - 1)?.result, 'x')
    assert.deepEqual(answers.ofBytes('b', 5), { result: 'x' })
    assert.equal(answers.ofRequest('r', 1_000 + ANSWER_KEPT_MS), undefined)
    assert.equal(answers.ofBytes('b', 5), undefined)
  })

  it('forgets the oldest beyond 10,000 answers', () => {
    const answers = new Answers()
    for (let i = 0; i <= 10_000; i++)
      answers.keep(`r${i}`, `b${i}`, { result: i }, { now: 0, expires: 1 })
    assert.equal(answers.size, 10_000)
    assert.equal(answers.ofRequest('r0', 1), undefined)
    assert.equal(answers.ofBytes('b0', 1), undefined)
    assert.equal(answers.ofRequest('r1', 1)?.result, 1)
  })

  it('forgets the oldest beyond 64 MiB of answers', () => {
    const answers = new Answers()
    const long = 'x'.repeat(1_048_576)
    for (let i = 0; i < 70; i++)
      answers.keep(`r${i}`, `b${i}`, { result: long }, { now: 0, expires: 1 })
    assert.equal(answers.size, 63)
  })
})

describe('Pending', () => {
  it('has 100 places for an account and as many as it is told for the node', () => {
    const pending = new Pending({ perNode: 3, perAccount: 2 })
    const leave = pending.enter('a')
    assert.ok(leave !== undefined && pending.enter('a') !== undefined)
    assert.equal(pending.enter('a'), undefined)
    assert.ok(pending.enter('b') !== undefined)
    assert.equal(pending.enter('c'), undefined)
    leave()
    leave()
    assert.equal(pending.size, 2)
    assert.ok(pending.enter('a') !== undefined)
  })
})
