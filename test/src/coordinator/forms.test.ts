import { deepEqual, equal, ok } from 'node:assert/strict'
import type { SignatureForm } from '../../../enclave-runtime/host/guest.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
import { Name } from '../../../protocols/sign/messages.ts'
import { createCoordinator } from '../../../src/coordinator/coordinate.ts'
import { NOTHING_AHEAD } from '../../enclave-runtime/guest/guest-net.ts'
import { WarmNet } from '../../enclave-runtime/guest/presignatures/warm-net.ts'
import { FakeNetwork, failed, requestOf, StillClock } from './fake-network.ts'

const PREFERRED = [1, 4, 5]

/** A network whose guests own a presignature with these signers. */
function owning(signers: readonly number[]): FakeNetwork {
  const network = new FakeNetwork()
  network.check = () => ({
    kind: 'sign',
    reqId: new Uint8Array(32).fill(1),
    accountId: network.account,
    signers,
  })
  return network
}

describe('the signers of a presignature', () => {
  it('are asked first', async () => {
    const network = owning(PREFERRED)
    await network.ask()
    deepEqual(network.leads[0]?.plan.signers, PREFERRED)
  })

  const REASONS: [string, (network: FakeNetwork) => unknown][] = [
    ['is not linked', (network) => network.down.add(4)],
    ['fell silent', (network) => network.suspect.add(4)],
    ['has no pair setup', (network) => network.unpaired.add(4)],
    ['is banned with another', (network) => network.bans.push([4, 5])],
  ]
  for (const [reason, spoil] of REASONS)
    it(`are not, when one of them ${reason}`, async () => {
      const network = owning(PREFERRED)
      spoil(network)
      const reply = await network.ask()
      ok('result' in reply)
      for (const { plan } of network.leads)
        ok(!(plan.signers.includes(4) && plan.signers.includes(5)))
    })

  it('are not, when they are no signer set with this node in it', async () => {
    for (const signers of [
      [1, 2],
      [2, 3, 4],
      [1, 2, 3, 4],
    ]) {
      const network = owning(signers)
      ok('result' in (await network.ask()))
      equal(network.leads[0]?.plan.signers.length, 3)
      ok(network.leads[0]?.plan.signers.includes(1))
    }
  })

  it('are asked once: the next attempt chooses anew', async () => {
    const network = owning(PREFERRED)
    const first = [failed('timeout', [5])]
    network.script = (plan) =>
      first.shift() ?? { kind: 'done', result: '0x', signers: plan.signers }
    ok('result' in (await network.ask()))
    const mine = network.leads.filter(({ leader }) => leader === 1)
    ok(mine.slice(1).every(({ plan }) => plan.signers.join() !== PREFERRED.join()))
  })
})

describe('what a peer does not know', () => {
  it('is no failure: the same leader goes on at once, with the next form', async () => {
    const network = owning(PREFERRED)
    const faults = [failed('presig-unknown', []), failed('corr-unknown', [])]
    network.script = (plan) =>
      faults.shift() ?? { kind: 'done', result: '0x', signers: plan.signers }
    ok('result' in (await network.ask()))
    deepEqual(
      network.leads.map(({ leader }) => leader),
      [1, 1, 1],
    )
    equal(network.clock.at, 0) // nobody waited
    deepEqual(network.at(1).stats().suspended, [])
    ok(!network.logged.includes('attempt failed'))
  })

  it('is a failure when a guest says it for every form', async () => {
    const network = owning(PREFERRED)
    network.script = () => failed('corr-unknown', [])
    const reply = await network.ask()
    ok('error' in reply)
    ok(network.leads.length < 60)
  })
})

describe('the budget of an attempt', () => {
  it('is one for each form, and none is longer than what remains', async () => {
    const network = new FakeNetwork()
    network.rtt.set(2, 10)
    await network.ask()
    const [lead] = network.leads
    deepEqual(
      [lead?.plan.budgetMs, lead?.plan.budgets],
      [4_000, { correlated: 3_000, presigned: 2_000 }],
    )
    const slow = new FakeNetwork()
    for (const { index } of slow.members) slow.rtt.set(index, 400)
    await slow.ask()
    deepEqual(slow.leads[0]?.plan.budgets, { correlated: 8_200, presigned: 3_300 })
    const late = new FakeNetwork()
    await late.ask(requestOf(), 1, { deadlineMs: 500 })
    deepEqual(late.leads[0]?.plan.budgets, { correlated: 500, presigned: 500 })
  })
})

describe('a request through a coordinator and real guests', function () {
  this.timeout(60_000)
  const settings = {
    ...NOTHING_AHEAD,
    correlations: { low: 3, high: 3 },
    presignatures: { keep: 1, warmMinutes: 5 },
  }
  const signal = new AbortController().signal
  const R2: ReadonlySet<number | undefined> = new Set([
    ROUND_NUMBERS['sign/2-multiply'],
    ROUND_NUMBERS['sign/2-open'],
  ])

  function coordinatorOf(warm: WarmNet, forms: SignatureForm[], logged: string[]) {
    const { member } = warm.net.guest(1)
    return createCoordinator({
      guest: {
        check: (request, _, offer) => member.check(request, offer),
        lead: (request, plan) => member.lead(request, plan),
        status: async () => member.status(),
      },
      links: { state: () => ({ up: true, suspect: false, rttMs: 1 }) },
      rpc: {
        serve: () => undefined,
        call: () => {
          throw new Error('UNREACHABLE')
        },
      },
      committee: {
        threshold: 2,
        me: 1,
        members: warm.net.guests.map(({ index }) => ({
          index,
          guestSig: warm.net.committeeOf(index).me.id,
          peerId: `peer-${index}`,
          label: `node ${index}`,
        })),
      },
      now: () => warm.net.clock.unixMs(),
      log: {
        info: () => undefined,
        warn: (fields, message) => void logged.push(`${message} ${fields['fault']}`),
      },
      clock: new StillClock(),
      onSigned: (form) => forms.push(form),
    })
  }

  it('takes the best form there is, and the next one when a peer does not know what it names', async () => {
    const warm = await WarmNet.create('every form', 1, { n: 2, t: 2, settings })
    const { net } = warm
    const forms: SignatureForm[] = []
    const logged: string[] = []
    const coordinator = coordinatorOf(warm, forms, logged)
    const ask = async (): Promise<void> => {
      net.clock.pass(1_000)
      const handled = coordinator.handle(warm.request(), { signal, origin: 'test' })
      const reply = await net.run(handled)
      ok('result' in reply, JSON.stringify(reply))
      await net.calm()
    }
    const correlations = (): number =>
      net.guest(1).member.status().correlations.pools[0]?.ready ?? 0

    await net.until(() => correlations() >= 3)
    await ask()
    await net.until(() => warm.own(1) >= 1 && correlations() >= 3)
    await ask()
    deepEqual(forms, ['correlated', 'presigned'])

    // Guest 2 misses the end of the next making, and then every name of a correlation.
    warm.tamper = (carried) => (R2.has(carried.letter.round) && carried.to === 2 ? [] : [carried])
    await net.until(() => warm.own(1) >= 1)
    net.clock.pass(40_000)
    await net.calm()
    equal(warm.held(2), 0)
    warm.tamper = (carried) => {
      const { letter } = carried
      if (letter.type !== MESSAGE_TYPES.round || letter.round !== ROUND_NUMBERS['sign/1-name'])
        return [carried]
      if (Name(2).decode(letter.body).correlationIds.length === 0) return [carried] // hi names nothing
      const last = letter.body.length - 1
      const body = letter.body.with(last, (letter.body[last] ?? 0) ^ 1)
      return [{ ...carried, letter: { ...letter, body } }]
    }
    await net.until(() => correlations() >= 3)
    warm.letters = []
    await ask()
    deepEqual(forms, ['correlated', 'presigned', 'full'])
    deepEqual(logged, [])
    const openings = warm.letters.filter(
      ({ from, letter }) => from === 1 && letter.type === MESSAGE_TYPES.open,
    )
    ok(openings.length >= 3, 'all three forms were tried')
    for (const { defects, member, events } of net.guests) {
      deepEqual(defects, [])
      deepEqual(member.status().bans, [])
      ok(!events.some(({ code }) => code === 'STRIKE'))
    }
  })
})
