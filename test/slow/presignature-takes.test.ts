import { equal, ok } from 'node:assert/strict'
import { PresignaturePool } from '../../enclave-runtime/guest/presignatures/presignature-pool.ts'
import { simulateTakes } from '../enclave-runtime/guest/presignatures/take-simulation.ts'

const TAKES = 1_000_000

describe('presignatures, simulated at length', () => {
  it(`are used ${TAKES} times, none of them twice in any guest`, () => {
    const ended = simulateTakes('at length', TAKES, (init) => new PresignaturePool(init))
    equal(ended.reuses, 0)
    ok(ended.unknown > TAKES / 100, 'names were repeated')
    ok(ended.crashes > 1_000, 'guests crashed')
  })
})
