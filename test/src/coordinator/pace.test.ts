import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { decodeOutcome, encodeLeadAsk } from '../../../src/coordinator/forward.ts'
import type { Outcome } from '../../../src/coordinator/lead.ts'
import { OWN_ROOM, Pace, SERVED_ROOM } from '../../../src/coordinator/pace.ts'
import { FakeNetwork, failed, requestOf, StillClock } from './fake-network.ts'

const patient = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('Pace', () => {
  it('lets as many run as there is room, and the others in their order', async () => {
    const pace = new Pace(new StillClock())
    const leaves = await Promise.all(Array.from({ length: pace.room }, () => pace.enter(patient)))
    const order: number[] = []
    for (const number of [1, 2, 3]) void pace.enter(patient).then(() => order.push(number))
    await turn()
    deepEqual(order, [])
    leaves[0]?.('other')
    leaves[0]?.('other') // a turn ends once
    await turn()
    deepEqual(order, [1])
    leaves[1]?.('other')
    await turn()
    deepEqual(order, [1, 2])
    equal(pace.waiting, 1)
  })

  it('makes room while what it holds is quick, and only as far as it is used', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock)
    for (let i = 0; i < 50; i++) (await pace.enter(patient))('done')
    equal(pace.room, OWN_ROOM.first) // one at a time needs no more
    const round = async (tookMs: number, quickMs?: number): Promise<void> => {
      const leaves = await Promise.all(Array.from({ length: pace.room }, () => pace.enter(patient)))
      clock.at += tookMs
      for (const leave of leaves) leave('done', quickMs)
    }
    await round(300) // neither quick nor slow
    equal(pace.room, OWN_ROOM.first)
    await round(300, 600) // to members that are far away that is quick
    ok(pace.room > OWN_ROOM.first)
  })

  it('comes to as many at once as one processor signs in twice the time that is quick', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock)
    for (let times = 0; times < 400; times++) {
      const leaves = await Promise.all(Array.from({ length: pace.room }, () => pace.enter(patient)))
      const tookMs = 50 * leaves.length // each more makes all of them slower
      clock.at += tookMs
      for (const leave of leaves) leave('done')
    }
    ok(pace.room >= 4 && pace.room <= 8, `${pace.room} at once`)
    ok(Math.abs(pace.turnMs - 50 * pace.room) < 150, `${pace.turnMs} ms each`)
    equal(pace.soon, Math.floor((pace.room * 1_000) / pace.turnMs))
  })

  it('takes room back when others have too much to do', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock)
    for (let i = 0; i < 3; i++) {
      clock.at += 1_000
      const leaves = await Promise.all([pace.enter(patient), pace.enter(patient)])
      for (const leave of leaves) leave('held')
    }
    equal(pace.room, Math.floor(OWN_ROOM.first * 0.85 ** 3))
  })

  it('is no limit to a node whose attempts are quick: three rounds of them make all room there is', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock)
    for (let round = 0; round < 3; round++) {
      const entered = Array.from({ length: 200 }, () => pace.enter(patient))
      await turn()
      const held = entered.slice(0, pace.room)
      clock.at += 60
      for (const leave of await Promise.all(held)) leave('done')
      for (const enter of entered.slice(held.length)) (await enter)('other')
    }
    equal(pace.room, OWN_ROOM.most)
  })

  it('for another member yields to the own clients, and what is late there is not their matter', async () => {
    const clock = new StillClock()
    const own = new Pace(clock)
    const served = new Pace(clock, SERVED_ROOM, own)
    const held = await Promise.all(
      Array.from({ length: SERVED_ROOM.first }, () => served.enter(patient)),
    )
    let began = false
    void served.enter(patient).then(() => {
      began = true
    })
    await turn()
    equal(began, false)
    const mine = await Promise.all(Array.from({ length: own.room }, () => own.enter(patient)))
    const waits = own.enter(patient)
    equal(served.room, SERVED_ROOM.least) // while one of the own waits
    held[0]?.('late')
    await turn()
    equal(began, false)
    equal(own.room, OWN_ROOM.first)
    mine[0]?.('done')
    ;(await waits)('done')
    equal(served.room, 2) // one late attempt of its own halved it
    for (const leave of held) leave('other')
    await turn()
    equal(began, true)
  })

  it('halves the room when attempts are late, once for those that are late together', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock)
    const leaves = await Promise.all(Array.from({ length: pace.room }, () => pace.enter(patient)))
    for (const leave of leaves) leave('late')
    equal(pace.room, OWN_ROOM.first / 2)
    for (let i = 0; i < 6; i++) {
      clock.at += 1_000
      ;(await pace.enter(patient))('late')
    }
    equal(pace.room, 4) // what nobody's silence takes away
  })

  it('gives up a place in the queue with the request', async () => {
    const pace = new Pace(new StillClock())
    const leaves = await Promise.all(Array.from({ length: pace.room }, () => pace.enter(patient)))
    const gone = new AbortController()
    const waiting = pace.enter(gone.signal)
    const next = pace.enter(patient)
    gone.abort(new Error('the deadline'))
    await rejects(waiting, /the deadline/)
    leaves[0]?.('done')
    ;(await next)('done')
    await rejects(pace.enter(gone.signal), /the deadline/)
  })
})

describe('a coordinator under load', () => {
  it('leads a few attempts at once, and answers all requests that get a turn soon', async () => {
    const network = new FakeNetwork()
    let [running, most] = [0, 0]
    network.account = null // limits of one account are not what is tested
    network.script = async ({ signers }) => {
      running += 1
      most = Math.max(most, running)
      await turn()
      network.clock.at += 50 // of the one processor that all share
      running -= 1
      return { kind: 'done', result: '0xsigned', signers }
    }
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, nonce) => network.ask(requestOf({ nonce }))),
    )
    const refused = replies.filter((reply) => 'error' in reply)
    equal(refused.length, 100 - OWN_ROOM.first - 64) // a second has four turns of a quarter of it
    for (const { error } of refused) equal(error.id, 'OVERLOADED')
    ok(most <= 24, `${most} at once`)
  })

  it('begins no attempt whose turn comes when nothing can end in time any more', async () => {
    const network = new FakeNetwork()
    network.account = null
    const held = Promise.withResolvers<void>()
    network.script = async ({ signers }) => {
      await held.promise
      return { kind: 'done', result: '0xsigned', signers }
    }
    const first = Array.from({ length: OWN_ROOM.first }, (_, nonce) =>
      network.ask(requestOf({ nonce })),
    )
    while (network.leads.length < OWN_ROOM.first) await turn()
    const last = network.ask(requestOf({ nonce: OWN_ROOM.first }), 1, { deadlineMs: 20_000 })
    while (network.at(1).stats().pending <= OWN_ROOM.first) await turn()
    network.clock.at += 19_950
    held.resolve()
    await Promise.all(first)
    const reply = await last
    equal('error' in reply && reply.error.id, 'MPC_DEADLINE')
    equal(network.leads.length, OWN_ROOM.first)
  })

  it('leads fewer at once after attempts that were late', async () => {
    const network = new FakeNetwork()
    network.account = null
    let late = true
    network.script = ({ signers }) => {
      if (!late) return { kind: 'done', result: '0xsigned', signers }
      late = false
      return failed('timeout', [signers.at(-1) ?? 0])
    }
    const reply = await network.ask()
    ok('result' in reply)
  })
})

describe('a coordinator that leads for other members', () => {
  const askTo = async (
    network: FakeNetwork,
    to: number,
    from: string,
    { nonce = 0, remainingMs = 5_000 } = {},
  ): Promise<Outcome> => {
    const request = requestOf({ nonce })
    const ask = encodeLeadAsk({ request, attempt: 1, remainingMs, excluded: [] })
    for await (const frame of network.serve(to, ask ?? new Uint8Array(), from))
      return decodeOutcome(frame)
    throw new Error('no answer')
  }

  it('serves its own clients while others have it wait for those that are silent', async () => {
    const network = new FakeNetwork()
    network.account = null
    const silent = Promise.withResolvers<void>()
    network.script = async ({ attempt, signers }) => {
      if (attempt === 1) await silent.promise // only what others asked for is a second attempt
      return { kind: 'done', result: '0xsigned', signers }
    }
    const asked = ['peer-1', 'peer-3', 'peer-4', 'peer-5'].flatMap((peer, k) =>
      Array.from({ length: 16 }, (_, i) => askTo(network, 2, peer, { nonce: 1 + 16 * k + i })),
    )
    while (network.leads.length < 4 * SERVED_ROOM.first) await turn()
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, i) => network.ask(requestOf({ nonce: 100 + i }), 2)),
    )
    ok(replies.every((reply) => 'result' in reply))
    equal(network.leads.length, 4 * SERVED_ROOM.first + 60)
    silent.resolve()
    ok((await Promise.all(asked)).every(({ kind }) => kind === 'done'))
  })

  it('says at once that it has too much to do when so many wait that the next one would not soon begin', async () => {
    const network = new FakeNetwork()
    network.account = null
    const held = Promise.withResolvers<void>()
    network.script = async ({ signers }) => {
      await held.promise
      return { kind: 'done', result: '0xsigned', signers }
    }
    const own = Array.from({ length: OWN_ROOM.first + 1 }, (_, i) =>
      network.ask(requestOf({ nonce: 100 + i }), 2),
    )
    while (network.leads.length < OWN_ROOM.first) await turn()
    const asked = Array.from({ length: 12 }, (_, nonce) => askTo(network, 2, 'peer-1', { nonce }))
    const refused = (await Promise.all(asked.slice(5))).map(
      (outcome) => outcome.kind === 'failed' && outcome.fault,
    )
    deepEqual(refused, Array(7).fill('overloaded'))
    held.resolve()
    ok((await Promise.all(own)).every((reply) => 'result' in reply))
    ok((await Promise.all(asked.slice(0, 5))).every(({ kind }) => kind === 'done'))
  })

  it('does not let what was late for others lower its own room', async () => {
    const network = new FakeNetwork()
    network.account = null
    const held = Promise.withResolvers<void>()
    network.script = async ({ attempt, signers }) => {
      if (attempt === 1) return failed('overloaded', [signers.at(-1) ?? 0])
      await held.promise
      return { kind: 'done', result: '0xsigned', signers }
    }
    for (let nonce = 0; nonce < 20; nonce++) {
      network.clock.at += 1_000
      await askTo(network, 2, 'peer-1', { nonce })
    }
    network.leads.length = 0
    const own = Array.from({ length: 60 }, (_, i) => network.ask(requestOf({ nonce: 100 + i }), 2))
    while (network.leads.length < OWN_ROOM.first) await turn()
    held.resolve()
    ok((await Promise.all(own)).every((reply) => 'result' in reply))
  })

  it('remembers whom its own guest found silent, where there was time to hear them', async () => {
    for (const [remainingMs, suspended] of [
      [5_000, [3]],
      [40, []],
    ] as const) {
      const network = new FakeNetwork(3, 2)
      network.suspect.add(1) // so that 2 signs with 3
      network.script = () => failed('timeout', [3])
      for (let nonce = 0; nonce < 2; nonce++)
        await askTo(network, 2, 'peer-1', { nonce, remainingMs })
      deepEqual(network.at(2).stats().suspended, suspended)
      network.script = ({ signers }) => ({ kind: 'done', result: '0xsigned', signers })
      await askTo(network, 2, 'peer-1', { nonce: 9 })
      deepEqual(network.at(2).stats().suspended, []) // one success forgives it
    }
  })

  it('says that it has too much to do when the time it was given is over', async () => {
    const network = new FakeNetwork()
    network.script = () => new Promise(() => undefined)
    const outcome = await askTo(network, 2, 'peer-1', { remainingMs: 60 })
    equal(outcome.kind === 'failed' && outcome.fault, 'overloaded')
  })

  it('begins no further form when the time of the request is over', async () => {
    const network = new FakeNetwork()
    network.script = () => {
      network.clock.at += 40_000
      return failed('presig-unknown', [2])
    }
    const reply = await network.ask()
    ok('error' in reply && reply.error.id === 'MPC_DEADLINE')
    equal(network.leads.length, 1)
  })
})
