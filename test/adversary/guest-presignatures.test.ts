import { deepEqual, equal, ok } from 'node:assert/strict'
import { encodePresignatureOpening } from '../../enclave-runtime/guest/presignatures/presignature-opening.ts'
import { presignaturePlan } from '../../enclave-runtime/guest/presignatures/presignature-plan.ts'
import { decodeCanonical, encodeCanonical } from '../../protocols/session/canonical-cbor.ts'
import { FORMS } from '../../protocols/session/instance.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../protocols/session/numbers.ts'
import type { Carried } from '../enclave-runtime/guest/guest-net.ts'
import { answerIn } from '../enclave-runtime/guest/letters.ts'
import { textOf, WarmNet } from '../enclave-runtime/guest/presignatures/warm-net.ts'
import { seeded } from '../support/seeded.ts'

/**
 * Form (c) through real guests (02 §13.1): what a leader can write into an opening, and a follower into the one
 * message. Guest 1 owns the presignatures, with the signers 1, 2 and 3.
 */
const SIGNERS = [1, 2, 3]
const { open: OPEN, round: ROUND } = MESSAGE_TYPES
const BINDING = 'abort 9,0,0'

const isOpening = ({ letter }: Carried): boolean => letter.type === OPEN
const isOnline = ({ letter }: Carried): boolean =>
  letter.type === ROUND && letter.round === ROUND_NUMBERS['sign/online']

async function afterwards(warm: WarmNet): Promise<void> {
  warm.tamper = (carried) => [carried]
  await warm.net.calm()
  for (const { defects, member } of warm.net.guests) {
    deepEqual(defects, [])
    deepEqual(member.status().bans, [])
  }
  for (const [place, sids] of warm.uses()) if (!place.startsWith('2/')) equal(sids.size, 1, place)
}

describe('the opening of a signature from a presignature', function () {
  this.timeout(60_000)
  let warm: WarmNet
  before(async () => {
    warm = await WarmNet.create('openings', 2)
  })
  beforeEach(() => warm.warm(2))
  afterEach(() => afterwards(warm))

  /** Places of the fields in an opening; [0] and [1] are name and version. */
  const AT = {
    request: 2,
    ticket: 3,
    keyId: 4,
    path: 5,
    signers: 6,
    attempt: 7,
    form: 8,
    presignature: 9,
    nonce: 10,
    evalTime: 11,
    heads: 12,
    agreed: 13,
    engine: 14,
    budgetMs: 15,
  } as const

  interface Row {
    readonly field: keyof typeof AT
    readonly how: string
    readonly value: (was: unknown) => unknown
    readonly answer: string
    /** Whether the opener has lost what it named. */
    readonly burns: boolean
  }
  const flipped = (was: unknown): unknown =>
    Uint8Array.from(was as Uint8Array, (byte, i) => (i === 0 ? byte ^ 1 : byte))
  const row = (
    field: Row['field'],
    how: string,
    value: Row['value'],
    answer: string,
    burns = true,
  ): Row => ({ field, how, value, answer, burns })
  const ROWS: readonly Row[] = [
    row('request', 'cut', (was) => (was as Uint8Array).slice(1), 'REQ_MALFORMED'),
    row('request', 'of another time', () => warm.request(), BINDING),
    row('ticket', 'given', () => new Uint8Array(32), 'BAD_REQUEST', false),
    row('keyId', 'of another key', flipped, 'KEY_NOT_FOUND'),
    row('path', 'of another key', () => [44, 60, 0, 0, 1], 'KEY_NOT_FOUND'),
    row('path', 'hardened', () => [0x8000_0000], 'KEY_NOT_FOUND'),
    row('signers', 'with another in it', () => [1, 2, 4], BINDING),
    row('signers', 'one less', () => [1, 2], 'MPC_QUORUM'),
    row('signers', 'in another order', () => [2, 1, 3], 'MPC_QUORUM'),
    row('signers', 'without the opener', () => [2, 3, 4], 'MPC_QUORUM'),
    row('attempt', 'another', (was) => Number(was) + 1, BINDING),
    row('form', '(a) with a presignature', () => FORMS.full, 'BAD_REQUEST', false),
    row('form', '(b) with a presignature', () => FORMS.correlated, 'BAD_REQUEST', false),
    row('form', 'unknown', () => FORMS.frost, 'BAD_REQUEST', false),
    row('presignature', 'another', flipped, BINDING, false),
    row('presignature', 'cut', (was) => (was as Uint8Array).slice(1), 'BAD_REQUEST', false),
    row('presignature', 'absent', () => null, 'BAD_REQUEST', false),
    row('nonce', 'another', flipped, BINDING),
    row('nonce', 'cut', (was) => (was as Uint8Array).slice(1), 'BAD_REQUEST', false),
    row('evalTime', 'an hour ahead', (was) => Number(was) + 3600, 'not yet: clock'),
    row('heads', 'given', () => [new Uint8Array(32)], 'BAD_REQUEST', false),
    row('agreed', 'given', () => 1, 'BAD_REQUEST', false),
    row('engine', 'another', () => 2, 'BAD_REQUEST', false),
    row('budgetMs', 'none', () => 0, 'takes part'),
    row('budgetMs', 'beyond its bound', () => 600_001, 'BAD_REQUEST', false),
  ]

  it('has a row for every field', () => {
    deepEqual(new Set(ROWS.map(({ field }) => field)), new Set(Object.keys(AT)))
  })

  for (const { field, how, value, answer, burns } of ROWS)
    it(`${field}, ${how}: ${answer}${burns ? ', and what it names is spent' : ''}`, async () => {
      // The opening of an honest attempt, which guest 2 has not seen.
      let honest: Carried | undefined
      warm.tamper = (carried) => {
        if (carried.from !== 1) return [carried]
        if (isOpening(carried) && carried.to === 2) honest = carried
        return []
      }
      ok(textOf(await warm.lead(warm.request(), SIGNERS)).startsWith('timeout'))
      await warm.net.calm()
      warm.tamper = (carried) => [carried]
      ok(honest)
      const { letter } = honest
      const held = warm.held(2)

      warm.letters = []
      const fields = decodeCanonical(letter.body, 1 << 20) as unknown[]
      fields[AT[field]] = value(fields[AT[field]])
      const body = encodeCanonical(fields)
      warm.net.inject({ from: 1, to: 2, letter: { ...letter, body } })
      await warm.net.calm()
      equal(answerIn(warm.letters, 2), answer)
      equal(held - warm.held(2), burns ? 1 : 0)
    })
})

describe('the one message of a signature from a presignature', function () {
  this.timeout(60_000)
  let warm: WarmNet
  let older: Uint8Array | undefined
  before(async () => {
    warm = await WarmNet.create('one message', 2)
  })
  beforeEach(() => warm.warm(2))
  afterEach(() => afterwards(warm))

  type Treat = (body: Uint8Array) => readonly Uint8Array[]
  const at =
    (place: number): Treat =>
    (body) => [body.with(place, (body[place] ?? 0) ^ 1)]
  const overlaid =
    (place: number, bytes: Uint8Array): Treat =>
    (body) => {
      const changed = body.slice()
      changed.set(bytes, place)
      return [changed]
    }
  const ONES = new Uint8Array(32).fill(0xff)
  const ROWS: readonly (readonly [how: string, treat: Treat, reply: string, strikes: number])[] = [
    ['as it is', (body) => [body], 'presigned', 0],
    ['with another onlineSid', at(0), 'binding 2', 0],
    ['with another presigId', at(32), 'presig-unknown', 0],
    ['with another u', at(48 + 31), 'signature', 0],
    ['with a u that is no scalar', overlaid(48, ONES), 'malformed 2', 1],
    ['with another w', at(80 + 31), 'signature', 0],
    ['with a w that is no scalar', overlaid(80, ONES), 'malformed 2', 1],
    ['one byte short', (body) => [body.slice(1)], 'malformed 2', 1],
    ['one byte longer', (body) => [new Uint8Array([...body, 0])], 'malformed 2', 1],
    ['that never comes', () => [], 'timeout 2', 0],
    ['that comes twice', (body) => [body, body.slice()], 'presigned', 0],
    ['that comes twice, differently', (body) => [body, ...at(111)(body)], 'equivocation 2', 1],
    ['of an older signature', () => [older ?? new Uint8Array()], 'presig-unknown', 0],
  ]
  for (const [how, treat, reply, strikes] of ROWS)
    it(`${how}: ${reply}`, async () => {
      const struck = (): number =>
        warm.net.guest(1).events.filter(({ code }) => code === 'STRIKE').length
      const before = struck()
      const held = [1, 3].map((guest) => warm.held(guest))
      warm.tamper = (carried) => {
        const { from, to, letter } = carried
        if (from === 3 && to === 1 && isOnline(carried) && how.includes('differently')) return []
        if (from !== 2 || to !== 1 || !isOnline(carried)) return [carried]
        const bodies = treat(letter.body.slice())
        older = letter.body.slice()
        return bodies.map((body) => ({ from, to, letter: { ...letter, body } }))
      }
      warm.net.clock.pass(1_000)
      const request = warm.request()
      equal(textOf(await warm.lead(request, SIGNERS)), reply)
      warm.tamper = (carried) => [carried]
      await warm.net.calm()
      equal(struck() - before, strikes)
      // Spent in every honest guest, whatever came of it; and the request is signed all the same.
      deepEqual(
        [1, 3].map((guest) => warm.held(guest)),
        held.map((count) => count - 1),
      )
      if (reply !== 'presigned')
        ok(['full', 'known'].includes(textOf(await warm.lead(request, SIGNERS))))
    })
})

describe('the opening of presignatures', function () {
  this.timeout(60_000)
  let warm: WarmNet
  before(async () => {
    warm = await WarmNet.create('makings', 2)
  })
  afterEach(() => afterwards(warm))

  type Opening = Parameters<typeof encodePresignatureOpening>[0]
  const ofKey =
    (change: Partial<Opening['keys'][number]>) =>
    ({ keys }: Opening): Partial<Opening> => ({ keys: keys.map((key) => ({ ...key, ...change })) })
  const CORRELATED = { form: FORMS.correlated }
  const ROWS: readonly (readonly [
    how: string,
    change: (honest: Opening) => Partial<Opening>,
    answer: string,
  ])[] = [
    ['as it is', () => ({}), 'takes part'],
    ['of no key', () => ({ keys: [] }), 'BAD_REQUEST'],
    ['of two keys in full', ({ keys }) => ({ keys: [...keys, ...keys] }), 'BAD_REQUEST'],
    ['of too many keys', ({ keys: [key] }) => many(key, 17), 'BAD_REQUEST'],
    ['of an account that nobody has', ofKey({ accountId: new Uint8Array(16) }), 'KEY_NOT_FOUND'],
    ['of another key', ofKey({ keyId: new Uint8Array(32) }), 'KEY_NOT_FOUND'],
    ['of another path', ofKey({ path: [44, 60, 0, 0, 1] }), 'KEY_NOT_FOUND'],
    ['with too few signers', () => ({ signers: [1, 2] }), 'MPC_QUORUM'],
    ['without its opener', () => ({ signers: [2, 3, 4] }), 'MPC_QUORUM'],
    ['without its receiver', () => ({ signers: [1, 3, 4] }), 'MPC_QUORUM'],
    ['with other signers', () => ({ signers: [1, 2, 4] }), BINDING],
    ['of another attempt', () => ({ attempt: 8 }), BINDING],
    ['of another form', () => CORRELATED, BINDING],
    ['of more keys than its session', ({ keys: [key] }) => many(key, 2), BINDING],
    ['with another nonce', () => ({ nonce: new Uint8Array(32) }), BINDING],
  ]
  const many = (key: Opening['keys'][number] | undefined, count: number): Partial<Opening> => ({
    ...CORRELATED,
    keys: Array.from({ length: count }, () => key ?? { accountId: N, keyId: N, path: [] }),
  })
  const N = new Uint8Array()

  for (const [number, [how, change, answer]] of ROWS.entries())
    it(`${how}: ${answer}`, async () => {
      const { net, client } = warm
      const { account } = warm.asked(client, warm.request())
      const run = {
        signers: SIGNERS,
        attempt: 7,
        form: FORMS.full,
        nonce: seeded(`making ${number}`)(32),
      }
      const plan = presignaturePlan(net.committeeOf(1), [account], run)
      const { certificate, derived } = account
      const key = { accountId: account.id, keyId: certificate.keyId, path: derived.path }
      const honest = { keys: [key], ...run }
      const body = encodePresignatureOpening({ ...honest, ...change(honest) })
      warm.letters = []
      const letter = { session: plan.instanceId, attempt: 7, round: 0, type: OPEN, body }
      net.inject({ from: 1, to: 2, letter })
      await net.calm()
      equal(answerIn(warm.letters, 2), answer)
      equal(warm.held(2), 0)
      net.clock.pass(10_000) // nobody follows it up
      await net.calm()
    })

  it('that does not decode: BAD_REQUEST', async () => {
    const body = encodeCanonical(['presign', 1, 'nonsense'])
    warm.letters = []
    const letter = { session: seeded('nonsense')(32), attempt: 0, round: 0, type: OPEN, body }
    warm.net.inject({ from: 1, to: 2, letter })
    await warm.net.calm()
    equal(answerIn(warm.letters, 2), 'BAD_REQUEST')
  })
})
