import { deepEqual, equal } from 'node:assert/strict'
import { PairOpening } from '../../../enclave-runtime/guest/pairs/pair-letters.ts'
import type { Letter } from '../../../enclave-runtime/guest/sessions/post.ts'
import type { LeadReply } from '../../../enclave-runtime/port/messages.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
import { type Carried, GuestNet } from './guest-net.ts'
import { record } from './letters.ts'
import { TestClient } from './test-client.ts'

const KEYGEN = { attempt: 0, signers: [1, 2, 3, 4, 5], budgetMs: 120_000 }
const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }
const BANNED = '14,0,0' // says to an opening that the pair is banned
const ABORTED = '0,0,0' // an abort that says nothing

/** Changes one byte of one round from guest 2 to guest 1. */
const cheat =
  (round: string, at: number) =>
  (carried: Carried): readonly Carried[] => {
    const { from, to, letter } = carried
    if (from !== 2 || to !== 1 || letter.round !== ROUND_NUMBERS[round]) return [carried]
    const body = letter.body.slice()
    body[at] = (body[at] ?? 0) ^ 1
    return [{ from, to, letter: { ...letter, body } }]
  }

async function committee(seed: string): Promise<{ net: GuestNet; client: TestClient }> {
  const net = await GuestNet.ready(seed)
  const client = new TestClient(seed)
  client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN)))
  await net.calm()
  return { net, client }
}

/** Holds the last two messages of a round that guest 1 waits for, and hands them over together. */
const together = (round: string, hand: (third: Carried, cheat: Carried) => void) => {
  const kept = new Map<number, Carried>()
  return (carried: Carried): readonly Carried[] => {
    const { from, to, letter } = carried
    if (to !== 1 || letter.round !== ROUND_NUMBERS[round]) return [carried]
    kept.set(from, carried)
    const [third, cheat] = [kept.get(3), kept.get(2)]
    if (third !== undefined && cheat !== undefined) hand(third, cheat)
    return []
  }
}

function spoilt(letter: Letter, at: number): Letter {
  const body = letter.body.slice()
  body[at] = (body[at] ?? 0) ^ 1
  return { ...letter, body }
}

const abortOf = ({ letter: { session, attempt } }: Carried): Letter => ({
  session,
  attempt,
  round: 0,
  type: MESSAGE_TYPES.abort,
  body: Uint8Array.of(1, 0, 0),
})

/** Every different abort of this guest. */
const abortsOf = (letters: readonly Carried[], sender: number): string[] => [
  ...new Set(
    letters
      .filter(({ from, letter }) => from === sender && letter.type === MESSAGE_TYPES.abort)
      .map(({ letter }) => letter.body.join()),
  ),
]

const isAbortTo2 = ({ from, to, letter }: Carried): boolean =>
  from === 1 && to === 2 && letter.type === MESSAGE_TYPES.abort

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const failedWith = (reply: LeadReply): string =>
  reply.kind === 'failed' ? `${reply.fault} ${reply.parties.join()}` : JSON.stringify(reply)

describe('a signer that cheats over oblivious transfer', function () {
  this.timeout(60_000)
  const cases: [string, string, number][] = [
    ['in m1 (R1b)', 'sign/1b-extend', 32 + 9000],
    ['in μ of m2 (R2)', 'sign/2-multiply', 32 + 32 + 4 * 33 + 32 + 49_200],
    ['in Ã of m2 (R2)', 'sign/2-multiply', 32 + 32 + 4 * 33 + 32 + 100 * 32 + 31],
  ]
  for (const [name, round, at] of cases)
    it(`${name} is banned durably, and the others sign on`, async () => {
      const { net, client } = await committee(`cheat ${at}`)
      const letters = record(net, cheat(round, at))
      const request = client.message('0x01')
      const reply = await net.run(net.guest(1).member.lead(request, SIGN))
      await net.calm()
      equal(failedWith(reply), 'banned 2')

      // Everyone has the notice; nobody was told which check failed.
      for (const { member } of net.guests) deepEqual(member.status().bans, [[1, 2]])
      const aborts = letters.filter(
        ({ from, letter }) => from === 1 && letter.type === MESSAGE_TYPES.abort,
      )
      deepEqual(new Set(aborts.map(({ letter }) => letter.body.join())), new Set([ABORTED]))
      deepEqual(net.held(), [9, 9, 12, 12, 12])

      net.tamper = (carried) => [carried]
      equal(failedWith(await net.run(net.guest(1).member.lead(request, SIGN))), 'banned 1,2')
      const others = { ...SIGN, attempt: 1, signers: [1, 3, 4] }
      equal((await net.run(net.guest(1).member.lead(request, others))).kind, 'done')

      // A restart of both makes no new setup between them.
      await net.restart(1)
      await net.restart(2)
      await net.until(() => net.isPaired())
      deepEqual(net.guest(1).member.status().bans, [[1, 2]])
      const again = await net.run(net.guest(1).member.lead(client.message('0x02'), SIGN))
      equal(failedWith(again), 'banned 1,2')
      const third = await net.run(
        net.guest(3).member.lead(client.message('0x03'), { ...SIGN, signers: [1, 2, 3] }),
      )
      equal(failedWith(third), 'banned 1,2')
    })

  it('is told nothing before the ban is on disk, and sessions with it end at once', async () => {
    const { net, client } = await committee('order')
    const order: string[] = []
    net.onWrite = (party, { critical }) => {
      if (party === 1 && critical?.has('ban/1-2')) order.push('durable')
    }
    net.tamper = (carried) => {
      const { from, letter } = carried
      if (from === 1 && letter.type === MESSAGE_TYPES.abort) order.push('abort')
      if (from === 1 && letter.type === MESSAGE_TYPES.banNotice) order.push('notice')
      return cheat('sign/1b-extend', 9000)(carried)
    }
    await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))
    await net.calm()
    equal(order[0], 'durable')
    equal(order.filter((step) => step === 'durable').length, 1)
    equal(order.filter((step) => step === 'notice').length, 4)
  })

  /** What else reaches guest 1 in the turn of the bad message, to keep it from being judged. */
  const escapes: Record<string, (net: GuestNet, bad: Carried) => void> = {
    'its own abort': (net, bad) => net.guest(1).take(2, abortOf(bad)),
    "the third signer's abort": (net, bad) => net.guest(1).take(3, abortOf(bad)),
    'a second copy that differs': (net, bad) =>
      net.guest(1).take(2, spoilt(bad.letter, bad.letter.body.length - 1)),
    'the loss of its link': (net) => net.guest(1).member.links([3, 4, 5]),
    'the deadline': (net) => net.clock.pass(10_000),
  }
  for (const [name, round, at] of cases.slice(0, 2))
    for (const [way, happen] of Object.entries(escapes))
      it(`${name} does not escape the ban by ${way} in the same turn`, async () => {
        const { net, client } = await committee(`escape ${at} ${way}`)
        const letters = record(
          net,
          together(round, (third, cheat) => {
            const bad = { ...cheat, letter: spoilt(cheat.letter, at) }
            net.guest(1).take(3, third.letter)
            net.guest(1).take(2, { ...bad.letter, body: bad.letter.body.slice() })
            happen(net, bad)
          }),
        )
        const reply = await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))
        await net.calm()
        equal(failedWith(reply), 'banned 2')
        // Durable, told to all by a notice; to the cheater one byte that says nothing.
        for (const { member } of net.guests) deepEqual(member.status().bans, [[1, 2]])
        deepEqual(abortsOf(letters, 1), [ABORTED])
        // The other pairs are as before; with the cheater there is nothing left, and no way back.
        deepEqual(net.held(), [9, 9, 12, 12, 12])
        equal(
          net
            .guest(1)
            .member.status()
            .pairs.filter(({ state }) => state === 'ready').length,
          3,
        )
        const ask = { session: new Uint8Array(32), attempt: 0, round: 0, type: MESSAGE_TYPES.open }
        const body = PairOpening.encode({ kind: 'ask', last: null })
        net.inject({ from: 2, to: 1, letter: { ...ask, body } })
        await net.calm()
        equal(letters.at(-1)?.letter.body.join(), BANNED)
        await net.restart(1)
        deepEqual(net.guest(1).member.status().bans, [[1, 2]])
      })

  it('of two signatures, with a bad m1 in each and both in one turn, gets one verdict and one ban', async () => {
    const { net, client } = await committee('two at once')
    const { kernel } = net.guest(1).open
    const verdicts: string[] = []
    const { rvoleAlice } = kernel
    kernel.rvoleAlice = (alice, sid, m1, input) => {
      const product = rvoleAlice.call(kernel, alice, sid, m1, input)
      verdicts.push(typeof product === 'string' ? product : 'passed')
      return product
    }
    // Each session waits for its third signer's m1 and the cheater's; the last two come at once.
    const kept: Carried[] = []
    const letters = record(net, (carried) => {
      const { from, to, letter } = carried
      if (from !== 2 || to !== 1 || letter.round !== ROUND_NUMBERS['sign/1b-extend'])
        return [carried]
      kept.push({ from, to, letter: spoilt(letter, 9000) })
      return kept.length < 2 ? [] : kept
    })
    const replies = await net.run(
      Promise.all([
        net.guest(1).member.lead(client.message('0x01'), SIGN),
        net.guest(1).member.lead(client.message('0x02'), { ...SIGN, signers: [1, 2, 4] }),
      ]),
    )
    await net.calm()
    deepEqual(replies.map(failedWith).sort(), ['banned 2', 'cancelled '])
    deepEqual(
      verdicts.filter((verdict) => verdict !== 'passed'),
      ['cote'],
    )
    deepEqual(net.held(), [9, 9, 12, 12, 12])
    equal(net.guest(1).events.filter(({ code }) => code === 'PAIR_BANNED').length, 1)
    // Which of the two it was stays here: both ended with the same byte, and no R2 left.
    deepEqual(abortsOf(letters, 1), [ABORTED])
    equal(new Set(letters.filter(isAbortTo2).map(({ letter }) => hex(letter.session))).size, 2)
    equal(
      letters.filter(
        ({ from, letter }) => from === 1 && letter.round === ROUND_NUMBERS['sign/2-multiply'],
      ).length,
      0,
    )
  })

  it('is banned by nobody where no check names it: the signature fails, and that is all', async () => {
    const { net, client } = await committee('psi')
    net.tamper = cheat('sign/2-multiply', 32 + 32 + 4 * 33 + 31) // ψ
    const reply = await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))
    await net.calm()
    equal(failedWith(reply), 'signature ')
    deepEqual(net.guest(1).member.status().bans, [])
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('cannot close a pair of two others with a notice of its own', async () => {
    const { net } = await committee('false notice')
    const { encodeCanonical } = await import('../../../protocols/session/canonical-cbor.ts')
    const { signedMessage } = await import('../../../protocols/agreement/signed-object.ts')
    const { committeeId, networkId } = net.committeeOf(3)
    for (const [a, b, index] of [
      [1, 2, 3], // not of the pair
      [1, 2, 1], // another's name under 3's signature
    ]) {
      const object = encodeCanonical(['ban', 1, committeeId, 0, a, b, index])
      const signature = net.guest(3).vault.sign(signedMessage('ban', networkId, object))
      const body = encodeCanonical([object, signature])
      const letter = { session: new Uint8Array(32), attempt: 0, round: 0, body }
      net.inject({ from: 3, to: 1, letter: { ...letter, type: MESSAGE_TYPES.banNotice } })
    }
    await net.calm()
    deepEqual(net.guest(1).member.status().bans, [])
  })
})
