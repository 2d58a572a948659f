import { deepEqual, equal, ok } from 'node:assert/strict'
import { Gate } from '../../../src/coordinator/gate.ts'
import { OWN_ROOM, Pace } from '../../../src/coordinator/pace.ts'
import { FakeNetwork, requestOf, StillClock } from './fake-network.ts'

const SIGN = 'personal_sign'
const patient = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const gateOf = (pace: Partial<Pick<Pace, 'room' | 'soon' | 'turnMs'>> = {}) =>
  new Gate({ room: 4, soon: 10, turnMs: 400, ...pace })

/**
 * A node with one processor, of which a signature takes `workMs`; every attempt that runs has an equal part of it.
 * Requests come `perSecond`; one that is not signed within its budget was work for nothing.
 */
async function simulate(perSecond: number, seconds: number, workMs: number) {
  const clock = new StillClock()
  const pace = new Pace(clock)
  const gate = new Gate(pace)
  const BUDGET_MS = 2_000
  const [STEP_MS, REACTION_MS] = [5, 30]
  const running = new Set<{ left: number; began: number; over: (how: 'done' | 'late') => void }>()
  const told = { signed: 0, refused: 0, late: 0, waited: [] as number[] }
  let asked = 0
  const ask = async (): Promise<void> => {
    const came = clock.at
    const leave = gate.enter(SIGN)
    if (leave === undefined) {
      told.refused += 1
      return
    }
    const ended = await pace.enter(patient)
    const over = (how: 'done' | 'late'): void => {
      ended(how)
      leave()
      told[how === 'done' ? 'signed' : 'late'] += 1
      told.waited.push(clock.at - came)
    }
    running.add({ left: workMs, began: clock.at, over })
  }
  for (; clock.at < 1_000 * seconds; clock.at += STEP_MS) {
    for (; asked < (clock.at * perSecond) / 1_000; asked++) void ask()
    await turn()
    const each = STEP_MS / Math.max(1, running.size)
    for (const one of running) {
      one.left -= each
      const age = clock.at - one.began
      const isDone = one.left <= 0 && age >= REACTION_MS
      if (!isDone && age < BUDGET_MS) continue
      running.delete(one)
      one.over(isDone ? 'done' : 'late')
    }
  }
  return { ...told, asked, longest: Math.max(...told.waited) }
}

describe('Gate', () => {
  it('lets in what is led, and what gets a turn soon', () => {
    const gate = gateOf({ room: 10, soon: 40 })
    const leaves = Array.from({ length: 50 }, () => gate.enter(SIGN))
    ok(leaves.every((leave) => leave !== undefined))
    equal(gate.enter(SIGN), undefined)
    leaves[0]?.()
    leaves[0]?.() // once
    ok(gate.enter('eth_signTransaction'))
    equal(gate.enter('eth_signTypedData_v4'), undefined)
  })

  it('lets in what is no signature, whatever waits', () => {
    const gate = gateOf()
    while (gate.enter(SIGN) !== undefined);
    for (const method of ['eth_accounts', 'holdfast_createAccount', 'toString', 'unknown'])
      ok(gate.enter(method), method)
  })

  it('has room for what comes while a member that died unnoticed holds up all attempts', () => {
    const gate = gateOf({ room: OWN_ROOM.least, soon: 2, turnMs: 2_000 })
    for (let second = 0; second < 2; second++)
      for (let i = 0; i < 10; i++) ok(gate.enter(SIGN), `${i} of second ${second}`)
  })

  it('leaves half of its places to other accounts than one that asks for more than a quarter', () => {
    const gate = gateOf({ room: 10, soon: 30 })
    const greedy = Array.from({ length: 20 }, (_, mine) => gate.enter(SIGN) && gate.isFair(mine))
    deepEqual(new Set(greedy), new Set([true])) // as long as nobody else is there
    gate.enter(SIGN)
    deepEqual([gate.isFair(20), gate.isFair(10), gate.isFair(9)], [false, false, true])
  })

  it('says when there will be room, to each another time', () => {
    const gate = gateOf({ room: 4, soon: 40, turnMs: 400 })
    while (gate.enter(SIGN) !== undefined);
    deepEqual(
      [0, 0.5, 0.999].map((random) => gate.delayMs(random)),
      [4_000, 6_000, 7_996],
    )
    equal(gateOf().delayMs(0), 250)
    equal(gateOf({ room: 4, turnMs: 30_000, soon: 0 }).delayMs(0), 250)
  })

  it('keeps what a node signs a second, and how long each waits, under three times its load', async () => {
    const [few, many, most] = [
      await simulate(10, 30, 50), // half of what it can do
      await simulate(40, 30, 50), // twice
      await simulate(60, 30, 50), // three times
    ]
    deepEqual([few.refused, few.late], [0, 0])
    ok(few.longest < 200, `${few.longest} ms`)
    for (const load of [many, most]) {
      ok(load.signed >= 0.95 * 20 * 30, `${load.signed} of 600 that it can`)
      equal(load.late, 0)
      ok(load.longest < 3_000, `${load.longest} ms`)
      ok(load.refused >= load.asked - 20 * 30 - 120)
    }
  })
})

describe('a coordinator that is asked for more than it can do', () => {
  const crowded = async (asked: number) => {
    const network = new FakeNetwork()
    const held = Promise.withResolvers<void>()
    network.account = null
    network.script = async ({ signers }) => {
      await held.promise
      return { kind: 'done', result: '0xsigned', signers }
    }
    const replies = Array.from({ length: asked }, (_, nonce) => network.ask(requestOf({ nonce })))
    while (network.leads.length < OWN_ROOM.first) await turn()
    return { network, held, replies }
  }

  it('refuses what has no turn soon before its guest is asked, and says when to come again', async () => {
    const { network, held, replies } = await crowded(200)
    equal(network.checks.length, 80)
    const refused = await Promise.all(replies.slice(80))
    const delays = refused.map((reply) => {
      ok('error' in reply)
      deepEqual([reply.error.id, reply.error.retryable], ['OVERLOADED', true])
      return Number(reply.error.details?.['retryAfterMs'])
    })
    ok(delays.every((ms) => Number.isSafeInteger(ms) && ms >= 1_000 && ms <= 2_000))
    ok(new Set(delays).size > 100) // not all at once
    held.resolve()
    for (const reply of await Promise.all(replies.slice(0, 80))) ok('result' in reply)
    ok('result' in (await network.ask(requestOf({ nonce: 199 }))))
  })

  it('still joins and repeats, and tells accounts, which costs nearly nothing', async () => {
    const { network, held, replies } = await crowded(80)
    const joined = network.ask(requestOf({ nonce: 7 }))
    network.check = () => ({ kind: 'done', result: ['0xaddress'] })
    const account = network.ask(requestOf({ nonce: 90, method: 'eth_accounts' }))
    deepEqual(await account, { result: ['0xaddress'] })
    held.resolve()
    ok('result' in (await joined))
    await Promise.all(replies)
    ok('result' in (await network.ask(requestOf({ nonce: 8 }))))
  })

  it('leaves places to other accounts than the one that asks most', async () => {
    const { network, held } = await crowded(41) // half
    network.account = new Uint8Array(16).fill(1)
    const greedy = Array.from({ length: 30 }, (_, i) => network.ask(requestOf({ nonce: 100 + i })))
    while (network.checks.length < 71) await turn()
    await turn()
    network.account = new Uint8Array(16).fill(2)
    const modest = network.ask(requestOf({ nonce: 200 }))
    held.resolve()
    const replies = await Promise.all(greedy)
    equal(replies.filter((reply) => 'result' in reply).length, 20)
    ok('result' in (await modest))
  })
})
