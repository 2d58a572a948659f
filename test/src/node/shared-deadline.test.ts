import { equal, notEqual, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { sharedDeadline } from '../../../src/node/shared-deadline.ts'

describe('sharedDeadline()', () => {
  it('gives one signal for a second, then another', () => {
    let now = 5
    const deadline = sharedDeadline(60_000, () => now)
    const first = deadline()
    equal(first.aborted, false)
    now += 999
    equal(deadline(), first)
    now += 1
    const second = deadline()
    notEqual(second, first)
    equal(second.aborted, false)
  })

  it('aborts not before its time, and at most a second later', async () => {
    const from = performance.now()
    const signal = sharedDeadline(50)()
    const alive = setTimeout(() => {}, 5_000) // the timer of a signal keeps nothing running
    await once(signal, 'abort')
    clearTimeout(alive)
    const took = performance.now() - from
    ok(took >= 50 && took < 3_000, `${took} ms`)
  })
})
