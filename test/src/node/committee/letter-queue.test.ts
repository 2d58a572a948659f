import assert from 'node:assert/strict'
import { LetterQueue, MAX_AGE_MS } from '../../../../src/node/committee/letter-queue.ts'

const letter = (number: number, length = 10) => new Uint8Array(length).fill(number)

describe('LetterQueue', () => {
  let now = 0
  let dropped: [string, number][] = []
  const create = (maxBytes = 100) =>
    new LetterQueue(
      (reason, count) => dropped.push([reason, count]),
      () => now,
      maxBytes,
    )
  beforeEach(() => {
    now = 1_000
    dropped = []
  })

  it('gives letters in their order', () => {
    const queue = create()
    for (let i = 0; i < 5; i++) queue.add(letter(i))
    assert.equal(queue.bytes, 50)
    for (let i = 0; i < 5; i++) assert.deepEqual(queue.take(), letter(i))
    assert.equal(queue.take(), undefined)
    assert.deepEqual([queue.size, queue.bytes, dropped.length], [0, 0, 0])
  })

  it('drops the oldest when there are too many, counts them, and always keeps the newest', () => {
    const queue = create()
    for (let i = 0; i < 12; i++) queue.add(letter(i))
    assert.deepEqual(queue.take(), letter(2))
    queue.add(letter(99, 500))
    assert.deepEqual(queue.take(), letter(99, 500))
    assert.equal(queue.bytes, 0)
    assert.deepEqual(dropped, [
      ['full', 1],
      ['full', 1],
      ['full', 9],
    ])
  })

  it('forgets what nobody waits for any more', () => {
    const queue = create()
    queue.add(letter(1))
    now += MAX_AGE_MS
    queue.add(letter(2))
    assert.equal(queue.size, 2)
    now += 1
    assert.deepEqual(queue.take(), letter(2))
    assert.deepEqual(dropped, [['late', 1]])
  })

  it('wakes who waits, and lets go at the signal', async () => {
    const queue = create()
    const waiting = queue.waiting(AbortSignal.timeout(5_000))
    queue.add(letter(1))
    assert.equal(await waiting, true)
    assert.equal(await queue.waiting(AbortSignal.abort()), true)
    queue.take()
    const ending = new AbortController()
    const given = queue.waiting(ending.signal)
    ending.abort()
    assert.equal(await given, false)
    assert.equal(await queue.waiting(AbortSignal.abort()), false)
  })
})
