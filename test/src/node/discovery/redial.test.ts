import assert from 'node:assert/strict'
import {
  Redial,
  type RedialTarget,
  type RedialTimings,
} from '../../../../src/node/discovery/redial.ts'
import { polling, until } from '../support/test-network.ts'

const QUICK: RedialTimings = { firstMs: 20, maxMs: 80, jitter: 0.25, dialMs: 1_000, steadyMs: 50 }

class World {
  readonly failures: unknown[] = []
  readonly tries: { at: number; peer: string }[] = []
  readonly reached = new Set<string>()
  running = 0
  most = 0
  /** What a dial waits for. */
  gate: Promise<void> = Promise.resolve()
  readonly redial: Redial

  constructor(timings: RedialTimings = QUICK) {
    this.redial = new Redial(
      {
        reach: async (target) => {
          this.tries.push({ at: performance.now(), peer: nameOf(target) })
          this.most = Math.max(this.most, ++this.running)
          await this.gate
          this.running--
          throw new Error('refused')
        },
        isReached: (target) => this.reached.has(nameOf(target)),
        failed: (error) => void this.failures.push(error),
        random: () => 0.5, // no jitter
      },
      timings,
    )
  }

  count(peer: string): number {
    return this.tries.filter((one) => one.peer === peer).length
  }

  gaps(peer: string): number[] {
    const times = this.tries.filter((one) => one.peer === peer).map(({ at }) => at)
    return times.slice(1).map((at, i) => at - (times[i] ?? at))
  }
}

const nameOf = (target: RedialTarget): string => ('peer' in target ? target.peer : target.address)

describe('Redial', () => {
  let world: World
  afterEach(() => world.redial.stop())

  it('tries at once, then after doubling delays up to the longest, for ever', async () => {
    world = new World()
    world.redial.want([{ peer: 'a' }])
    world.redial.start()
    assert.equal(world.count('a'), 1)
    await until(() => world.count('a') >= 6, polling)
    assert.ok(world.failures.length >= 5, 'what threw is told')
    // A timer may be late and, by rounding, up to a millisecond early.
    const least = [20, 40, 80, 80, 80]
    world
      .gaps('a')
      .slice(0, 5)
      .forEach((gap, i) => {
        assert.ok(gap >= (least[i] ?? 0) - 1.5, `${gap} ms before try ${i + 2}`)
      })
  })

  it('dials at most four at a time', async () => {
    world = new World()
    let go = (): void => {}
    world.gate = new Promise((resolve) => {
      go = resolve
    })
    world.redial.want(Array.from({ length: 9 }, (_, i) => ({ peer: `p${i}` })))
    world.redial.start()
    assert.equal(world.tries.length, 4)
    go()
    await until(() => world.tries.length >= 9, polling)
    assert.equal(world.most, 4)
  })

  it('tries all others at once when the first link comes up', async () => {
    world = new World({ ...QUICK, firstMs: 60_000, maxMs: 60_000 })
    world.redial.want([{ peer: 'a' }, { peer: 'b' }, { address: '/x' }])
    world.redial.start()
    await until(() => world.running === 0, polling)
    world.reached.add('a')
    world.redial.reached({ peer: 'a' })
    assert.deepEqual([world.count('a'), world.count('b'), world.count('/x')], [1, 2, 2])
    await until(() => world.running === 0, polling)
    world.reached.add('b')
    world.redial.reached({ peer: 'b' })
    assert.equal(world.count('/x'), 2, 'only the first one says that the network is back')
  })

  it('leaves a reached target alone until it is lost; at once if its link was steady', async () => {
    world = new World({ ...QUICK, firstMs: 60_000, maxMs: 60_000, steadyMs: 0 })
    world.redial.want([{ peer: 'a' }])
    world.reached.add('a')
    world.redial.start()
    world.redial.reached({ peer: 'a' })
    assert.equal(world.count('a'), 0)
    world.reached.delete('a')
    world.redial.lost({ peer: 'a' })
    assert.equal(world.count('a'), 1)
  })

  it('waits before it tries a link again that lived for a moment only', async () => {
    world = new World({ ...QUICK, steadyMs: 60_000 })
    world.redial.want([{ peer: 'a' }])
    world.reached.add('a')
    world.redial.start()
    world.redial.reached({ peer: 'a' })
    world.reached.delete('a')
    world.redial.lost({ peer: 'a' })
    assert.equal(world.count('a'), 0)
    await until(() => world.count('a') === 1, polling)
  })

  it('does not try a deferred target, whatever is learnt about it', async () => {
    world = new World()
    world.redial.want([{ peer: 'a' }, { peer: 'b' }])
    world.redial.start()
    world.redial.defer({ peer: 'a' }, 60_000)
    world.redial.hint({ peer: 'a' })
    await until(() => world.count('b') >= 4, polling)
    assert.equal(world.count('a'), 1)
  })

  it('forgets targets that are wanted no more', async () => {
    world = new World()
    world.redial.want([{ peer: 'a' }, { peer: 'b' }])
    world.redial.start()
    await until(() => world.running === 0, polling)
    world.redial.want([{ peer: 'b' }])
    await until(() => world.count('b') >= 4, polling)
    assert.equal(world.count('a'), 1)
  })
})
