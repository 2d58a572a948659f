import assert from 'node:assert/strict'
import { Online, rounds } from '../../protocols/sign/messages.ts'
import { signOnline } from '../../protocols/sign/sign-online.ts'
import { type Letter, simulate, type Tamper } from '../../protocols/simulation/simulate.ts'
import {
  type Archive,
  assertOutcome,
  type Elsewhere,
  type Expected,
  expectedOf,
  type Field,
  type FieldExpectations,
  MALLORY,
  rowsOf,
  spoiling,
  TREATMENTS,
  type Treatment,
  treating,
} from '../support/run-cheats.ts'
import { guestOf, valuesOf } from '../support/run-keygen.ts'
import { digestOf, freshWorld, held, runPresign } from '../support/run-sign.ts'

/** The one message of form (c); three sign, mallory is party 2. */
const ONLINE = 'sign/online'

const FIELDS: Field[] = [
  { name: 'onlineSid', length: 32, type: 'bytes' },
  { name: 'presigId', length: 16, type: 'bytes' },
  { name: 'u', length: 32, type: 'scalar' },
  { name: 'w', length: 32, type: 'scalar' },
]

const EXPECTED: Record<string, Record<string, FieldExpectations>> = {
  [ONLINE]: {
    onlineSid: { otherwise: `binding ${ONLINE}`, 'of another peer': 'ok' },
    presigId: { otherwise: `presig-unknown ${ONLINE}`, 'of another peer': 'ok' },
    u: { otherwise: `signature ${ONLINE}`, 'not below q': `malformed ${ONLINE}` },
    w: { otherwise: `signature ${ONLINE}`, 'not below q': `malformed ${ONLINE}` },
  },
}

const TREATED: Record<Treatment, Expected> = {
  'replayed from an older session': `presig-unknown ${ONLINE}`,
  'replaced by that of another peer': `signature ${ONLINE}`,
  'sent to the wrong party': 'ok',
  'sent twice': 'ok',
  'sent twice, differently': `equivocation ${ONLINE}`,
  withheld: `timeout ${ONLINE}`,
}

const SIGNERS = [1, 2, 3]
const SEED = 'online adversary'

async function run(tamper: Tamper, seed: string = SEED) {
  const world = await freshWorld(3, 3, seed)
  const before = held(world.guests)
  const presignatures = valuesOf(await runPresign(world, { signers: SIGNERS, seed }))
  const results = await simulate(
    SIGNERS,
    digestOf('online'),
    (party) => {
      const mine = presignatures[party.me - 1]
      assert.ok(mine)
      const { kernel } = guestOf(world.guests, party.me)
      return signOnline(party, kernel, mine, digestOf('later'), digestOf('request'))
    },
    { tamper, mute: [MALLORY] },
  )
  assert.deepEqual(held(world.guests), before, 'the presignatures are spent, whatever happened')
  return results
}

async function archive(seed: string): Promise<Archive> {
  const letters: Letter[] = []
  const tamper = (letter: Letter) => {
    letters.push(letter)
    return letter.bytes
  }
  valuesOf(await run(tamper, seed))
  return letters
}

describe('signOnline() when party 2 cheats', function () {
  this.timeout(30_000)
  let elsewhere: Elsewhere
  before(async () => {
    elsewhere = { honest: await archive(SEED), older: await archive('older'), other: 3 }
  })

  it('has a row for every byte of the round', () => {
    assert.equal(rounds(3).online.name, ONLINE)
    assert.equal(
      FIELDS.reduce((sum, { length }) => sum + length, 0),
      Online.size,
    )
    assert.deepEqual(
      Object.keys(EXPECTED[ONLINE] ?? {}),
      FIELDS.map(({ name }) => name),
    )
    assert.deepEqual(Object.keys(TREATED), TREATMENTS)
  })

  for (const row of rowsOf(ONLINE, FIELDS, true)) {
    const expected = expectedOf(EXPECTED, row)
    it(`${row.field}, ${row.spoil}: ${expected}`, async () => {
      assertOutcome(await run(spoiling(row, FIELDS, elsewhere)), expected)
    })
  }

  for (const treatment of TREATMENTS) {
    const expected = TREATED[treatment]
    it(`the message ${treatment}: ${expected}`, async () => {
      assertOutcome(await run(treating(ONLINE, treatment, elsewhere)), expected)
    })
  }
})
