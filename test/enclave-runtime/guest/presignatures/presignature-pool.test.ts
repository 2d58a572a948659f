import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  MAX_PER_KEY,
  MAX_PRESIGNATURES,
  PresignaturePool,
  type Purpose,
} from '../../../../enclave-runtime/guest/presignatures/presignature-pool.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { idOf, madeFor, purposeFor, setupOf } from './made.ts'

const ME = 1
const SIGNERS = [1, 2, 3]
const PURPOSE = purposeFor(7, SIGNERS)
const DAY_MS = 24 * 3_600_000
const SETTLED_MS = 250

class Bench {
  now = 0
  readonly wiped: number[] = []
  readonly replaced: string[] = []
  readonly setups = new Map<PartyIndex, Uint8Array>()
  readonly pool: PresignaturePool = new PresignaturePool({
    me: ME,
    members: 5,
    monotonicMs: () => this.now,
    setupId: (peer) => (this.setups.has(peer) ? this.setups.get(peer) : setupOf(peer)),
    wipe: (secret) => void this.wiped.push(Number(secret)),
    onReplaced: (owner, signers) => void this.replaced.push(`${owner} ${signers.join()}`),
  })

  put(number: number, owner: PartyIndex = ME, purpose: Purpose = PURPOSE): boolean {
    return this.pool.put(madeFor(purpose, { id: idOf(number), owner, me: ME, secret: number }))
  }

  settled(): this {
    this.now += SETTLED_MS
    return this
  }
}

describe('the pool of presignatures', () => {
  it('gives one out once, whoever asks how often', () => {
    const bench = new Bench()
    ok(bench.put(1, 2))
    const { pool } = bench
    ok(pool.name(idOf(1), 2))
    equal(pool.name(idOf(1), 2), false) // another session of the same owner
    ok(pool.isFor(idOf(1), PURPOSE))
    equal(pool.take(idOf(1))?.take(), 1)
    equal(pool.take(idOf(1)), undefined)
    equal(pool.name(idOf(1), 2), false)
    equal(bench.put(1, 2), true) // a run with the same id would be another secret; ids do not repeat
    deepEqual(bench.wiped, [])
  })

  it('is asked by name before anything is taken', () => {
    const bench = new Bench()
    bench.put(1, 2)
    equal(bench.pool.take(idOf(1)), undefined)
    ok(bench.pool.name(idOf(1), 2))
  })

  it('lets only its owner name it', () => {
    const bench = new Bench()
    bench.put(1, 2)
    equal(bench.pool.name(idOf(1), 3), false)
    equal(bench.pool.name(idOf(1), ME), false)
    ok(bench.pool.name(idOf(1), 2))
  })

  it('wipes what a session named and did not take; what nobody named it leaves', () => {
    const bench = new Bench()
    bench.put(1, 2)
    bench.put(2, 2)
    bench.pool.name(idOf(1), 2)
    bench.pool.spend(idOf(1))
    bench.pool.spend(idOf(2))
    deepEqual(bench.wiped, [1])
    equal(bench.pool.name(idOf(1), 2), false)
    ok(bench.pool.name(idOf(2), 2))
  })

  it('gives two requests at once two of them, the oldest first, and a third none', () => {
    const bench = new Bench()
    bench.put(1)
    bench.put(2)
    bench.put(3, 2) // another's
    bench.settled()
    deepEqual(
      [1, 2, 3].map(() => bench.pool.nameOwn(PURPOSE)),
      [idOf(1), idOf(2), undefined],
    )
  })

  it('names none before the others can have finished it, nor shortly before it is too old', () => {
    const bench = new Bench()
    bench.put(1)
    equal(bench.pool.nameOwn(PURPOSE), undefined)
    equal(bench.pool.signersFor(PURPOSE), null)
    equal(bench.pool.ready(PURPOSE), 1)
    bench.settled()
    deepEqual(bench.pool.signersFor(PURPOSE), SIGNERS)
    bench.now = DAY_MS - 60_000
    equal(bench.pool.nameOwn(PURPOSE), undefined)
  })

  describe('finds nothing for', () => {
    const others: [string, Partial<Purpose>][] = [
      ['another key', { keyId: new Uint8Array(32).fill(8) }],
      ['another path', { path: [44, 60, 0, 0, 1] }],
      ['a shorter path', { path: [44, 60, 0, 0] }],
      ['another derived key', { publicKey: new Uint8Array(33).fill(8) }],
      ['other signers', { signers: [1, 2, 4] }],
      ['fewer signers', { signers: [1, 2] }],
      ['another epoch', { epochId: new Uint8Array(32).fill(0xe1) }],
    ]
    for (const [name, other] of others)
      it(name, () => {
        const bench = new Bench()
        bench.put(1)
        bench.put(2, 2)
        bench.settled()
        const purpose = { ...PURPOSE, ...other }
        equal(bench.pool.nameOwn(purpose), undefined)
        ok(bench.pool.name(idOf(2), 2))
        equal(bench.pool.isFor(idOf(2), purpose), false)
      })
  })

  it('drops what is a day old', () => {
    const bench = new Bench()
    bench.put(1, 2)
    bench.now = DAY_MS
    equal(bench.pool.name(idOf(1), 2), false)
    deepEqual(bench.wiped, [1])
    deepEqual(bench.pool.counts, { own: 0, held: 0 })
  })

  it('drops all that a peer has part in, named ones too, and nothing else', () => {
    const bench = new Bench()
    bench.put(1, 2)
    bench.put(2, 3, purposeFor(7, [1, 3, 4]))
    bench.put(3)
    bench.pool.name(idOf(1), 2)
    bench.pool.dropWith(2)
    deepEqual(bench.wiped, [1, 3])
    equal(bench.pool.take(idOf(1)), undefined)
    ok(bench.pool.name(idOf(2), 3))
  })

  it('gives nothing out, and keeps nothing, that was made with another setup than the present one', () => {
    const bench = new Bench()
    bench.put(1, 2)
    ok(bench.pool.name(idOf(1), 2))
    bench.setups.set(3, new Uint8Array(32).fill(99))
    equal(bench.pool.isFor(idOf(1), PURPOSE), false)
    equal(bench.pool.take(idOf(1)), undefined)
    equal(bench.put(2, 2), false)
    deepEqual(bench.wiped, [1, 2])
  })

  const SHARE = Math.floor(MAX_PER_KEY / 5)

  it('holds of one derived key what is the share of each member, and of one opener its share of all', () => {
    const bench = new Bench()
    for (let i = 0; i < SHARE; i++) ok(bench.put(i))
    equal(bench.pool.hasRoom(ME, PURPOSE), false)
    equal(bench.put(SHARE), false)
    deepEqual(bench.wiped, [SHARE])
    for (let i = 20; i < 20 + SHARE; i++) ok(bench.put(i, 5))
    ok(bench.pool.hasRoom(2, PURPOSE)) // whatever 5 holds
    for (let i = 100; i < 100 + MAX_PRESIGNATURES; i++)
      ok(bench.put(i, 4, purposeFor(10 + (i % 40), [1, 2, 4])))
    equal(bench.pool.counts.held, 2 * SHARE + Math.floor(MAX_PRESIGNATURES / 5))
    deepEqual(new Set(bench.replaced), new Set(['4 1,2,4']))
  })

  it('gives up the oldest of another owner for its next one, but none that is named', () => {
    const bench = new Bench()
    for (let i = 0; i < SHARE; i++) ok(bench.put(i, 2))
    ok(bench.pool.name(idOf(0), 2))
    ok(bench.put(SHARE, 2))
    deepEqual([bench.wiped, bench.replaced], [[1], ['2 1,2,3']])
    for (let i = 2; i <= SHARE; i++) ok(bench.pool.name(idOf(i), 2))
    equal(bench.pool.hasRoom(2, PURPOSE), false)
    equal(bench.put(99, 2), false)
    equal(bench.pool.take(idOf(0))?.take(), 0)
  })

  it('drops what two others made who are banned from each other', () => {
    const bench = new Bench()
    bench.put(1, 2)
    bench.put(2, 2, purposeFor(8, [1, 2, 4]))
    bench.pool.dropWithBoth([2, 3])
    deepEqual(bench.wiped, [1])
    ok(bench.pool.name(idOf(2), 2))
  })

  it('counts what its own guest may name', () => {
    const bench = new Bench()
    for (const number of [1, 2, 3]) bench.put(number)
    bench.put(4, 2)
    bench.settled().pool.nameOwn(PURPOSE)
    deepEqual(bench.pool.counts, { own: 2, held: 4 })
    bench.pool.dropAll()
    deepEqual(bench.pool.counts, { own: 0, held: 0 })
    equal(bench.wiped.length, 4)
  })
})
