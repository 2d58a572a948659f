import assert from 'node:assert/strict'
import { firstViolation } from './search.ts'

describe('agreement in random schedules', () => {
  it('holds and ends, with up to f dishonest members, crashes at any write or send, loss, delay and duplicates', () => {
    assert.equal(firstViolation(1, 2_000), null)
  }).timeout(60_000)
})
