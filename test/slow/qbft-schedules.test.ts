import assert from 'node:assert/strict'
import { firstViolation } from '../protocols/agreement/qbft/search.ts'

describe('agreement in a hundred thousand random schedules', () => {
  it('holds and ends', () => {
    assert.equal(firstViolation(10_000, 100_000), null)
  })
})
