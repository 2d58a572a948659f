import { equal } from 'node:assert/strict'
import { SeenInstances } from '../../../../enclave-runtime/guest/sessions/seen-instances.ts'

describe('seen instances', () => {
  it('are refused until ten minutes after their deadline', () => {
    const seen = new SeenInstances()
    equal(seen.note('a', 10_000, 0), 'new')
    equal(seen.note('a', 10_000, 609_999), 'seen')
    equal(seen.has('a', 609_999), true)
    equal(seen.note('a', 10_000, 610_000), 'new')
    equal(seen.note('b', 10_000, 0), 'new')
  })
})
