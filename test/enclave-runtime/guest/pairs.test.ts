import { deepEqual, equal, ok } from 'node:assert/strict'
import { PairOpening } from '../../../enclave-runtime/guest/pairs/pair-letters.ts'
import { Commit } from '../../../protocols/pair-setup/messages.ts'
import { FORMS, instanceId, KINDS } from '../../../protocols/session/instance.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
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

  it('stay when lo makes a second one while a signature runs on the first', async () => {
    const net = await GuestNet.ready('renewed in flight', { n: 3, t: 2 })
    const client = new TestClient('renewed in flight')
    const { hi, lo } = pairOf(net)
    const plan = { ...SIGN, signers: [hi, lo].sort() }
    client.adopt(await net.run(net.guest(hi).member.lead(client.create(), KEYGEN_OF_3)))
    await net.calm()
    // The signature waits for lo's R1b; meanwhile lo, who forgot its own half, opens another setup.
    const letters = record(net, (carried) =>
      carried.from === lo && carried.letter.round === EXTEND ? [] : [carried],
    )
    const running = net.guest(hi).member.lead(client.message('0x01'), plan)
    await net.calm()
    const ready = () => events(net, hi, 'PAIR_READY', lo)
    const before = ready()
    const attempt = 77
    const nonce = new Uint8Array(32).fill(7)
    const session = instanceOf(net, hi, lo, attempt, nonce)
    const body = PairOpening.encode({ kind: 'open', attempt, nonce })
    const open = { session, attempt, round: 0, type: MESSAGE_TYPES.open, body }
    net.inject({ from: lo, to: hi, letter: open })
    // What lo says in it, as its guest would.
    const hello = { nonce: new Uint8Array(32), A: new Uint8Array(33).fill(2) }
    const p1 = Commit.encode({ ...hello, commitment: new Uint8Array(32).fill(attempt) })
    const round = { ...open, round: COMMIT, type: MESSAGE_TYPES.round, body: p1 }
    net.inject({ from: lo, to: hi, letter: round })
    const reply = await net.run(running)
    await net.calm()
    equal(reply.kind === 'failed' && reply.fault, 'cancelled', JSON.stringify(reply))
    // One new setup, and nothing that wiped it: the old session's end renews nothing.
    equal(ready(), before + 1)
    equal(stateOf(net, hi, lo), 'ready')
    equal(net.held()[hi - 1], 6)
    // To lo it is the setup that changed.
    const aborts = letters.filter(
      ({ from, to, letter }) => from === hi && to === lo && letter.type === MESSAGE_TYPES.abort,
    )
    deepEqual(
      aborts.map(({ letter }) => [...letter.body]),
      [[10, 0, 0]],
    )
  })

  it('are made anew when the prefixes of a session that began with them differ', async () => {
    const net = await GuestNet.ready('other prefix', { n: 3, t: 2 })
    const client = new TestClient('other prefix')
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN_OF_3)))
    await net.calm()
    const plan = { ...SIGN, signers: [1, 2] }
    net.tamper = ({ from, to, letter }) => {
      if (from !== 2 || to !== 1 || letter.round !== ROUND_NUMBERS['sign/1-commit'])
        return [{ from, to, letter }]
      const body = letter.body.slice()
      body[64] = (body[64] ?? 0) ^ 1
      return [{ from, to, letter: { ...letter, body } }]
    }
    const before = events(net, 1, 'PAIR_READY', 2)
    const reply = await net.run(net.guest(1).member.lead(client.message('0x01'), plan))
    equal(reply.kind === 'failed' && reply.fault, 'generation')
    net.tamper = (carried) => [carried]
    await net.until(() => net.isPaired())
    equal(events(net, 1, 'PAIR_READY', 2), before + 1)
    equal((await net.run(net.guest(1).member.lead(client.message('0x02'), plan))).kind, 'done')
    await net.calm()
    deepEqual(net.held(), [6, 6, 6])
  })

  it('are not used beyond their age, and are made anew', async () => {
    const ageMs = 3_600_000
    const setupLimits = { ageMs, executions: 100 }
    const net = await GuestNet.ready('age', { n: 3, t: 2, setupLimits })
    const made = () => net.guests.map(({ index }) => events(net, index, 'PAIR_READY')).join()
    equal(made(), '2,2,2')
    net.clock.pass(ageMs)
    equal(statesOf(net, 1), 'ready,ready')
    await net.calm()
    equal(made(), '2,2,2')
    net.clock.pass(1)
    for (const { index } of net.guests) ok(!statesOf(net, index).includes('ready'))
    await net.until(() => net.isPaired())
    equal(made(), '4,4,4')
    deepEqual(net.held(), [6, 6, 6])
  })

  it('are not used more often than they may be, and are made anew', async () => {
    const setupLimits = { ageMs: 1e9, executions: 2 }
    const net = await GuestNet.ready('uses', { n: 3, t: 2, setupLimits })
    const client = new TestClient('uses')
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN_OF_3)))
    await net.calm()
    const plan = { ...SIGN, signers: [1, 2] }
    const sign = (text: string) =>
      net.run(net.guest(1).member.lead(client.message(text), plan)).then(({ kind }) => kind)
    deepEqual([await sign('0x01'), await sign('0x02')], ['done', 'done'])
    await net.calm()
    deepEqual([events(net, 1, 'PAIR_READY', 2), events(net, 1, 'PAIR_READY', 3)], [1, 1])
    equal(await sign('0x03'), 'failed')
    await net.until(() => net.isPaired())
    equal(await sign('0x04'), 'done')
    deepEqual(
      [events(net, 1, 'PAIR_READY', 2), events(net, 1, 'PAIR_READY', 3)],
      [2, 1], // the other setup is as good as new
    )
    await net.calm()
    deepEqual(net.held(), [6, 6, 6])
  })

  it('with two peers that are silent keep nobody else waiting: lo', async () => {
    const net = await GuestNet.create('silent hi')
    const [lo = 0, first = 0, second = 0, ...others] = inOrderOfIds(net)
    // These two take every letter of lo's and answer none; they are the first in line.
    const silent = [first, second, ...others].sort().slice(0, 2)
    const talkative = [first, second, ...others].filter((party) => !silent.includes(party))
    net.tamper = (carried) => (silent.includes(carried.from) && carried.to === lo ? [] : [carried])
    net.connect()
    await net.until(() => talkative.every((party) => stateOf(net, lo, party) === 'ready'))
    ok(net.clock.monotonicMs() <= 5_000, `${net.clock.monotonicMs()} ms`)
    for (const party of silent) equal(stateOf(net, lo, party), 'running')
    // Their accept, late, still leads to a setup.
    net.tamper = (carried) => [carried]
    await net.until(() => net.isPaired())
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('with two peers that are silent keep nobody else waiting: hi', async () => {
    const net = await GuestNet.create('silent lo')
    const hi = inOrderOfIds(net).at(-1) ?? 0
    const others = net.guests.map(({ index }) => index).filter((index) => index !== hi)
    const silent = others.slice(0, 2)
    // They open, are accepted, and never say P1.
    net.tamper = (carried) =>
      silent.includes(carried.from) && carried.to === hi && carried.letter.round === COMMIT
        ? []
        : [carried]
    net.connect()
    await net.until(() => others.slice(2).every((party) => stateOf(net, hi, party) === 'ready'))
    ok(net.clock.monotonicMs() <= 30_000, `${net.clock.monotonicMs()} ms`)
  })
})

const KEYGEN_OF_3 = { attempt: 0, signers: [1, 2, 3], budgetMs: 120_000 }
const EXTEND = ROUND_NUMBERS['sign/1b-extend']

const inOrderOfIds = (net: GuestNet): number[] =>
  net.guests
    .map(({ index }) => net.committeeOf(index).me)
    .sort((a, b) => Buffer.compare(a.id, b.id))
    .map(({ index }) => index)

const pairOf = (net: GuestNet): { lo: number; hi: number } => {
  const [lo = 0, hi = 0] = inOrderOfIds(net)
  return { lo, hi }
}

const stateOf = (net: GuestNet, party: number, peer: number): string | undefined =>
  net
    .guest(party)
    .member.status()
    .pairs.find((pair) => pair.party === peer)?.state

const events = (net: GuestNet, at: number, code: string, party?: number): number =>
  net
    .guest(at)
    .events.filter((event) => event.code === code && (party === undefined || event.party === party))
    .length

function instanceOf(
  net: GuestNet,
  a: number,
  b: number,
  attempt: number,
  coordinatorNonce: Uint8Array,
): Uint8Array {
  const { networkId, epochId, me } = net.committeeOf(a)
  const participants = [me, net.committeeOf(b).me]
  const [kind, form] = [KINDS.pairSetup, FORMS.none]
  return instanceId({ kind, networkId, epochId, participants, form, attempt, coordinatorNonce })
}
