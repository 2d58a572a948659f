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
  /** Presignatures that exist, by account and signers. */
  readonly made: string[] = []
  /** Accounts of every session, failed ones included. */
  readonly sessions: number[][] = []
  fails = 0
  /** Sessions that a follower puts off. */
  puts = 0
  /** An account that some signer does not know. */
  unknown = 0
  room = 64
  ownShare = 256
  most = 16
  short = false
  readonly hot: HotKeys

  constructor(keep: number, warmMinutes = 5) {
    this.hot = new HotKeys({
      settings: { keep, warmMinutes },
      pool: {
        ready: (purpose: Purpose) => this.made.filter((one) => one === nameOf(purpose)).length,
        roomForOwn: () => this.room,
        ownShare: this.ownShare,
      },
      maker: {
        cost: (_, count) => ({ bytes: count, cpuMs: 1 }),
        most: (_, wanted) => Math.min(this.most, wanted),
        isShort: () => this.short,
        make: async (accounts, signers) => {
          const numbers = accounts.map(({ id }) => id[0] ?? 0)
          this.sessions.push(numbers)
          if (this.fails-- > 0 || numbers.includes(this.unknown))
            throw new ProtocolError({ kind: 'cancelled', round: 'session/open' })
          if (this.puts-- > 0) return 300
          for (const number of numbers) this.made.push(nameOf(purposeFor(number, signers)))
          return 0
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
    })
  }

  use(account = 1, signers: readonly number[] = SIGNERS): void {
    const id = new Uint8Array(16).fill(account)
    this.hot.used({ id } as unknown as Account, purposeFor(account, signers))
  }

  /** So long a line waits for more keys when one of them has nothing. */
  gather(): void {
    this.clock.pass(500)
  }

  create(account: number): void {
    const id = new Uint8Array(16).fill(account)
    this.hot.created({ id } as unknown as Account, purposeFor(account, SIGNERS))
  }

  /** Runs what was offered, and lets so much time pass. */
  async run(ms = 1): Promise<void> {
    for (const job of this.jobs.splice(0)) await job.run(new AbortController().signal, () => {})
    this.clock.pass(ms)
  }

  /** One was used up. */
  spend(account: number, signers: readonly number[] = SIGNERS): void {
    this.made.splice(this.made.indexOf(nameOf(purposeFor(account, signers))), 1)
    this.use(account, signers)
  }

  of(account: number): number {
    return this.made.filter((one) => one.startsWith(`${account}/`)).length
  }
}

const nameOf = ({ keyId, signers }: Purpose): string => `${keyId[0]}/${signers.join()}`

describe('keys in use', () => {
  it('have so many presignatures made as are to be kept, in one session', async () => {
    const bench = new Bench(3)
    bench.use()
    bench.gather()
    equal(bench.jobs.length, 1)
    bench.use()
    equal(bench.jobs.length, 1) // they are on their way
    await bench.run()
    deepEqual(bench.sessions, [[1, 1, 1]])
    await bench.run(MINUTE_MS)
    equal(bench.jobs.length, 0)
    bench.spend(1)
    await bench.run(MINUTE_MS)
    await bench.run()
    deepEqual(bench.sessions, [[1, 1, 1], [1]])
  })

  it('with the same signers are served together, each its first one before any has its second', async () => {
    const bench = new Bench(2)
    for (const account of [1, 2, 3]) bench.use(account)
    bench.use(4, [1, 2, 4])
    bench.gather()
    bench.most = 4
    equal(bench.jobs.length, 2)
    await bench.run()
    deepEqual(bench.sessions, [
      [1, 2, 3, 1],
      [4, 4],
    ])
    await bench.run(4_000)
    await bench.run()
    deepEqual(bench.sessions[2]?.toSorted(), [2, 3])
  })

  it('wait four seconds for others, and not so long when they have nothing', async () => {
    const bench = new Bench(2)
    for (const account of [1, 2]) bench.use(account)
    bench.gather()
    await bench.run(MINUTE_MS)
    bench.spend(1)
    bench.clock.pass(3_600)
    bench.spend(2)
    equal(bench.jobs.length, 0)
    bench.clock.pass(400)
    equal(bench.jobs.length, 1)
    await bench.run(MINUTE_MS)
    deepEqual(bench.sessions.at(-1), [1, 2])
    bench.spend(1)
    bench.spend(1)
    equal(bench.jobs.length, 0)
    bench.gather()
    equal(bench.jobs.length, 1)
  })

  it('wait for nobody once there are as many as one session makes', () => {
    const bench = new Bench(2)
    for (let account = 1; account <= 8; account++) bench.use(account)
    equal(bench.jobs.length, 1)
  })

  it('have fewer each where there is no room for all', async () => {
    const bench = new Bench(4)
    for (let account = 1; account <= 120; account++) bench.use(account)
    for (let turns = 0; turns < 60; turns++) await bench.run(1_100)
    equal(bench.of(1), 2)
    equal(bench.of(120), 2)
    equal(bench.made.length, 240)
  })

  it('have none made while correlations are short, ten times a second of waiting', async () => {
    const bench = new Bench(2)
    bench.short = true
    bench.use()
    bench.use()
    equal(bench.jobs.length, 0)
    bench.clock.pass(3_500)
    bench.short = false
    bench.clock.pass(1_000)
    equal(bench.jobs.length, 1)
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
    bench.gather()
    bench.use(1, [1, 2, 4]) // the job of the first signers finds that nobody wants it
    bench.gather()
    await bench.run()
    deepEqual(bench.made, ['1/1,2,4'])
    bench.use(1, [1, 2, 3])
    bench.gather()
    await bench.run()
    deepEqual(bench.made, ['1/1,2,4', '1/1,2,3'])
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
    bench.gather()
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

  it('come again together when a follower says from when on it takes part', async () => {
    const bench = new Bench(1)
    bench.puts = 2
    for (const account of [1, 2]) bench.use(account)
    bench.gather()
    await bench.run(299)
    equal(bench.jobs.length, 0)
    await bench.run(1)
    for (let turns = 0; turns < 3; turns++) await bench.run(300)
    deepEqual(bench.sessions, [
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    equal(bench.made.length, 2)
  })

  it('have one as soon as their account is made, of which nobody is in a hurry', async () => {
    const bench = new Bench(3)
    for (const account of [1, 2]) bench.create(account)
    equal(bench.jobs.length, 0)
    bench.clock.pass(4_000)
    equal(bench.jobs[0]?.urgency, undefined)
    await bench.run(MINUTE_MS)
    deepEqual(bench.sessions, [[1, 2]])
    bench.spend(1)
    bench.create(1) // it is known already
    bench.gather()
    await bench.run(MINUTE_MS)
    deepEqual([bench.of(1), bench.of(2)], [3, 1])
  })

  it('are pressing while one of them has nothing', async () => {
    const bench = new Bench(2)
    bench.use(1)
    bench.gather()
    equal(bench.jobs[0]?.urgency, 'urgent')
    await bench.run(MINUTE_MS)
    bench.spend(1)
    bench.clock.pass(4_000)
    equal(bench.jobs[0]?.urgency, undefined)
  })

  it('are tried alone after a failure, so that one that some signer does not know holds up nobody else', async () => {
    const bench = new Bench(1)
    bench.unknown = 2
    for (const account of [1, 2, 3]) bench.use(account)
    bench.gather()
    for (let turns = 0; turns < 20; turns++) await bench.run(1_000)
    deepEqual(bench.sessions.slice(0, 4), [[1, 2, 3], [1], [2], [3]])
    deepEqual(
      [1, 2, 3].map((account) => bench.of(account)),
      [1, 0, 1],
    )
    bench.unknown = 0
    await bench.run(2 * MINUTE_MS)
    await bench.run()
    equal(bench.of(2), 1)
  })

  it('have none made where there is no room, nor where that is switched off', () => {
    const full = new Bench(2)
    full.room = 0
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
