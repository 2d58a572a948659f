import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { Pace } from '../../../src/coordinator/pace.ts'
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

  it('makes room while what it holds ends in time, and only as far as it is used', async () => {
    const pace = new Pace(new StillClock())
    for (let i = 0; i < 50; i++) (await pace.enter(patient))('done')
    equal(pace.room, 32) // one at a time needs no more
    for (let round = 0; round < 60; round++) {
      const leaves = await Promise.all(Array.from({ length: pace.room }, () => pace.enter(patient)))
      for (const leave of leaves) leave('done')
    }
    ok(pace.room > 32)
    ok(pace.room <= 128)
  })

  it('halves the room when attempts are late, once for those that are late together', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock)
    const leaves = await Promise.all(Array.from({ length: 32 }, () => pace.enter(patient)))
    for (const leave of leaves) leave('late')
    equal(pace.room, 16)
    for (let i = 0; i < 6; i++) {
      clock.at += 1_000
      ;(await pace.enter(patient))('late')
    }
    equal(pace.room, 2) // never none
  })

  it('gives up a place in the queue with the request', async () => {
    const pace = new Pace(new StillClock())
    const leaves = await Promise.all(Array.from({ length: 32 }, () => pace.enter(patient)))
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
  it('leads a few attempts at once and answers all requests', async () => {
    const network = new FakeNetwork()
    let [running, most] = [0, 0]
    network.account = null // limits of one account are not what is tested
    network.script = async ({ signers }) => {
      running += 1
      most = Math.max(most, running)
      await turn()
      running -= 1
      return { kind: 'done', result: '0xsigned', signers }
    }
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, nonce) => network.ask(requestOf({ nonce }))),
    )
    ok(replies.every((reply) => 'result' in reply))
    ok(most <= 48, `${most} at once`)
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
