import { deepEqual } from 'node:assert/strict'
import { ShortOfLo } from '../../../../enclave-runtime/guest/correlations/short-of-lo.ts'
import { TestClock } from '../test-clock.ts'

describe('hi, short of correlations', () => {
  const bench = () => {
    const clock = new TestClock(0)
    const told: number[] = []
    const state = { short: true }
    const watch = new ShortOfLo({
      clock,
      isShort: () => state.short,
      tell: () => told.push(clock.monotonicMs()),
    })
    return { clock, told, state, watch }
  }

  it('says what it holds when nothing comes, ever more seldom, at least once a minute', () => {
    const { clock, told, watch } = bench()
    watch.look(2)
    watch.look(2) // once is enough
    clock.pass(200_000)
    deepEqual(told, [5_000, 15_000, 35_000, 75_000, 135_000, 195_000])
  })

  it('says nothing when a batch comes in time, and begins afresh after', () => {
    const { clock, told, state, watch } = bench()
    watch.look(2)
    clock.pass(12_000)
    deepEqual(told, [5_000])
    state.short = false
    clock.pass(60_000)
    deepEqual(told, [5_000])
    state.short = true
    watch.look(2)
    clock.pass(6_000)
    deepEqual(told, [5_000, 77_000])
  })

  it('says nothing at the end', () => {
    const { clock, told, watch } = bench()
    watch.look(2)
    watch.close()
    watch.look(2)
    clock.pass(60_000)
    deepEqual(told, [])
  })
})
