import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  encodeHeld,
  HELD,
} from '../../../../enclave-runtime/guest/correlations/correlation-holdings.ts'
import { encodeCorrelationOpening } from '../../../../enclave-runtime/guest/correlations/correlation-opening.ts'
import { decodeNotYet } from '../../../../enclave-runtime/guest/sessions/answer-letters.ts'
import { openingName } from '../../../../enclave-runtime/guest/sessions/opening.ts'
import type { LeadReply } from '../../../../enclave-runtime/port/messages.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { FORMS, instanceId, KINDS } from '../../../../protocols/session/instance.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { Name } from '../../../../protocols/sign/messages.ts'
import { type Carried, GuestNet, NOTHING_AHEAD, type Tamper } from '../guest-net.ts'
import { TestClient } from '../test-client.ts'

const EVERYONE = [1, 2, 3]
const KEYGEN = { attempt: 0, signers: EVERYONE, budgetMs: 120_000 }
const SETTINGS = { ...NOTHING_AHEAD, correlations: { low: 3, high: 3 } }
const NAME = ROUND_NUMBERS['sign/1-name']

const CONFIRM = ROUND_NUMBERS['correlations/5-confirm']
const MULTIPLY = ROUND_NUMBERS['correlations/3-multiply']

const level = (net: GuestNet, of: PartyIndex, peer: PartyIndex): number =>
  net
    .guest(of)
    .member.status()
    .correlations.pools.find(({ party }) => party === peer)?.ready ?? 0

/** Both levels of each pair. */
const levels = (net: GuestNet): number[] =>
  EVERYONE.flatMap((a) => EVERYONE.filter((b) => b !== a).map((b) => level(net, a, b)))

const full = (net: GuestNet): boolean => levels(net).every((count) => count >= 3)

const formOf = (reply: LeadReply): string | undefined => {
  equal(reply.kind, 'done', JSON.stringify(reply))
  return reply.kind === 'done' ? reply.form : undefined
}

/** What guests 1 and 2 hold for each other, but for batches of one that were made meanwhile. */
const pairOf = (net: GuestNet): number[] =>
  [1, 2].map((of) => level(net, of, 3 - of) - net.guest(of).member.status().correlations.batches)

const isName = ({ letter }: Carried): boolean =>
  letter.type === MESSAGE_TYPES.round && letter.round === NAME

/** What lo names in an R1; nothing in that of hi. */
const idIn = ({ letter }: Carried): string => {
  const { correlationIds } = Name(2).decode(letter.body)
  return Buffer.from(correlationIds).toString('hex')
}

const other = (carried: Carried, body: Uint8Array): Carried => ({
  ...carried,
  letter: { ...carried.letter, body },
})

describe('correlations of a committee', function () {
  this.timeout(120_000)
  let net: GuestNet
  const client = new TestClient('correlations')
  /** Every correlation that was ever named here, and the sessions that named it. */
  const named = new Map<string, Set<string>>()
  const seen = (carried: Carried): readonly Carried[] => {
    const id = isName(carried) ? idIn(carried) : ''
    const session = Buffer.from(carried.letter.session).toString('hex')
    if (id !== '') named.set(id, (named.get(id) ?? new Set()).add(session))
    return [carried]
  }
  const tampered =
    (tamper: Tamper): Tamper =>
    (carried) => {
      seen(carried)
      return tamper(carried)
    }

  const lead = (request: Uint8Array, signers: readonly PartyIndex[] = [1, 2], attempt = 0) =>
    net.run(net.guest(signers[0] ?? 1).member.lead(request, { attempt, signers, budgetMs: 10_000 }))

  before(async () => {
    net = await GuestNet.ready('correlations', { n: 3, t: 2, settings: SETTINGS })
    net.tamper = seen
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN)))
    await net.until(() => full(net))
  })
  afterEach(async () => {
    net.tamper = seen
    await net.calm()
    for (const { defects } of net.guests) deepEqual(defects, [])
    await net.until(() => full(net))
  })
  after(() => {
    for (const [id, sessions] of named) equal(sessions.size, 1, `${id} was named in two sessions`)
    ok(named.size > 8, `${named.size} names`)
  })

  it('fill up to their mark on their own, at both sides of each pair alike', () => {
    deepEqual(levels(net), [3, 3, 3, 3, 3, 3])
  })

  it('serve a signature, of one at each side, and are refilled', async () => {
    equal(formOf(await lead(client.message('0x01'))), 'correlated')
    await net.calm()
    deepEqual([level(net, 1, 2), level(net, 2, 1)], [2, 2])
    equal(formOf(await lead(client.message('0x02'))), 'correlated')
    await net.until(() => full(net))
    deepEqual(levels(net), [3, 3, 3, 3, 3, 3])
  })

  it('serve two leaders at once with different ones', async () => {
    const [one, two] = [client.message('0x03'), client.message('0x04')]
    const plan = { attempt: 0, budgetMs: 10_000, signers: [1, 2] }
    const replies = await net.run(
      Promise.all([net.guest(1).member.lead(one, plan), net.guest(2).member.lead(two, plan)]),
    )
    deepEqual(replies.map(formOf), ['correlated', 'correlated'])
    await net.until(() => full(net))
  })

  it('are promised to sessions as these begin: the next ones do without at once', async () => {
    const requests = [1, 2, 3, 4, 5].map((n) => client.message(`0x030${n}`))
    const plan = { attempt: 0, budgetMs: 10_000, signers: [1, 2] }
    const replies = await net.run(
      Promise.all(requests.map((request) => net.guest(1).member.lead(request, plan))),
    )
    deepEqual(replies.map(formOf).toSorted(), [...Array(3).fill('correlated'), 'full', 'full'])
    await net.until(() => full(net))
    equal(formOf(await lead(client.message('0x0306'))), 'correlated') // nothing stays promised
  })

  it('are there for others when a session that was promised one took none', async () => {
    for (let n = 0; n < 4; n++) {
      net.tamper = tampered((carried) =>
        carried.letter.type === MESSAGE_TYPES.open ? [] : [carried],
      )
      equal((await lead(client.message(`0x031${n}`))).kind, 'failed')
    }
    net.tamper = seen
    await net.until(() => full(net))
    const replies = await net.run(
      Promise.all(
        [4, 5, 6].map((n) =>
          net.guest(1).member.lead(client.message(`0x031${n}`), {
            attempt: 0,
            budgetMs: 10_000,
            signers: [1, 2],
          }),
        ),
      ),
    )
    deepEqual(replies.map(formOf), Array(3).fill('correlated'))
  })

  it('serve each once when every letter comes twice, and late', async () => {
    const held: Carried[] = []
    net.tamper = tampered((carried) => {
      held.push(carried)
      return held.length % 2 === 0 ? held.slice(-2).toReversed() : [carried]
    })
    equal(formOf(await lead(client.message('0x05'))), 'correlated')
  })

  it('are spent at both sides when R1 is lost, and the next attempt has another', async () => {
    let lost = 0
    net.tamper = tampered((carried) => (isName(carried) && lost++ < 2 ? [] : [carried]))
    equal((await lead(client.message('0x06'))).kind, 'failed')
    net.tamper = seen
    equal(formOf(await lead(client.message('0x0601'))), 'correlated')
  })

  it('that hi does not know end the attempt, and the next one does without', async () => {
    net.tamper = tampered((carried) => {
      if (!isName(carried) || idIn(carried) === '') return [carried]
      const body = carried.letter.body.slice()
      body[body.length - 1] = (body.at(-1) ?? 0) ^ 1
      return [other(carried, body)]
    })
    const request = client.message('0x07')
    const reply = await lead(request)
    equal(reply.kind === 'failed' && reply.fault, 'corr-unknown')
    net.tamper = seen
    equal(formOf(await lead(request, [1, 2], 1)), 'full')
    const unknown = [1, 2].map((of) => net.guest(of).member.status().correlations.unknown)
    deepEqual(unknown, [1, 1])
  })

  it('named in a session that is over or never was are spent', async () => {
    const old = client.message('0x08')
    let last: Carried | undefined
    net.tamper = tampered((carried) => {
      if (isName(carried)) last = carried
      return [carried]
    })
    formOf(await lead(old))
    await net.until(() => full(net))
    // The same guests' next R1, in an envelope of the session that is over.
    net.tamper = tampered((carried) => {
      const over = last?.letter.session ?? new Uint8Array(32)
      return isName(carried)
        ? [{ ...carried, letter: { ...carried.letter, session: over } }]
        : [carried]
    })
    const before = pairOf(net)
    equal((await lead(client.message('0x09'))).kind, 'failed')
    deepEqual(
      pairOf(net),
      before.map((count) => count - 1),
    )
  })

  it('die with either side, between the name and the answer too', async () => {
    for (const victim of [1, 2]) {
      net.tamper = tampered((carried) => {
        if (isName(carried) && carried.to === victim && !net.down.has(victim)) net.kill(victim)
        return net.down.has(victim) ? [] : [carried]
      })
      const leader = victim === 1 ? 2 : 1
      const budget = { attempt: 0, signers: [1, 2], budgetMs: 2_000 }
      const reply = net.run(net.guest(leader).member.lead(client.message(`0x1${victim}`), budget))
      equal((await reply).kind, 'failed')
      net.tamper = seen
      await net.restart(victim)
      await net.calm()
      ok(EVERYONE.every((peer) => level(net, victim, peer) === 0 || full(net)))
      await net.until(() => net.isPaired() && full(net))
      equal(formOf(await lead(client.message(`0x2${victim}`))), 'correlated')
    }
  })

  it('are made once when both sides begin: those of lo', async () => {
    const guests = net.committeeOf(1).guests.filter(({ index }) => index < 3)
    const [lo, hi] = [...guests].sort((a, b) => Buffer.compare(a.id, b.id))
    if (lo === undefined || hi === undefined) throw new Error('no pair')
    const { networkId, epochId } = net.committeeOf(1)
    const nonce = new Uint8Array(32).fill(9)
    const session = instanceId({
      ...{ kind: KINDS.correlations, networkId, epochId, participants: guests },
      ...{ form: FORMS.none, attempt: 0, coordinatorNonce: nonce },
    })
    const body = encodeCorrelationOpening({ batchNo: 1, count: 1, nonce })
    const letter = { session, attempt: 0, round: 0, type: MESSAGE_TYPES.open, body }
    const answers: Carried[] = []
    let sent = false
    net.tamper = tampered((carried) => {
      if (Buffer.from(carried.letter.session).equals(session)) answers.push(carried)
      const isFirst = carried.letter.round === ROUND_NUMBERS['correlations/1-propose']
      if (isFirst && carried.from === lo.index && carried.to === hi.index && !sent) {
        sent = true
        net.inject({ from: hi.index, to: lo.index, letter })
      }
      return [carried]
    })
    const batches = net.guest(lo.index).member.status().correlations.batches
    formOf(await lead(client.message('0x30')))
    formOf(await lead(client.message('0x31')))
    await net.until(() => full(net))
    const notYet = answers.find((carried) => carried.letter.type === MESSAGE_TYPES.notYet)
    equal(decodeNotYet(notYet?.letter.body ?? new Uint8Array()).reason, 'busy')
    ok(net.guest(lo.index).member.status().correlations.batches > batches)
  })

  it('hold up no signature, in whatever round their making hangs', async () => {
    const hung = new Set<number>()
    net.tamper = tampered((carried) => {
      const { type, round } = carried.letter
      const isLate = type === MESSAGE_TYPES.round && round === MULTIPLY
      if (isLate) hung.add(carried.to)
      return isLate ? [] : [carried]
    })
    const forms = [formOf(await lead(client.message('0x40')))]
    await net.until(() => hung.size > 0)
    for (let i = 1; i < 5; i++) forms.push(formOf(await lead(client.message(`0x4${i}`))))
    deepEqual(forms.slice(0, 3), ['correlated', 'correlated', 'correlated'])
    equal(forms.at(-1), 'full') // nothing is left, and the batch still waits
    ok(hung.size > 0)
  })

  it('that hi lost, because C5 never came, are made again: it says what it holds', async () => {
    let lost = 0
    let told = 0
    net.tamper = tampered((carried) => {
      const { type, round, body } = carried.letter
      if (type === MESSAGE_TYPES.open && openingName(body) === HELD) told += 1
      const isLate = type === MESSAGE_TYPES.round && round === CONFIRM && lost === 0
      if (isLate) lost += 1
      return isLate ? [] : [carried]
    })
    equal(formOf(await lead(client.message('0x50'))), 'correlated')
    await net.until(() => lost === 1)
    await net.until(() => full(net))
    ok(told > 0)
  })

  it('stay when a letter about another start says that hi holds none', async () => {
    const guests = net.committeeOf(1).guests.filter(({ index }) => index < 3)
    const [lo, hi] = [...guests].sort((a, b) => Buffer.compare(a.id, b.id))
    if (lo === undefined || hi === undefined) throw new Error('no pair')
    const before = net.guest(lo.index).member.status().correlations.batches
    for (const body of [
      encodeHeld({ bootId: new Uint8Array(16), batches: [] }),
      new TextEncoder().encode(`correlations held`),
    ]) {
      const letter = { session: new Uint8Array(32), attempt: 0, round: 0, body }
      net.inject({ from: hi.index, to: lo.index, letter: { ...letter, type: MESSAGE_TYPES.open } })
      await net.calm()
    }
    equal(net.guest(lo.index).member.status().correlations.batches, before)
    net.clock.pass(5_000) // since what it last took to heart
    const { bootId } = net.guest(hi.index)
    const letter = { session: new Uint8Array(32), attempt: 0, round: 0 }
    const body = encodeHeld({ bootId, batches: [] })
    const from = { from: hi.index, to: lo.index }
    net.inject({ ...from, letter: { ...letter, body, type: MESSAGE_TYPES.open } })
    await net.until(
      () => full(net) && net.guest(lo.index).member.status().correlations.batches > before,
    )
  })

  it('go with the setup that they were made on', async () => {
    const before = net.guest(1).member.status().correlations.batches
    await net.restart(3)
    await net.calm()
    equal(level(net, 1, 2), 3) // another pair loses nothing
    await net.until(() => net.isPaired() && full(net))
    ok(net.guest(1).member.status().correlations.batches > before)
  })
})

describe('correlations of three signers', function () {
  this.timeout(120_000)

  it('serve a signature without one name that somebody does not know', async () => {
    const net = await GuestNet.ready('three signers', { n: 4, t: 3, settings: SETTINGS })
    const client = new TestClient('three signers')
    const plan = { attempt: 0, signers: [1, 2, 3, 4], budgetMs: 120_000 }
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), plan)))
    const all = [1, 2, 3]
    const levelsOfAll = () => all.flatMap((a) => all.map((b) => a === b || level(net, a, b) >= 3))
    await net.until(() => levelsOfAll().every(Boolean))
    const request = client.message('0x01')
    const reply = await net.run(
      net.guest(1).member.lead(request, { attempt: 0, signers: all, budgetMs: 10_000 }),
    )
    equal(formOf(reply), 'correlated')
    const unknown = all.map((of) => net.guest(of).member.status().correlations.unknown)
    deepEqual(unknown, [0, 0, 0])
  })
})
