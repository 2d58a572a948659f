import { deepEqual, equal } from 'node:assert/strict'
import type { Account } from '../../../../enclave-runtime/guest/accounts/account.ts'
import type { BackgroundJob } from '../../../../enclave-runtime/guest/background/background.ts'
import { HotKeys } from '../../../../enclave-runtime/guest/presignatures/hot-keys.ts'
import type { Purpose } from '../../../../enclave-runtime/guest/presignatures/presignature-pool.ts'
import { ProtocolError } from '../../../../protocols/session/faults.ts'
import { TestClock } from '../test-clock.ts'
import { purposeFor } from './made.ts'

const SIGNERS = [1, 2, 3]
const MINUTE_MS = 60_000

class Bench {
  readonly clock = new TestClock(0)
  readonly jobs: BackgroundJob[] = []
  /** Presignatures that exist, by the signers that they are with. */
  readonly made: string[] = []
  fails = 0
  room = true
  short = false
  readonly hot: HotKeys

  constructor(keep: number, warmMinutes = 5) {
    this.hot = new HotKeys({
      settings: { keep, warmMinutes },
      pool: {
        ready: ({ signers }: Purpose) => this.made.filter((one) => one === signers.join()).length,
        hasRoom: () => this.room,
      },
      maker: {
        cost: () => ({ bytes: 1, cpuMs: 1 }),
        isShort: () => this.short,
        make: async (_, signers) => {
          if (this.fails-- > 0)
            throw new ProtocolError({ kind: 'cancelled', round: 'session/open' })
          this.made.push(signers.join())
        },
      },
      background: {
        offer: (job) => {
          if (this.jobs.some(({ key }) => key === job.key)) return false
          this.jobs.push(job)
          return true
        },
      },
      clock: this.clock,
      me: 1,
    })
  }

  use(account = 1, signers: readonly number[] = SIGNERS): void {
    const id = new Uint8Array(16).fill(account)
    this.hot.used({ id } as unknown as Account, purposeFor(account, signers))
  }

  /** Runs what was offered, and lets so much time pass. */
  async run(ms = 1): Promise<void> {
    for (const job of this.jobs.splice(0)) await job.run(new AbortController().signal, () => {})
    this.clock.pass(ms)
  }
}

describe('keys in use', () => {
  it('have so many presignatures made as are to be kept, each in a job of its own', async () => {
    const bench = new Bench(3)
    bench.use()
    equal(bench.jobs.length, 3)
    bench.use()
    equal(bench.jobs.length, 3) // they are on their way
    await bench.run()
    deepEqual(bench.made, ['1,2,3', '1,2,3', '1,2,3'])
    await bench.run()
    equal(bench.jobs.length, 0)
    bench.made.pop()
    bench.use()
    equal(bench.jobs.length, 1)
  })

  it('have none made while correlations are short, ten times a second of waiting; the first alone is pressing', async () => {
    const bench = new Bench(2)
    bench.short = true
    bench.use()
    bench.use()
    equal(bench.jobs.length, 0)
    bench.clock.pass(3_500)
    bench.short = false
    bench.clock.pass(1_000)
    deepEqual(
      bench.jobs.map(({ urgency }) => urgency),
      [undefined, 'spare'],
    )
    const without = new Bench(1)
    without.short = true
    without.use()
    without.clock.pass(9_000)
    equal(without.jobs.length, 0)
    without.clock.pass(2_000)
    equal(without.jobs.length, 1) // whoever has no correlations gets them made in full
  })

  it('have them with the signers of their last signature', async () => {
    const bench = new Bench(1)
    bench.use(1, [1, 2, 3])
    await bench.run()
    bench.use(1, [1, 2, 4])
    await bench.run()
    deepEqual(bench.made, ['1,2,3', '1,2,4'])
  })

  it('have none made any more once they are not used', async () => {
    for (const [minutes, jobs] of [
      [4, 1],
      [6, 0],
    ] as const) {
      const bench = new Bench(1)
      bench.fails = 1
      bench.use()
      bench.clock.pass(minutes * MINUTE_MS) // the job waited for its turn
      await bench.run(10_000)
      equal(bench.jobs.length, jobs)
    }
  })

  it('rest after a failure, twice as long after each, and no more after a success', async () => {
    const bench = new Bench(1)
    bench.fails = 3
    bench.use()
    const waits: number[] = []
    while (bench.made.length === 0) {
      await bench.run(0)
      let waited = 0
      while (bench.jobs.length === 0 && bench.made.length === 0) {
        bench.clock.pass(10)
        waited += 10
      }
      waits.push(waited)
    }
    deepEqual(waits, [500, 1000, 2000, 0])
  })

  it('have none made where there is no room, nor where that is switched off', () => {
    const full = new Bench(2)
    full.room = false
    full.use()
    equal(full.jobs.length, 0)
    const off = new Bench(0)
    off.use()
    equal(off.jobs.length, 0)
  })

  it('are looked at again when a bell rang before its time', async () => {
    const bench = new Bench(1)
    bench.clock.early = 0.5
    bench.short = true
    bench.use()
    bench.short = false
    await bench.run(2_000)
    equal(bench.jobs.length, 1)
  })
})
