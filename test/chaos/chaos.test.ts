import assert from 'node:assert/strict'
import { agreed, erased, finalChecks, once } from '../../scripts/chaos/checks.ts'
import { type Asked, longestSilence } from '../../scripts/chaos/load.ts'
import type { ChaosClock } from '../../scripts/chaos/play.ts'
import { chaosLines, runChaos } from '../../scripts/chaos/run.ts'
import { isTrouble, picked, schedule } from '../../scripts/chaos/schedule.ts'
import { ModelWorld } from './model-world.ts'

const { signal } = new AbortController()
const SIZE = { least: 4, most: 7 }
const accounts = [1, 2].map((n) => ({
  accountId: `account ${n}`,
  address: `0x${n}`,
}))

/** Time that passes when somebody waits, as soon as everything else is done. */
class VirtualClock implements ChaosClock {
  #now = 0
  #waiting: { readonly at: number; readonly wake: () => void }[] = []
  now(): number {
    return this.#now
  }
  wait(ms: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const at = this.#now + ms
      const mine = { at, wake: resolve }
      this.#waiting.push(mine)
      stop.addEventListener('abort', () => {
        this.#waiting = this.#waiting.filter((other) => other !== mine)
        reject(stop.reason)
      })
      setImmediate(() => this.#next())
    })
  }
  #next(): void {
    const [first] = this.#waiting.toSorted((a, b) => a.at - b.at)
    if (first === undefined) return
    this.#waiting = this.#waiting.filter((other) => other !== first)
    this.#now = Math.max(this.#now, first.at)
    first.wake()
  }
}

describe('schedule()', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(schedule(7, 5, 5, SIZE), schedule(7, 5, 5, SIZE))
    assert.notDeepEqual(schedule(7, 5, 5, SIZE), schedule(8, 5, 5, SIZE))
  })

  it('has every kind of change and of trouble, in order, within its time', () => {
    const steps = schedule(1, 30, 5, SIZE)
    assert.deepEqual([...new Set(steps.map((step) => step.do))].toSorted(), [
      'disk-full',
      'freeze',
      'join',
      'kill',
      'leave',
      'partition',
      'refresh',
    ])
    const times = steps.map(({ atMs }) => atMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    assert.ok((times.at(-1) ?? 0) < 30 * 60_000 - 20_000)
  })

  it('keeps the committee between its sizes', () => {
    for (let seed = 1; seed <= 50; seed++) {
      let members = 5
      for (const step of schedule(seed, 10, 5, SIZE)) {
        if (step.do === 'join') members++
        if (step.do === 'leave') members--
        assert.ok(members >= SIZE.least && members <= SIZE.most)
      }
    }
  })

  it('picks a member for each number from 0 to 1', () => {
    assert.deepEqual(
      [0, 0.49, 0.5, 1].map((pick) => picked(['a', 'b'], pick)),
      ['a', 'a', 'b', 'b'],
    )
    assert.equal(picked([], 0.5), undefined)
  })
})

describe('runChaos()', () => {
  const run = (seed: number, world: ModelWorld) =>
    runChaos(
      { seed, minutes: 3, perSecond: 2, accounts },
      world,
      new VirtualClock(),
      () => {},
      signal,
    )

  it('plays a schedule with one trouble at a time, ends all of it, and finds nothing wrong', async () => {
    for (const seed of [1, 2, 3]) {
      const world = new ModelWorld(5, 3, accounts)
      const report = await run(seed, world)
      assert.equal(world.mostInTrouble, 1)
      const steps = schedule(seed, 3, 5, SIZE)
      assert.equal(report.play.played.length + report.play.missed, steps.length)
      assert.ok(report.play.played.some(({ what }) => what.startsWith('kill')))
      assert.deepEqual(
        report.play.played.filter(({ failed }) => failed !== undefined),
        [],
      )
      assert.ok(report.asked.length > 300)
      const { good, lines } = chaosLines(report)
      assert.ok(good, lines.join('\n'))
    }
  })

  it('does the same for the same seed', async () => {
    const worlds = [new ModelWorld(5, 3, accounts), new ModelWorld(5, 3, accounts)]
    for (const world of worlds) await run(4, world)
    assert.deepEqual(worlds[0]?.done, worlds[1]?.done)
  })

  it('goes on after a change that fails, and says so', async () => {
    const world = new ModelWorld(5, 3, accounts)
    world.refresh = async () => {
      throw new Error('aborted twice')
    }
    const report = await run(1, world)
    assert.match(chaosLines(report).lines.join('\n'), /refresh: aborted twice/)
  })
})

describe('the final checks', () => {
  const problems = async (world: ModelWorld, asked: readonly Asked[] = []): Promise<string> => {
    const checks = await finalChecks(world, accounts, asked, signal)
    return checks.flatMap((check) => check.problems).join('\n')
  }

  it('notice a share that does not sign', async () => {
    const world = new ModelWorld(5, 3, accounts)
    const { sign } = world
    world.sign = async (account, text, within, nodes) => {
      if (nodes?.includes(4) === true) throw new Error('SIGNATURE_INVALID')
      return sign.call(world, account, text, within, nodes)
    }
    assert.match(await problems(world), /members [\d,]*4.* do not sign for 0x1: SIGNATURE_INVALID/)
    assert.ok(
      world.nodes.every(({ health }) => health === 'up'),
      'all are awake again',
    )
  })

  it('notice a key that changed', async () => {
    const world = new ModelWorld(5, 3, accounts)
    world.addressOf = async () => '0x9'
    assert.match(await problems(world), /0x1 has become 0x9/)
  })

  it('notice members in two epochs, a chain that does not follow, and nobody at all', () => {
    const view = { node: 1, e: 3, recordHash: 'a', isVerified: true, receipts: [] }
    assert.deepEqual(agreed([view, { ...view, node: 2 }]), [])
    assert.match(agreed([view, { ...view, node: 2, recordHash: 'b' }]).join(), /2 epochs/)
    assert.match(agreed([{ ...view, isVerified: false }]).join(), /node 1 shows does not follow/)
    assert.match(agreed([]).join(), /no member/)
  })

  it('notice shares of an old epoch that could still rebuild a key', () => {
    const view = { node: 1, e: 3, recordHash: 'a', isVerified: true }
    const receipts = (have: number) => [{ ...view, receipts: [{ e: 2, have, of: 5 }] }]
    assert.deepEqual(erased(receipts(3), 3), [])
    assert.match(erased(receipts(2), 3).join(), /epoch 2: 2 of 5 .* 3 may still rebuild/)
    assert.deepEqual(erased([...receipts(2), ...receipts(4)], 3), [], 'the best informed counts')
  })

  it('notice a request that was answered twice, or answered and failed', () => {
    const asked = { text: 'a', address: '0x1', dueMs: 0, ms: 1 }
    assert.deepEqual(
      once([
        { ...asked, answers: ['x'] },
        { ...asked, answers: [], error: 'E' },
      ]),
      [],
    )
    assert.equal(once([{ ...asked, answers: ['x', 'x'] }]).length, 1)
    assert.equal(once([{ ...asked, answers: ['x'], error: 'E' }]).length, 1)
  })

  it('measure the longest silence between answers', () => {
    const at = (dueMs: number, ms: number, answers = ['x']): Asked => ({
      text: '',
      address: '',
      dueMs,
      ms,
      answers,
    })
    assert.equal(longestSilence([at(0, 100), at(500, 100), at(1000, 2000), at(1500, 10, [])]), 2400)
  })
})

describe('trouble', () => {
  it('is told from change', () => {
    assert.equal(isTrouble({ do: 'refresh' }), false)
    assert.equal(isTrouble({ do: 'kill', pick: 0, forMs: 1 }), true)
  })
})
