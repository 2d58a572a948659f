import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import {
  Background,
  type BackgroundJob,
} from '../../../../enclave-runtime/guest/background/background.ts'
import { ProtocolError } from '../../../../protocols/session/faults.ts'
import { seeded } from '../../../support/seeded.ts'
import { TestClock } from '../test-clock.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

const FREE = { bytes: 0, cpuMs: 0 }

class Bench {
  readonly clock = new TestClock(0)
  readonly defects: unknown[] = []
  readonly started: { key: string; at: number }[] = []
  readonly background: Background

  constructor(cpuPercent = 100, mbitPerSecond = 10_000, peers: readonly number[] = [2]) {
    this.background = new Background({
      settings: { cpuPercent, mbitPerSecond },
      clock: this.clock,
      random: seeded('background'),
      onError: (error) => this.defects.push(error),
    })
    this.background.meet(peers)
  }

  job(key: string, more: Partial<BackgroundJob> = {}): BackgroundJob {
    const run: BackgroundJob['run'] = async (signal, spent) => {
      this.started.push({ key, at: this.clock.monotonicMs() })
      await more.run?.(signal, spent)
    }
    return { kind: 'correlations', key, bytes: 0, cpuMs: 0, ...more, run }
  }

  async pass(ms: number, step = 5): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      this.clock.pass(step)
      await turn()
    }
  }

  get keys(): string[] {
    return this.started.map(({ key }) => key)
  }
}

describe('Background', () => {
  it('runs what it is offered, in order, one of each key at a time', async () => {
    const bench = new Bench()
    const { background } = bench
    const hold = Promise.withResolvers<void>()
    equal(background.offer(bench.job('a', { run: () => hold.promise })), true)
    equal(background.offer(bench.job('a')), false)
    equal(background.offer(bench.job('b')), true)
    await bench.pass(200)
    deepEqual(bench.keys, ['a', 'b'])
    equal(background.offer(bench.job('a')), false) // it still runs
    hold.resolve()
    await turn()
    equal(background.offer(bench.job('a')), true)
    await bench.pass(200)
    deepEqual(bench.keys, ['a', 'b', 'a'])
  })

  it('puts who comes again behind all others', async () => {
    const bench = new Bench(10)
    const again = (key: string) => (): Promise<void> => {
      setImmediate(() => bench.background.offer(bench.job(key, { cpuMs: 20, run: again(key) })))
      return Promise.resolve()
    }
    for (const key of ['a', 'b', 'c']) bench.background.offer(bench.job(key, { run: again(key) }))
    await bench.pass(5_000)
    const counts = ['a', 'b', 'c'].map((key) => bench.keys.filter((other) => other === key).length)
    ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join())
  })

  it('starts nothing while a request is live', async () => {
    const bench = new Bench()
    const over = bench.background.requestBegan()
    bench.background.offer(bench.job('a'))
    await bench.pass(200)
    deepEqual(bench.keys, [])
    equal(bench.background.busy, true)
    over()
    over() // counts once
    await bench.pass(100)
    deepEqual(bench.keys, ['a'])
    equal(bench.background.busy, false)
  })

  it('holds back a start that was due when a request comes', async () => {
    const bench = new Bench()
    bench.background.offer(bench.job('a'))
    const over = bench.background.requestBegan()
    await bench.pass(200)
    deepEqual(bench.keys, [])
    over()
    await bench.pass(100)
    deepEqual(bench.keys, ['a'])
  })

  it('starts a little even when it is never idle', async () => {
    const bench = new Bench()
    let over = bench.background.requestBegan()
    for (let i = 0; i < 40; i++) bench.background.offer(bench.job(`job ${i}`))
    for (let at = 0; at < 200; at++) {
      const next = bench.background.requestBegan() // the next comes before the last is over
      over()
      over = next
      await bench.pass(20)
    }
    ok(bench.keys.length >= 10 && bench.keys.length <= 17, `${bench.keys.length} starts in 4 s`)
  })

  it('starts what is urgent before all others, also between live requests, and what is to spare when none is live', async () => {
    const bench = new Bench()
    const over = bench.background.requestBegan()
    const urgent = { urgency: 'urgent' } as const
    bench.background.offer(bench.job('spare', { kind: 'presignatures', urgency: 'spare' }))
    for (const key of ['a', 'b', 'c', 'd']) bench.background.offer(bench.job(key, { kind: 'keys' }))
    for (const key of ['x', 'y', 'z']) bench.background.offer(bench.job(key, urgent))
    await bench.pass(200)
    deepEqual(bench.keys, ['x', 'y', 'z'])
    equal(bench.background.admit(2, FREE), undefined)
    notEqual(bench.background.admit(2, FREE, true), undefined)
    equal(bench.background.admit(2, FREE, true), undefined) // and not all at once
    await bench.pass(2_000)
    deepEqual(bench.keys.slice(3), ['a', 'b', 'c', 'd'])
    over()
    await bench.pass(100)
    equal(bench.keys.at(-1), 'spare')
  })

  it('hears that what waits has become urgent, when it is offered again', async () => {
    const bench = new Bench()
    const over = bench.background.requestBegan()
    let isUrgent = false
    const job: BackgroundJob = {
      ...bench.job('pair'),
      get urgency() {
        return isUrgent ? ('urgent' as const) : undefined
      },
    }
    bench.background.offer(job)
    await bench.pass(100)
    deepEqual(bench.keys, [])
    isUrgent = true
    equal(bench.background.offer(job), false)
    await bench.pass(100)
    deepEqual(bench.keys, ['pair'])
    over()
  })

  it('keeps what is urgent to the same shares', async () => {
    const bench = new Bench(25)
    for (let i = 0; i < 100; i++)
      bench.background.offer(bench.job(`job ${i}`, { cpuMs: 50, urgency: 'urgent' }))
    await bench.pass(10_000)
    const used = bench.keys.length * 50
    ok(used >= 2_300 && used <= 2_500 + 250 + 50, `${used} ms of 10 s`)
  })

  it('keeps to its share of the processor', async () => {
    const bench = new Bench(25)
    for (let i = 0; i < 100; i++) bench.background.offer(bench.job(`job ${i}`, { cpuMs: 50 }))
    await bench.pass(10_000)
    const used = bench.keys.length * 50
    ok(used >= 2_300 && used <= 2_500 + 250 + 50, `${used} ms of 10 s`) // a quarter, what was saved, one debt
  })

  it('keeps to its bytes per second, also with pieces larger than what it may save', async () => {
    const bench = new Bench(100, 8) // 1 MB a second
    for (let i = 0; i < 40; i++) bench.background.offer(bench.job(`job ${i}`, { bytes: 3_000_000 }))
    await bench.pass(30_000)
    ok(bench.keys.length >= 9 && bench.keys.length <= 11, `${bench.keys.length} of 3 MB in 30 s`)
  })

  it('counts what a job says that it spent in the place of what was expected', async () => {
    const less = new Bench(10)
    const unspent: BackgroundJob['run'] = async (_, spent) => spent({ cpuMs: 0 })
    for (let i = 0; i < 20; i++)
      less.background.offer(less.job(`job ${i}`, { cpuMs: 1_000, run: unspent }))
    await less.pass(2_000)
    equal(less.keys.length, 20)
    const more = new Bench(10)
    const overspent: BackgroundJob['run'] = async (_, spent) => {
      spent({ cpuMs: 150 })
      spent({ cpuMs: 150 })
    }
    for (let i = 0; i < 20; i++) more.background.offer(more.job(`job ${i}`, { run: overspent }))
    await more.pass(10_000)
    ok(more.keys.length >= 3 && more.keys.length <= 5, `${more.keys.length} of 300 ms in 10 s`)
  })

  it('pays for the part it has in the jobs of others', async () => {
    const bench = new Bench(10)
    const { background } = bench
    ok(background.admit(2, { bytes: 0, cpuMs: 300 }))
    equal(background.admit(2, { bytes: 0, cpuMs: 300 }), undefined)
    equal(background.busy, true)
    await bench.pass(2_100)
    ok(background.admit(2, { bytes: 0, cpuMs: 300 }))
    equal(background.admit(9, { bytes: 0, cpuMs: 1 }), undefined) // no guest of this committee
  })

  it('joins a little of what others make even when it is never idle', async () => {
    const bench = new Bench()
    bench.background.requestBegan()
    let joined = 0
    for (let at = 0; at < 200; at++) {
      if (bench.background.admit(2, FREE)) joined += 1
      await bench.pass(20)
    }
    ok(joined >= 14 && joined <= 16, `${joined} in 4 s`)
  })

  it('joins each of the others, also when it is never idle and one of them asks all the time', async () => {
    const bench = new Bench(100, 10_000, [2, 3, 4])
    bench.background.requestBegan()
    const joined = new Map([2, 3, 4].map((peer) => [peer, 0]))
    for (let at = 0; at < 600; at++) {
      for (const peer of at % 10 === 0 ? [2, 3, 4] : [2])
        if (bench.background.admit(peer, FREE)) joined.set(peer, (joined.get(peer) ?? 0) + 1)
      await bench.pass(20)
    }
    for (const [peer, times] of joined) ok(times >= 8, `${times} of ${peer} in 12 s`)
  })

  it('gives none of the others more than an equal part', async () => {
    const bench = new Bench(10, 10_000, [2, 3])
    let paidMs = 0
    for (let at = 0; at < 2_000; at++) {
      if (bench.background.admit(2, { bytes: 0, cpuMs: 20 })) paidMs += 20
      await bench.pass(5)
    }
    ok(paidMs >= 450 && paidMs <= 570, `${paidMs} ms of 10 s`) // half of a tenth, what was saved, one debt
    ok(bench.background.admit(3, { bytes: 0, cpuMs: 20 }))
  })

  it('gives one of the others more of what is urgent while half of what may be saved is left', async () => {
    const bench = new Bench(10, 10_000, [2, 3])
    const job = { bytes: 0, cpuMs: 20 }
    const joinedIn = async (ms: number, meanwhile = (): void => undefined): Promise<number> => {
      let joined = 0
      for (let passed = 0; passed < ms; passed += 5) {
        meanwhile()
        if (bench.background.admit(2, job, true)) joined += 1
        await bench.pass(5)
      }
      return joined
    }
    const alone = await joinedIn(10_000)
    ok(alone >= 48 && alone <= 55, `${alone} of 20 ms in 10 s`) // all of a tenth, and what was saved
    equal(bench.background.admit(2, job), undefined)
    ok(bench.background.admit(3, job))
    const beside = await joinedIn(10_000, () => bench.background.offer(bench.job('own', job)))
    ok(beside >= 22 && beside <= 28, `${beside} beside the own work`)
    ok(bench.keys.length >= 22, `${bench.keys.length} of its own`)
    await bench.pass(600)
    ok(bench.background.admit(2, job)) // no debt but that of one job is left
  })

  it('has no one wait for what was sent who sends next to nothing, but for the processor', async () => {
    const bench = new Bench(10, 20, [2, 3])
    const batch = { bytes: 16 * 58_480, cpuMs: 1 }
    const presignature = { bytes: 954, cpuMs: 2 }
    for (let at = 0; at < 3; at++) bench.background.admit(2, batch)
    equal(bench.background.admit(2, batch), undefined)
    let joined = 0
    for (let passed = 0; passed < 10_000; passed += 5) {
      if (bench.background.admit(2, presignature)) joined += 1
      await bench.pass(5)
    }
    ok(joined >= 230 && joined <= 290, `${joined} of 2 ms in 10 s, of 50 ms a second`)
  })

  it('says in how many milliseconds another may begin', async () => {
    const bench = new Bench(10, 10_000, [2, 3])
    const job = { bytes: 0, cpuMs: 100 }
    equal(bench.background.admittedIn(2, job, false), 0)
    ok(bench.background.admit(2, job))
    const wait = bench.background.admittedIn(2, job, false)
    ok(wait > 900 && wait <= 1_000, `${wait} ms`) // its part is 50 ms a second, of which 50 were saved
    await bench.pass(wait - 10)
    equal(bench.background.admit(2, job), undefined)
    await bench.pass(15)
    ok(bench.background.admit(2, job))
    ok(bench.background.admittedIn(9, job, true) >= 60_000) // no guest of this committee
  })

  for (const every of [5, 20])
    it(`does its own work while another begins, and ends at once, something every ${every} ms`, async () => {
      const batch = { bytes: 16 * 58_480, cpuMs: 32 }
      const ran = async (attacked: boolean): Promise<number> => {
        const bench = new Bench(25, 20)
        for (let passed = 0; passed < 60_000; passed += every) {
          bench.background.offer(bench.job('own', batch))
          if (attacked) bench.background.admit(2, batch)?.({ bytes: 0, cpuMs: 0 })
          await bench.pass(every)
        }
        return bench.keys.length
      }
      const [alone, together] = [await ran(false), await ran(true)]
      ok(together >= 0.9 * alone, `${together} in place of ${alone}`)
    })

  it('takes turns with others that use what they ask for', async () => {
    const batch = { bytes: 16 * 58_480, cpuMs: 32 }
    const bench = new Bench(25, 20)
    let joined = 0
    for (let passed = 0; passed < 60_000; passed += 5) {
      bench.background.offer(bench.job('own', batch))
      const ended = bench.background.admit(2, batch)
      if (ended) joined += 1
      ended?.(batch)
      await bench.pass(5)
    }
    const own = bench.keys.length
    ok(own >= 70 && joined >= 70 && Math.abs(own - joined) <= 8, `${own} own, ${joined} joined`)
  })

  it('charges who opened for what ended early, not the others', () => {
    const { background } = new Bench(10, 10_000, [2, 3])
    for (let asked = 0; asked < 100; asked++)
      background.admit(2, { bytes: 0, cpuMs: 20 })?.({ bytes: 0, cpuMs: 1 })
    equal(background.admit(2, { bytes: 0, cpuMs: 20 }), undefined)
    ok(background.admit(3, { bytes: 0, cpuMs: 20 }))
  })

  it('gives kinds their turns, and correlations the first', async () => {
    const bench = new Bench()
    bench.background.requestBegan() // some request is always live: four starts a second
    for (let i = 0; i < 400; i++)
      bench.background.offer(bench.job(`presignature ${i}`, { kind: 'presignatures' }))
    bench.background.offer(bench.job('keys', { kind: 'keys' }))
    for (const peer of [2, 3]) bench.background.offer(bench.job(`correlations ${peer}`))
    await bench.pass(2_000)
    deepEqual(bench.keys.slice(0, 6), [
      'correlations 2',
      'keys',
      'presignature 0',
      'correlations 3',
      'presignature 1',
      'presignature 2',
    ])
  })

  it('has room for a kind when another has used up its own, in the queue and running', async () => {
    const bench = new Bench()
    const run = () => new Promise<void>(() => undefined)
    const taken = Array.from({ length: 1_100 }, (_, i) =>
      bench.background.offer(bench.job(`presignature ${i}`, { kind: 'presignatures', run })),
    )
    equal(taken.filter((yes) => yes).length, 1_024)
    await bench.pass(1_000)
    equal(bench.keys.length, 4)
    equal(bench.background.offer(bench.job('correlations')), true)
    await bench.pass(100)
    equal(bench.keys.at(-1), 'correlations')
  })

  it('starts at most a few at once', async () => {
    const bench = new Bench()
    const run = () => new Promise<void>(() => undefined)
    for (let i = 0; i < 9; i++) bench.background.offer(bench.job(`job ${i}`, { run }))
    await bench.pass(2_000)
    equal(bench.keys.length, 4)
  })

  it('tells defects, not faults of parties', async () => {
    const bench = new Bench()
    const defect = new Error('a defect')
    bench.background.offer(bench.job('a', { run: () => Promise.reject(defect) }))
    const fault = new ProtocolError({ kind: 'cancelled', round: 'session/open' })
    bench.background.offer(bench.job('b', { run: () => Promise.reject(fault) }))
    await bench.pass(200)
    deepEqual(bench.defects, [defect])
    equal(bench.keys.length, 2)
  })

  it('ends what runs and starts nothing more', async () => {
    const bench = new Bench()
    let ended = false
    const run: BackgroundJob['run'] = (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended = true
          reject(signal.reason)
        })
      })
    bench.background.offer(bench.job('a', { run }))
    await bench.pass(100)
    bench.background.offer(bench.job('b'))
    bench.background.close()
    equal(bench.background.offer(bench.job('c')), false)
    equal(bench.background.busy, true)
    await bench.pass(1_000)
    equal(ended, true)
    deepEqual(bench.keys, ['a'])
    deepEqual(bench.defects, [])
    equal(bench.clock.skip(), false) // no bell is left
  })
})
