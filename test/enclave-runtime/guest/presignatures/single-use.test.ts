import { equal, ok } from 'node:assert/strict'
import { PresignaturePool } from '../../../../enclave-runtime/guest/presignatures/presignature-pool.ts'
import { BrokenPool, simulateTakes } from './take-simulation.ts'

const TAKES = 100_000 // a million in the slow suite

describe('presignatures in five guests that crash, race and repeat themselves', function () {
  this.timeout(120_000)

  it(`are used ${TAKES} times, none of them twice in any guest`, () => {
    const ended = simulateTakes('single use', TAKES, (init) => new PresignaturePool(init))
    equal(ended.reuses, 0)
    ok(ended.unknown > TAKES / 100, 'names were repeated')
    ok(ended.crashes > 100, 'guests crashed')
  })

  it('are found used twice when a pool forgets to remove them', () => {
    const ended = simulateTakes('broken', 10_000, (init, me) => new BrokenPool(init, me))
    ok(ended.reuses > 10)
  })
})
