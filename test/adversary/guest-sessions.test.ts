import { deepEqual, equal } from 'node:assert/strict'
import type { Letter } from '../../enclave-runtime/guest/sessions/post.ts'
import type { LeadReply } from '../../enclave-runtime/port/messages.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../protocols/session/numbers.ts'
import { type Carried, GuestNet } from '../enclave-runtime/guest/guest-net.ts'
import { record } from '../enclave-runtime/guest/letters.ts'
import { TestClient } from '../enclave-runtime/guest/test-client.ts'

/**
 * The adversary matrix of 02 §13.1 once more, through real guests: their routers, sessions, bans, strikes
 * and vaults. Mallory is guest 2 of the signers 1, 2 and 3; guest 1 leads, and it is guest 1 whom she cheats.
 */
const SIGNERS = [1, 2, 3]
const MALLORY = 2
const ME = 1
const R1 = 'sign/1-commit'
const R1B = 'sign/1b-extend'
const R2 = 'sign/2-multiply'
const R3 = 'sign/3-combine'
const ROUNDS = [R1, R1B, R2, R3] as const
type Round = (typeof ROUNDS)[number]

const CHEATS = [
  'with a flipped bit',
  'that never comes',
  'that comes twice, differently',
  'that comes twice',
  'of an older session, under this one',
  'of a session before the restart, under this one',
  'as it was sent in an older session',
] as const
type Cheat = (typeof CHEATS)[number]

/** What guest 1 says of the attempt, and what it remembers of mallory: nothing, a strike, a ban. */
interface Outcome {
  readonly reply: string
  readonly blame: 'nothing' | 'strike' | 'ban'
}
const done: Outcome = { reply: 'done', blame: 'nothing' }
const retry = (kind: string, parties: string = ''): Outcome => ({
  reply: `${kind} ${parties}`.trim(),
  blame: 'nothing',
})
const strike = (kind: string): Outcome => ({ reply: `${kind} 2`, blame: 'strike' })
const ban: Outcome = { reply: 'banned 2', blame: 'ban' }

/** Bytes that a bit is flipped in: the commitment, m1 beyond sid1, m2 beyond the points, u. */
const FLIPPED: Record<Round, number> = {
  [R1]: 40,
  [R1B]: 32 + 9000,
  [R2]: 32 + 32 + 4 * 33 + 32 + 100 * 32 + 31,
  [R3]: 32 + 31,
}

const EXPECTED: Record<Round, Record<Cheat, Outcome>> = {
  [R1]: {
    'with a flipped bit': retry('binding', '2'), // sid1 is another one, and R1b says so first
    'that never comes': retry('timeout', '2'),
    'that comes twice, differently': strike('equivocation'),
    'that comes twice': done,
    'of an older session, under this one': retry('binding', '2'),
    'of a session before the restart, under this one': retry('generation', '2'),
    'as it was sent in an older session': done,
  },
  [R1B]: {
    'with a flipped bit': ban,
    'that never comes': retry('timeout', '2'),
    'that comes twice, differently': strike('equivocation'),
    'that comes twice': done,
    'of an older session, under this one': retry('binding', '2'),
    'of a session before the restart, under this one': retry('binding', '2'),
    'as it was sent in an older session': done,
  },
  [R2]: {
    'with a flipped bit': ban,
    'that never comes': retry('timeout', '2'),
    'that comes twice, differently': strike('equivocation'),
    'that comes twice': done,
    'of an older session, under this one': retry('binding', '2'),
    'of a session before the restart, under this one': retry('binding', '2'),
    'as it was sent in an older session': done,
  },
  [R3]: {
    'with a flipped bit': retry('signature'), // nothing shows whose part was wrong
    'that never comes': retry('timeout', '2'),
    'that comes twice, differently': done, // the first copy made the signature: the session is over
    'that comes twice': done,
    'of an older session, under this one': retry('binding', '2'),
    'of a session before the restart, under this one': retry('binding', '2'),
    'as it was sent in an older session': done,
  },
}

function flipped(letter: Letter, at: number): Letter {
  const body = letter.body.slice()
  body[at] = (body[at] ?? 0) ^ 1
  return { ...letter, body }
}

const isHers =
  (round: Round) =>
  ({ from, to, letter }: Carried): boolean =>
    from === MALLORY &&
    to === ME &&
    letter.type === MESSAGE_TYPES.round &&
    letter.round === ROUND_NUMBERS[round]

/** What guest 1 gets in the place of her message of this round. */
const treat =
  (round: Round, cheat: Cheat, older: readonly Carried[]) =>
  (carried: Carried): readonly Carried[] => {
    if (!isHers(round)(carried)) return [carried]
    const { from, to, letter } = carried
    const old = older.find(isHers(round))?.letter
    if (old === undefined) throw new Error(`no older ${round}`)
    const as = (replaced: Letter): Carried => ({ from, to, letter: replaced })
    switch (cheat) {
      case 'with a flipped bit':
        return [as(flipped(letter, FLIPPED[round]))]
      case 'that never comes':
        return []
      case 'that comes twice, differently':
        return [carried, as(flipped(letter, letter.body.length - 1))]
      case 'that comes twice':
        return [carried, as({ ...letter, body: letter.body.slice() })]
      case 'as it was sent in an older session':
        return [as({ ...old, body: old.body.slice() }), carried]
      default:
        return [as({ ...letter, body: old.body.slice() })]
    }
  }

const textOf = (reply: LeadReply): string => {
  if (reply.kind === 'done') return 'done'
  return reply.kind === 'failed' ? `${reply.fault} ${reply.parties.join()}`.trim() : reply.id
}

describe('real guests, of whom one cheats while they sign', function () {
  this.timeout(30_000)
  let net: GuestNet
  let client: TestClient
  let number = 0
  let older: readonly Carried[] | undefined

  /** One attempt, with what guest 1 got to read. */
  async function attempt(tamper: (carried: Carried) => readonly Carried[]) {
    const letters = record(net, tamper)
    const text = `0x${(++number).toString(16).padStart(4, '0')}`
    const plan = { attempt: 0, signers: SIGNERS, budgetMs: 10_000 }
    net.clock.pass(2_000) // an account signs once a second
    const iat = Math.floor(net.clock.unixMs() / 1000)
    const request = client.message(text, { iat, exp: iat + 60 })
    const reply = await net.run(net.guest(ME).member.lead(request, plan))
    await net.calm()
    net.tamper = (carried) => [carried]
    return { reply: textOf(reply), letters }
  }
  const honest = (carried: Carried): readonly Carried[] => [carried]
  const told = (at: number, ...codes: string[]): number =>
    net.guest(at).events.filter(({ code }) => codes.includes(code)).length

  async function committee(seed: string): Promise<void> {
    older = undefined
    net = await GuestNet.ready(seed, { n: 4, t: 3 })
    client = new TestClient(seed)
    const plan = { attempt: 0, signers: [1, 2, 3, 4], budgetMs: 120_000 }
    const created = await net.run(net.guest(ME).member.lead(client.create(), plan))
    client.adopt(created)
    await net.calm()
  }

  for (const round of ROUNDS)
    for (const cheat of CHEATS) {
      const { reply: expected, blame } = EXPECTED[round][cheat]
      it(`${round} ${cheat}: ${expected}, ${blame}`, async () => {
        if (net === undefined || net.guest(ME).member.status().bans.length > 0)
          await committee(`guests ${round} ${cheat}`)
        await net.until(() => net.isPaired())
        older ??= (await attempt(honest)).letters
        const archive = older
        if (cheat.includes('restart')) {
          older = undefined // the next one finds other setups
          await net.restart(ME)
          await net.until(() => net.isPaired())
        }
        const [strikes, bans] = [told(ME, 'STRIKE'), told(ME, 'PAIR_BANNED')]
        const strangers = told(3, 'STRIKE')
        const { reply, letters } = await attempt(treat(round, cheat, archive))
        equal(reply, expected)

        // What is remembered of her is what the table says; of the honest third nothing, by nobody.
        equal(told(ME, 'STRIKE') - strikes, blame === 'strike' ? 1 : 0)
        equal(told(ME, 'PAIR_BANNED') - bans, blame === 'ban' ? 1 : 0)
        const pairs = blame === 'ban' ? [[ME, MALLORY]] : []
        for (const { member } of net.guests) deepEqual(member.status().bans, pairs)
        equal(told(3, 'STRIKE'), strangers)
        for (const { events } of net.guests)
          for (const { code, party } of events)
            if (code === 'STRIKE' || code === 'PAIR_BANNED') equal(party === 3, false)

        // Nothing is left of the session, and nobody was told which check it was.
        await net.until(() => net.isPaired())
        deepEqual(net.held(), blame === 'ban' ? [6, 6, 9, 9] : [9, 9, 9, 9])
        const aborts = letters.filter(
          ({ from, letter }) => from === ME && letter.type === MESSAGE_TYPES.abort,
        )
        equal(aborts.length > 0, expected !== 'done')
        if (blame === 'ban') for (const { letter } of aborts) deepEqual([...letter.body], [0, 0, 0])
        for (const { defects } of net.guests) deepEqual(defects, [])

        // Afterwards they sign again, but for the pair that is closed.
        const { reply: next } = await attempt(honest)
        equal(next, blame === 'ban' ? 'banned 1,2' : 'done')
      })
    }
})
