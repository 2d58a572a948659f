import { deepEqual, equal } from 'node:assert/strict'
import { Strikes } from '../../../enclave-runtime/guest/strikes.ts'

describe('strikes', () => {
  it('make a party avoided after five in an hour, and are forgotten after it', () => {
    const told: (number | undefined)[] = []
    const strikes = new Strikes((_, party, number) => told.push(party, number))
    for (let i = 0; i < 4; i++) strikes.add(2, i)
    equal(strikes.avoided(2, 10), false)
    strikes.add(2, 10)
    equal(strikes.avoided(2, 10), true)
    equal(strikes.avoided(3, 10), false)
    equal(strikes.avoided(2, 3_600_001), false)
    deepEqual(told.slice(-2), [2, 5])
  })
})
