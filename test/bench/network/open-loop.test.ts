import { deepEqual, equal, ok } from 'node:assert/strict'
import { controlVoid, networkVoid, slowdown } from '../../../bench/network/honesty.ts'
import { type LoopClock, type Outcome, openLoop } from '../../../bench/network/open-loop.ts'
import { quantiles } from '../../../bench/network/quantiles.ts'

/** Time that passes only while someone waits; what is due rings in its order. */
class WaitingClock implements LoopClock {
  #now = 0
  #bells: { at: number; ring: () => void }[] = []
  now = (): number => this.#now
  wait = (ms: number): Promise<void> =>
    new Promise((ring) => {
      this.#bells.push({ at: this.#now + ms, ring })
    })

  async run<T>(work: Promise<T>): Promise<T> {
    let over = false
    const ended = work.finally(() => {
      over = true
    })
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (over) return ended
      this.#bells.sort((a, b) => a.at - b.at)
      const next = this.#bells.shift()
      if (next === undefined) continue
      this.#now = Math.max(this.#now, next.at)
      next.ring()
    }
  }
}

const plan = { perSecond: 100, count: 50, maxInFlight: 1000 }
const timesOf = (outcomes: readonly Outcome[]): number[] => outcomes.map(({ ms }) => ms)

describe('openLoop()', () => {
  it('lets requests leave on schedule, whether or not earlier ones returned', async () => {
    const clock = new WaitingClock()
    const left: number[] = []
    const loop = openLoop({ ...plan, count: 5 }, clock, async () => {
      left.push(clock.now())
      await clock.wait(500) // far longer than the ten milliseconds between two of them
    })
    const outcomes = await clock.run(loop)
    deepEqual(left, [0, 10, 20, 30, 40])
    deepEqual(timesOf(outcomes), [500, 500, 500, 500, 500])
  })

  it('counts from the scheduled moment: a stall is charged to all that should have left', async () => {
    const clock = new WaitingClock()
    let free = Promise.resolve()
    const loop = openLoop(plan, clock, (number) => {
      free = free.then(() => clock.wait(number === 10 ? 300 : 2)) // one at a time, and one that stalls
      return free
    })
    const times = timesOf(await clock.run(loop))
    equal(times[9], 2)
    equal(times[10], 300)
    equal(times[11], 292) // left at 110, done at 402
    ok((times[30] ?? 0) > 100, 'requests behind the stall waited, and it shows')
  })

  it('names failures, and sends no more than it may have under way', async () => {
    const clock = new WaitingClock()
    const loop = openLoop({ perSecond: 1000, count: 6, maxInFlight: 2 }, clock, async (number) => {
      await clock.wait(100)
      if (number === 1) throw Object.assign(new Error('no'), { id: 'OVERLOADED' })
    })
    const errors = (await clock.run(loop)).map(({ error }) => error)
    const many = 'TOO_MANY_IN_FLIGHT'
    deepEqual(errors, [undefined, 'OVERLOADED', many, many, many, many])
  })
})

describe('a bench of networks', () => {
  const serve = async (ms: (number: number) => number): Promise<number[]> => {
    const clock = new WaitingClock()
    return timesOf(await clock.run(openLoop(plan, clock, (number) => clock.wait(ms(number)))))
  }
  const jitter = (number: number): number => 20 + (number % 5)

  it('reports a planted slowdown of 20 %, and is void when it does not', async () => {
    const plain = await serve(jitter)
    const extra = 0.2 * quantiles(plain).p50
    const slowed = await serve((number) => jitter(number) + extra)
    ok(Math.abs(slowdown(plain, slowed) - 0.2) < 0.01)
    equal(controlVoid(plain, slowed), undefined)
    ok(controlVoid(plain, plain)?.includes('reported as 0 %'))
  })

  it('is void when others used the processors, or with a handful of samples', () => {
    const times = [10, 11, 12, 13, 14]
    const quiet = { busyS: 105, oursS: 100, wallS: 100, cores: 2 }
    equal(networkVoid(times, quiet), undefined)
    equal(
      networkVoid(times, { ...quiet, busyS: 180 }),
      'other programs used 40 % of the processors',
    )
    equal(networkVoid([], quiet), 'only 0 samples')
  })
})
