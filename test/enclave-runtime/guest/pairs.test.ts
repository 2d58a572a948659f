import { deepEqual, equal, ok } from 'node:assert/strict'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { GuestNet } from './guest-net.ts'
import { record } from './letters.ts'
import { TestClient } from './test-client.ts'

const EVERYONE = [1, 2, 3, 4, 5]
const KEYGEN = { attempt: 0, signers: EVERYONE, budgetMs: 120_000 }
const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }
const COMMIT = 0x0101 // P1

const statesOf = (net: GuestNet, party: number): string =>
  net
    .guest(party)
    .member.status()
    .pairs.map(({ state }) => state)
    .join()

describe('pair setups', function () {
  this.timeout(60_000)

  it('run at most two at a time per guest; a third sends no P1 before one ends', async () => {
    const net = await GuestNet.create('third waits')
    let most = 0
    net.tamper = (carried) => {
      for (const { member } of net.guests) {
        const running = member.status().pairs.filter(({ state }) => state === 'running').length
        most = Math.max(most, running)
      }
      return carried.letter.round === COMMIT ? [] : [carried] // no setup comes further than P1
    }
    const letters: number[] = []
    const inner = net.tamper
    net.tamper = (carried) => {
      if (carried.from === 1 && carried.letter.round === COMMIT) letters.push(carried.to)
      return inner(carried)
    }
    net.connect()
    await net.calm()
    equal(most, 2)
    ok(letters.length <= 2, `P1 to ${letters.join()}`)
    net.tamper = (carried) => [carried]
    await net.until(() => net.isPaired())
    deepEqual(
      net.guests.map(({ index }) => statesOf(net, index)),
      EVERYONE.map(() => 'ready,ready,ready,ready'),
    )
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('leave out peers that cannot be reached, and follow when they come', async () => {
    const net = await GuestNet.create('latecomer')
    net.down.add(5)
    net.connect()
    await net.until(() => net.isPaired())
    equal(statesOf(net, 1), 'ready,ready,ready,none')
    net.down.delete(5)
    net.connect()
    await net.until(() => net.isPaired())
    equal(statesOf(net, 5), 'ready,ready,ready,ready')
  })

  it('are made anew with a guest that started again, and signing goes on', async () => {
    const net = await GuestNet.ready('restart')
    const client = new TestClient('restart')
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN)))
    await net.restart(2)
    await net.until(() => net.isPaired())
    const reply = await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))
    equal(reply.kind, 'done', JSON.stringify(reply))
    await net.calm()
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('are made anew when only one side came to the end', async () => {
    const net = await GuestNet.create('half done', { n: 3, t: 2 })
    let cut = true
    net.tamper = (carried) =>
      cut && carried.letter.round === COMMIT && carried.to === 1 ? [] : [carried]
    net.connect()
    await net.calm()
    cut = false
    await net.until(() => net.isPaired())
    deepEqual(net.held(), [6, 6, 6])
  })

  it('stop for the hour beyond setupsPerHour', async () => {
    const net = await GuestNet.ready('too many', { n: 3, t: 2, setupsPerHour: 3 })
    for (let i = 0; i < 2; i++) {
      await net.restart(2)
      await net.until(() => net.isPaired())
    }
    const started = () =>
      net.guest(1).events.filter(({ code, party }) => code === 'PAIR_STARTED' && party === 2).length
    equal(started(), 3)
    await net.restart(2)
    net.clock.pass(60_000)
    await net.calm()
    equal(started(), 3)
    equal(statesOf(net, 1), 'waiting,ready')
    await net.until(() => net.isPaired()) // an hour after the first
    equal(started(), 4)
  })

  it('suspend the pair for an hour after three failures of the PPRF check', async () => {
    const net = await GuestNet.create('pprf', { n: 3, t: 2 })
    const letters = record(net)
    const original = net.dealtSetup.bind(net)
    net.dealtSetup = (me) => async (party, kernel, random, context) => {
      const setup = await original(me)(party, kernel, random, context)
      if (me !== 1 || context.theirs.index !== 2) return setup
      for (const handle of [setup.alice, setup.bob, setup.zeta]) kernel.wipe(handle)
      const { ProtocolError } = await import('../../../protocols/session/faults.ts')
      throw new ProtocolError({ kind: 'pprf', round: 'pair-setup/3-open', from: 2 })
    }
    await net.restart(1)
    net.connect()
    await net.until(() => statesOf(net, 1).includes('suspended'))
    await net.calm()
    const suspended = () => net.guest(1).events.filter(({ code }) => code === 'PAIR_SUSPENDED')
    deepEqual(suspended(), [{ code: 'PAIR_SUSPENDED', party: 2 }])
    equal(
      net.guest(1).events.filter(({ code, party }) => code === 'PAIR_FAILED' && party === 2).length,
      3,
    )
    const before = letters.length
    net.clock.pass(30 * 60_000)
    await net.calm()
    const opens = letters
      .slice(before)
      .filter(({ from, to, letter }) => from === 1 && to === 2 && letter.round === COMMIT)
    equal(opens.length, 0)
    ok(letters.some(({ letter }) => letter.type === MESSAGE_TYPES.accept))
  })
})
