import { deepEqual, equal } from 'node:assert/strict'
import {
  type Heard,
  HeardResults,
} from '../../../../enclave-runtime/guest/signing/heard-results.ts'

const place = (number: number): Uint8Array => new Uint8Array(32).fill(number)
const heard = (from: number, at: number, number = 1, bytes = 100): Heard => ({
  from,
  at,
  place: place(number),
  request: new Uint8Array(bytes),
  finished: new Uint8Array(70),
})

describe('results that others told of', () => {
  it('are found by their account and nonce, once', () => {
    const results = new HeardResults()
    results.put(heard(2, 10))
    results.put(heard(3, 11))
    results.put(heard(2, 12, 7))
    deepEqual(
      results.take(place(1)).map(({ at }) => at),
      [10, 11],
    )
    deepEqual(results.take(place(1)), [])
    equal(results.size, 1)
  })

  it('are two at most of one member and place, the newest', () => {
    const results = new HeardResults()
    for (let at = 0; at < 5; at++) results.put(heard(2, at))
    results.put(heard(3, 9))
    deepEqual(
      results.take(place(1)).map(({ at }) => at),
      [3, 4, 9],
    )
  })

  it('are so many bytes of one member, the oldest out, and nobody pushes out another one’s', () => {
    const results = new HeardResults()
    results.put(heard(3, 1, 200))
    for (let number = 0; number < 100; number++) results.put(heard(2, number, number, 64 * 1024))
    equal(results.size, 1 + 63)
    equal(results.take(place(200)).length, 1)
    equal(results.take(place(36)).length, 0)
    equal(results.take(place(99)).length, 1)
  })
})
