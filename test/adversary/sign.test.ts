import assert from 'node:assert/strict'
import { pairRoles } from '../../protocols/ot/pair-roles.ts'
import { rvoleSid } from '../../protocols/ot/session-ids.ts'
import { ProtocolError } from '../../protocols/session/faults.ts'
import { Combine, Commit, Extend, Multiply, rounds } from '../../protocols/sign/messages.ts'
import type { SigningInputs } from '../../protocols/sign/sign.ts'
import { faultsOf, type Letter, type Tamper } from '../../protocols/simulation/simulate.ts'
import { forgeM1, nibbleOf } from '../support/adaptive-bob.ts'
import {
  type AdversaryTable,
  assertComplete,
  bytes,
  type Cheats,
  lettersOf,
  noPoint,
  point,
  scalar,
  testFields,
  testTreatments,
} from '../support/adversary-table.ts'
import {
  type Archive,
  assertOutcome,
  type Elsewhere,
  type Expected,
  type Field,
  type FieldExpectations,
  type FieldRow,
  MALLORY,
  type Treatment,
} from '../support/run-cheats.ts'
import { guestOf } from '../support/run-keygen.ts'
import { freshWorld, held, runSign, type World } from '../support/run-sign.ts'

/** Three sign: mallory is party 2, alice 1 and carol 3. */
const R1 = 'sign/1-commit'
const R1B = 'sign/1b-extend'
const R2 = 'sign/2-multiply'
const R3 = 'sign/3-combine'

const FIELDS: Record<string, Field[]> = {
  [R1]: [
    bytes('nonce', 32),
    bytes('commitment', 32),
    bytes("prefix of alice's setup", 8),
    bytes("prefix of carol's setup", 8),
  ],
  [R1B]: [bytes('sid1', 32), bytes('U', 5120), bytes('x̂', 16), bytes('t̂', 4096)],
  [R2]: [
    bytes('sid1', 32),
    bytes('blind', 32),
    point('R'),
    point('pk'),
    point('Γ^u'),
    point('Γ^v'),
    scalar('ψ'),
    scalar('Ã', 49_152),
    scalar('η'),
    bytes('μ', 64),
  ],
  [R3]: [bytes('sid1', 32), scalar('u'), scalar('w')],
}
const SIZES: Record<string, number> = {
  [R1]: Commit(3).size,
  [R1B]: Extend.size,
  [R2]: Multiply.size,
  [R3]: Combine.size,
}

/** What is no point or no scalar is refused before anything else of R2 is looked at. */
const noneOfR2 = noPoint(R2)
const noScalar = { 'not below q': `malformed ${R2}` } as const
/** The other peers say the same sid1 in the same session: borrowing it changes nothing. */
const same = { 'of another peer': 'ok' } as const

const EXPECTED: Record<string, Record<string, FieldExpectations>> = {
  [R1]: {
    nonce: { otherwise: `binding ${R1B}` },
    commitment: { otherwise: `binding ${R1B}` }, // it is part of sid1, which comes first
    "prefix of alice's setup": { otherwise: `generation ${R1}`, 'of an older session': 'ok' },
    "prefix of carol's setup": {
      otherwise: `generation ${R1}`,
      'of an older session': 'ok', // the same setup
      'of another peer': 'ok', // carol names it too, at the same place
      'told differently to one peer': `binding ${R1B}`, // alice cannot know carol's setup
    },
  },
  [R1B]: {
    sid1: { otherwise: `binding ${R1B}`, ...same },
    U: { otherwise: `cote ${R1B}` },
    x̂: { otherwise: `cote ${R1B}` },
    t̂: { otherwise: `cote ${R1B}` },
  },
  [R2]: {
    sid1: { otherwise: `binding ${R2}`, ...same },
    blind: { otherwise: `commitment ${R2}` },
    R: { otherwise: `commitment ${R2}`, ...noneOfR2 },
    pk: { otherwise: `check2 ${R2}`, ...noneOfR2 },
    'Γ^u': { otherwise: `check1 ${R2}`, ...noneOfR2 },
    'Γ^v': { otherwise: `check2 ${R2}`, ...noneOfR2 },
    ψ: { otherwise: `signature ${R3}`, ...noScalar }, // nothing shows whose ψ was wrong
    Ã: { otherwise: `mu ${R2}`, ...noScalar },
    η: { otherwise: `mu ${R2}`, ...noScalar },
    μ: { otherwise: `mu ${R2}` },
  },
  [R3]: {
    sid1: { otherwise: `binding ${R3}`, ...same },
    u: { otherwise: `signature ${R3}`, 'not below q': `malformed ${R3}` },
    w: { otherwise: `signature ${R3}`, 'not below q': `malformed ${R3}` },
  },
}

const TREATED: Record<string, Record<Treatment, Expected>> = {
  [R1]: {
    'replayed from an older session': `binding ${R1B}`,
    'replaced by that of another peer': `generation ${R1}`,
    'sent to the wrong party': 'ok', // everyone gets the same
    'sent twice': 'ok',
    'sent twice, differently': `equivocation ${R1}`,
    withheld: `timeout ${R1}`,
  },
  [R1B]: {
    'replayed from an older session': `binding ${R1B}`,
    'replaced by that of another peer': `cote ${R1B}`,
    'sent to the wrong party': `cote ${R1B}`,
    'sent twice': 'ok',
    'sent twice, differently': `equivocation ${R1B}`,
    withheld: `timeout ${R1B}`,
  },
  [R2]: {
    'replayed from an older session': `binding ${R2}`,
    'replaced by that of another peer': `commitment ${R2}`,
    'sent to the wrong party': `mu ${R2}`,
    'sent twice': 'ok',
    'sent twice, differently': `equivocation ${R2}`,
    withheld: `timeout ${R2}`,
  },
  [R3]: {
    'replayed from an older session': `binding ${R3}`,
    'replaced by that of another peer': `signature ${R3}`,
    'sent to the wrong party': 'ok',
    'sent twice': 'ok',
    'sent twice, differently': `equivocation ${R3}`,
    withheld: `timeout ${R3}`,
  },
}

const TABLE: AdversaryTable = {
  fields: FIELDS,
  sizes: SIZES,
  expected: EXPECTED,
  treated: TREATED,
}

const SEED = 'adversary'
const BANS = ['cote', 'mu', 'check1', 'check2']

/** Where m2 begins in R2: sid1, blind, four points and ψ come before it. */
const AT_M2 = 32 + 32 + 4 * 33 + 32

/** Mallory's message of one round, spoilt. */
const hers =
  (round: string, spoil: (sent: Uint8Array, to: number) => Uint8Array): Tamper =>
  (letter) =>
    letter.from === MALLORY && letter.round === round
      ? spoil(letter.bytes, letter.to)
      : letter.bytes

const flipped = (sent: Uint8Array, at: number): Uint8Array => sent.with(at, (sent[at] ?? 0) ^ 1)

interface Cheat {
  tamper?: Tamper
  /** What is different before the run begins. */
  prepare?: (world: World) => World
}

/** Runs the cheat; checks that no secret of the run is left, and that exactly the pairs of a ban are closed. */
async function run({ tamper, prepare = (same) => same }: Cheat) {
  const world = prepare(await freshWorld(3, 3, SEED))
  const before = held(world.guests)
  const gates = new Map<number, SigningInputs['pairs']>()
  const results = await runSign(world, {
    signers: [1, 2, 3],
    seed: SEED,
    mute: [MALLORY],
    ...(tamper && { tamper }),
    alter: (me, honest) => {
      gates.set(me, honest.pairs)
      return honest
    },
  })
  assert.deepEqual(held(world.guests), before, 'no secret of the run is left')
  for (const [at, result] of results.entries()) {
    const [fault] = faultsOf([result])
    const banned = fault !== undefined && BANS.includes(fault.kind) && 'from' in fault
    for (const [peer, { gate }] of gates.get(at + 1) ?? [])
      assert.equal(gate.closed, banned && fault.from === peer ? 'banned' : undefined)
  }
  return results
}

async function archive(seed: string): Promise<Archive> {
  const world = await freshWorld(3, 3, seed)
  return lettersOf((tamper) =>
    runSign(world, { signers: [1, 2, 3], seed: SEED, draws: seed, tamper }),
  )
}

/** The prefixes of another peer are of other setups, and its place in the list is another one. */
const isBorrowedPrefix = ({ field, spoil }: FieldRow) =>
  field.startsWith('prefix') && spoil === 'of another peer'

const BLOCK = 22 // any

/** The adaptive Bob of 02 §13.1, towards alice: an error in one block of U, t̂ as if its Δ_b were `guess`. */
function adaptive({ guests, pairs }: World, guess: number): Tamper {
  const setup = pairs.get(`${MALLORY}/1`)
  assert.ok(setup)
  const { leaves } = guestOf(guests, MALLORY).slots.get(setup.bob, 'bob')
  const known = leaves.slice()
  return (letter) => {
    if (letter.from !== MALLORY || letter.to !== 1 || letter.round !== R1B) return letter.bytes
    const { sid1, m1 } = Extend.decode(letter.bytes)
    const sid = rvoleSid(sid1, setup.setupId, 0, pairRoles(setup.lo).asBob)
    const forged = forgeM1(known, sid, m1, BLOCK, guess)
    return Extend.encode({ sid1, m1: forged })
  }
}

describe('sign() when party 2 cheats', function () {
  this.timeout(30_000)
  let elsewhere: Elsewhere
  before(async () => {
    elsewhere = { honest: await archive(SEED), older: await archive('older'), other: 3 }
  })

  it('has a row for every byte of every round', () => {
    const { online, name, open, ...full } = rounds(3) // the first three have tables of their own
    assert.deepEqual(
      [online.name, name.name, open.name],
      ['sign/online', 'sign/1-name', 'sign/2-open'],
    )
    assertComplete(
      TABLE,
      Object.values(full).map(({ name }) => name),
    )
  })

  const cheats: Cheats = { run: (tamper) => run({ tamper }), elsewhere: () => elsewhere }
  testFields(
    TABLE,
    cheats,
    (round) => round === R1 || round === R3,
    (row) => ({
      open: row.spoil === 'told differently to one peer' || isBorrowedPrefix(row),
      nobody: row.round !== R3,
    }),
  )

  /** Lists are spoilt in their first item above; a check that stopped early would miss these. */
  const items: [name: string, round: string, at: number, expected: string][] = [
    ['block 63 of U', R1B, 32 + 63 * 80, `cote ${R1B}`],
    ['the last byte of U', R1B, 32 + 5119, `cote ${R1B}`],
    ['block 29 of U', R1B, 32 + 29 * 80 + 41, `cote ${R1B}`],
    ['t̂[255]', R1B, 32 + 5136 + 255 * 16 + 15, `cote ${R1B}`],
    ['t̂[118]', R1B, 32 + 5136 + 118 * 16 + 7, `cote ${R1B}`],
    ['Ã[511][2]', R2, AT_M2 + 32 * (3 * 511 + 2) + 31, `mu ${R2}`],
    ['Ã[307][1]', R2, AT_M2 + 32 * (3 * 307 + 1) + 31, `mu ${R2}`],
    ['the last byte of μ', R2, AT_M2 + 49_247, `mu ${R2}`],
  ]
  for (const [name, round, at, expected] of items)
    it(`${name} of ${round}, a flipped bit: ${expected}`, async () => {
      const tamper = hers(round, (sent) => flipped(sent, at))
      assertOutcome(await run({ tamper }), expected, { nobody: true })
    })

  for (const [at, name] of [
    [AT_M2 + 32 * (3 * 511 + 2), 'Ã[511][2]'],
    [AT_M2 + 32 * (3 * 307 + 1), 'Ã[307][1]'],
  ] as const)
    it(`${name} of ${R2}, not below q: malformed ${R2}`, async () => {
      const tamper = hers(R2, (sent) => {
        const spoilt = sent.slice()
        spoilt.fill(0xff, at, at + 32)
        return spoilt
      })
      assertOutcome(await run({ tamper }), `malformed ${R2}`, { nobody: true })
    })

  testTreatments(TABLE, cheats, (round) => ({ nobody: round !== R3 }))

  it('uses a key share that is not hers: sum, and nothing shows whose', async () => {
    const results = await run({
      prepare: ({ keys, guests, ...world }) => {
        const { kernel } = guestOf(guests, MALLORY)
        const shares = [kernel.shareIn(new Uint8Array(32).fill(7))]
        const key = keys.get(MALLORY)
        assert.ok(key)
        return { ...world, guests, keys: new Map([...keys, [MALLORY, { ...key, shares }]]) }
      },
    })
    assertOutcome(results, `sum ${R2}`, { nobody: true })
  })

  it('is late: her R1 comes to alice after R1b of carol, and nothing is wrong with that', async () => {
    let kept: Letter | undefined
    const order: string[] = []
    const results = await run({
      tamper: (letter) => {
        const { from, to, round } = letter
        if (to !== 1) return letter.bytes
        if (from === MALLORY && round === R1) {
          kept = letter
          return []
        }
        order.push(`${round} of ${from}`)
        if (kept === undefined || from !== 3 || round !== R1B) return letter.bytes
        order.push(`${R1} of ${MALLORY}`)
        return [letter, kept]
      },
    })
    assert.ok(order.indexOf(`${R1B} of 3`) < order.indexOf(`${R1} of ${MALLORY}`))
    assertOutcome(results, 'ok')
  })

  it('guesses four bits of Δ: m1 with an error in one block passes for one guess of 16, else ban', async () => {
    const passed: number[] = []
    for (let guess = 0; guess < 16; guess++) {
      let forge: Tamper = ({ bytes: sent }) => sent
      const results = await run({
        prepare: (world) => {
          forge = adaptive(world, guess)
          return world
        },
        tamper: (letter) => forge(letter),
      })
      const [alice] = results
      assert.ok(alice)
      const [fault] = faultsOf([alice])
      if (fault?.kind !== 'cote') passed.push(guess)
      // Even then mallory cannot finish: her own half no longer fits, and alice learns of it by her silence.
      assertOutcome(results, fault?.kind === 'cote' ? `cote ${R1B}` : `timeout ${R3}`)
    }
    const { guests, pairs } = await freshWorld(3, 3, SEED)
    const setup = pairs.get(`1/${MALLORY}`)
    assert.ok(setup)
    const { delta } = guestOf(guests, 1).slots.get(setup.alice, 'alice')
    assert.deepEqual(passed, [nibbleOf(delta, BLOCK)])
  })

  it('sends R2 in the place of R1b: nobody goes on without R1b', async () => {
    const results = await run({
      tamper: (letter) => {
        if (letter.from !== MALLORY || letter.round === R1) return letter.bytes
        if (letter.round !== R1B) return undefined
        return [{ ...letter, round: R2, bytes: new Uint8Array(SIZES[R2] ?? 0) }]
      },
    })
    assertOutcome(results, `timeout ${R1B}`, { nobody: true })
  })

  for (const [round, at, kind] of [
    [R1B, 32 + 9000, 'cote'],
    [R2, AT_M2 + 49_247, 'mu'],
  ] as const)
    it(`sends a bad ${round} to alice alone: carol blames nobody, closes nothing, and has no result`, async () => {
      const [alice, , carol] = await run({
        tamper: hers(round, (sent, to) => (to === 1 ? flipped(sent, at) : sent)),
      })
      assert.ok(alice && carol)
      assert.deepEqual(faultsOf([alice]), [{ kind, round, from: MALLORY }])
      // She learns of it by alice's abort or silence, and that names nobody as a cheater.
      assert.ok(carol.status === 'rejected' && carol.reason instanceof ProtocolError)
      assert.ok(['cancelled', 'timeout'].includes(carol.reason.fault.kind), carol.reason.message)
    })

  it('sends a bad m1: no R2 leaves, not even to the one whose m1 passed', async () => {
    const left: string[] = []
    const spoil = hers(R1B, (sent) => flipped(sent, 32 + 9000))
    const results = await run({
      tamper: (letter) => {
        if (letter.round === R2 && letter.from !== MALLORY) left.push(`${letter.from}→${letter.to}`)
        return spoil(letter)
      },
    })
    // Alice judges mallory's m1 before carol's, carol after alice's.
    assertOutcome(results, `cote ${R1B}`, { nobody: true })
    assert.deepEqual(left, [])
  })

  const AT_BLIND = 32
  const AT_PSI = 32 + 32 + 4 * 33
  const twice: [string, (sent: Uint8Array) => Uint8Array, string][] = [
    [
      'a blind that opens nothing, and a bad μ',
      (sent) => flipped(flipped(sent, AT_BLIND), AT_M2 + 49_247),
      `commitment ${R2}`,
    ],
    [
      'a scalar that is none, and a bad μ',
      (sent) => {
        const spoilt = flipped(sent, AT_M2 + 49_247)
        spoilt.fill(0xff, AT_PSI, AT_PSI + 32)
        return spoilt
      },
      `malformed ${R2}`,
    ],
    [
      'a byte too many, and a bad μ',
      (sent) => new Uint8Array([...flipped(sent, AT_M2 + 49_247), 0]),
      `malformed ${R2}`,
    ],
    [
      'another sid1, and a bad μ',
      (sent) => flipped(flipped(sent, 0), AT_M2 + 49_247),
      `binding ${R2}`,
    ],
  ]
  for (const [name, spoil, expected] of twice)
    it(`sends ${name}: ${expected}, and nobody is banned`, async () => {
      // That no gate is closed, `run` looks at.
      assertOutcome(await run({ tamper: hers(R2, spoil) }), expected, { nobody: true })
    })
})
