import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import type { LeadReply } from '../../../enclave-runtime/port/messages.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
import { type Carried, GuestNet, type Tamper } from './guest-net.ts'
import { record } from './letters.ts'
import { TestClient } from './test-client.ts'

const KEYGEN = { attempt: 0, signers: [1, 2, 3, 4, 5], budgetMs: 60_000 }
const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }
const SIGN_LETTERS = 20 // two opens and eighteen of rounds in an honest run of three

/** Only letters of signatures, so that pair setups stay as they are. */
const ofSigning = ({ letter }: Carried): boolean =>
  letter.round >> 8 === 8 ||
  letter.type === MESSAGE_TYPES.open ||
  letter.type === MESSAGE_TYPES.abort

describe('hosts that do what they like with letters', function () {
  this.timeout(120_000)
  let net: GuestNet
  let counter = 0
  const client = new TestClient('hostile')

  before(async () => {
    net = await GuestNet.ready('hostile')
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN)))
    await net.calm()
  })

  afterEach(async () => {
    net.tamper = (carried) => [carried]
    await net.calm()
    net.clock.pass(15_000)
    await net.calm()
    deepEqual(net.held(), [12, 12, 12, 12, 12])
    deepEqual(
      net.guests.flatMap(({ defects }) => defects),
      [],
    )
    for (const { member } of net.guests) deepEqual(member.status().bans, [])
  })

  const attempt = async (tamper: Tamper): Promise<LeadReply> => {
    net.tamper = tamper
    const iat = Math.floor(net.clock.unixMs() / 1000)
    const request = client.message(`0x${(counter++).toString(16).padStart(8, '0')}`, {
      iat,
      exp: iat + 300,
    })
    return net.run(net.guest(1).member.lead(request, SIGN))
  }

  it('change nothing by sending everything twice', async () => {
    equal((await attempt((carried) => [carried, carried])).kind, 'done')
  })

  it('change nothing by another order', async () => {
    let kept: Carried | undefined
    const reply = await attempt((carried) => {
      if (!ofSigning(carried)) return [carried]
      const out = kept === undefined ? [] : [carried, kept]
      kept = kept === undefined ? carried : undefined
      return out
    })
    ok(reply.kind === 'done' || (reply.kind === 'failed' && reply.fault === 'timeout'))
  })

  for (let at = 0; at < SIGN_LETTERS; at += 3)
    it(`gain a timeout at most by losing letter ${at}`, async () => {
      let seen = 0
      const reply = await attempt((carried) =>
        ofSigning(carried) && seen++ === at ? [] : [carried],
      )
      if (reply.kind === 'done') return // it was an answer that the leader did not need
      equal(reply.kind === 'failed' && ['timeout', 'cancelled'].includes(reply.fault), true)
    })

  it('gain nothing by a letter that goes to another guest, or comes back', async () => {
    const astray: Tamper = (carried) =>
      ofSigning(carried)
        ? [carried, { ...carried, to: 4 }, { ...carried, to: carried.from, from: carried.to }]
        : [carried]
    const reply = await attempt(astray)
    ok(reply.kind === 'done' || reply.kind === 'failed', JSON.stringify(reply))
  })

  it('gain nothing by letters of an older session', async () => {
    const old = record(net)
    const { tamper } = net
    equal((await attempt(tamper)).kind, 'done')
    const again = old.filter(({ letter }) => letter.round >> 8 === 8)
    let once = true
    const reply = await attempt((carried) => {
      const more = once ? again : []
      once = false
      return [carried, ...more]
    })
    equal(reply.kind, 'done')
  })

  it('gain a fault and nothing else by any mixture', async () => {
    const choice = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 30, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(choice, async (choices) => {
        let seen = 0
        const reply = await attempt((carried) => {
          if (!ofSigning(carried)) return [carried]
          const kind = choices[seen++ % choices.length]
          if (kind === 0 && seen % 4 === 0) return []
          return kind === 1 ? [carried, carried] : [carried]
        })
        ok(reply.kind === 'done' || reply.kind === 'failed')
        await net.calm()
      }),
      { numRuns: 8, seed: 1 },
    )
  })

  it('make a fault of a letter that differs from the first copy', async () => {
    const reply = await attempt((carried) => {
      const { from, to, letter } = carried
      if (from !== 2 || to !== 1 || letter.round !== ROUND_NUMBERS['sign/1-commit'])
        return [carried]
      const body = letter.body.slice()
      body[0] = (body[0] ?? 0) ^ 1
      return [carried, { from, to, letter: { ...letter, body } }]
    })
    deepEqual(reply.kind === 'failed' && [reply.fault, reply.parties], ['equivocation', [2]])
    equal(net.guest(1).events.filter(({ code }) => code === 'STRIKE').length > 0, true)
  })
})

describe('attempts', function () {
  this.timeout(60_000)

  async function committee(seed: string) {
    const net = await GuestNet.ready(seed)
    const client = new TestClient(seed)
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN)))
    await net.calm()
    return { net, client }
  }

  it('that fail are told to every participant, who waits no longer', async () => {
    const { net, client } = await committee('abort')
    const start = net.clock.monotonicMs()
    net.tamper = (carried) => {
      const { from, to, letter } = carried
      if (from !== 2 || to !== 1 || letter.round !== ROUND_NUMBERS['sign/1-commit'])
        return [carried]
      return [{ from, to, letter: { ...letter, body: letter.body.slice(1) } }]
    }
    const reply = await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))
    await net.calm()
    deepEqual(reply.kind === 'failed' && [reply.fault, reply.parties], ['malformed', [2]])
    equal(net.clock.monotonicMs(), start) // nobody waited for a deadline
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('end at once when the host loses a participant', async () => {
    const { net, client } = await committee('lost link')
    net.tamper = (carried) => (carried.from === 3 ? [] : [carried])
    const running = net.guest(1).member.lead(client.message('0x01'), SIGN)
    await net.calm()
    const start = net.clock.monotonicMs()
    net.guest(1).member.links([2, 4, 5])
    const reply = await net.run(running)
    deepEqual(reply.kind === 'failed' && [reply.fault, reply.parties], ['timeout', [3]])
    equal(net.clock.monotonicMs(), start)
  })

  it('name whom the deadline found silent', async () => {
    const { net, client } = await committee('silent')
    net.tamper = (carried) => (carried.from === 3 ? [] : [carried])
    const reply = await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))
    deepEqual(reply.kind === 'failed' && [reply.fault, reply.parties], ['timeout', [3]])
    equal(
      (
        await net.run(
          net
            .guest(1)
            .member.lead(client.message('0x01'), { ...SIGN, attempt: 1, signers: [1, 2, 4] }),
        )
      ).kind,
      'done',
    )
  })

  it('of one request: the lower one wins, and the request is signed once', async () => {
    const { net, client } = await committee('two attempts')
    const request = client.message('0x01')
    const replies = await net.run(
      Promise.all([
        net.guest(4).member.lead(request, { attempt: 1, signers: [2, 3, 4], budgetMs: 10_000 }),
        net.guest(1).member.lead(request, SIGN),
      ]),
    )
    await net.calm()
    const done = replies.filter(({ kind }) => kind === 'done')
    ok(done.length >= 1, JSON.stringify(replies))
    equal(replies[1]?.kind, 'done')
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('at a guest without a setup are put off, with the guest named', async () => {
    const { net, client } = await committee('no setup')
    net.guest(2).member.links([1, 4, 5])
    net.tamper = (carried) => (carried.letter.round >> 8 === 1 ? [] : [carried])
    await net.restart(3)
    await net.calm()
    const reply = await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))
    deepEqual(reply.kind === 'failed' && [reply.fault, reply.parties], ['setup-missing', [3]])
  })

  it('that cannot write their activity record sign nothing', async () => {
    const { net, client } = await committee('no disk')
    const letters = record(net)
    net.onWrite = (party, { bulk }) => {
      if (party === 2 && bulk !== undefined) throw new Error('disk full')
    }
    const reply = await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))
    await net.calm()
    equal(reply.kind, 'failed')
    const last = ROUND_NUMBERS['sign/3-combine']
    equal(letters.filter(({ from, letter }) => from === 2 && letter.round === last).length, 0)
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('with a share that the store altered sign nothing with that key; the others do', async () => {
    const { net, client } = await committee('altered share')
    const { store } = net.guest(2).node
    for (const [name, bytes] of (await store.scan('e/00000000/s/', '')).rows) {
      const altered = bytes.slice()
      altered[60] = (altered[60] ?? 0) ^ 1
      await store.batch({ puts: [[name, altered]], deletes: [] })
    }
    await net.restart(2) // what it had read before it keeps, and what it keeps is the true one
    await net.calm()
    const request = client.message('0x01')
    const own = await net.run(net.guest(2).member.lead(request, SIGN))
    deepEqual(own.kind === 'failed' && [own.fault, own.parties], ['refused', [2]])
    await net.calm()
    const asked = await net.run(net.guest(1).member.lead(request, { ...SIGN, attempt: 1 }))
    deepEqual(asked.kind === 'failed' && [asked.fault, asked.parties], ['refused', [2]])
    const others = { attempt: 2, signers: [1, 3, 4], budgetMs: 10_000 }
    equal((await net.run(net.guest(1).member.lead(request, others))).kind, 'done')
    await net.calm()
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })
})
