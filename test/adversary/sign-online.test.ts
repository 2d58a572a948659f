import assert from 'node:assert/strict'
import { Online, rounds } from '../../protocols/sign/messages.ts'
import { signOnline } from '../../protocols/sign/sign-online.ts'
import { simulate, type Tamper } from '../../protocols/simulation/simulate.ts'
import {
  type AdversaryTable,
  assertComplete,
  bytes,
  type Cheats,
  lettersOf,
  scalar,
  testFields,
  testTreatments,
} from '../support/adversary-table.ts'
import { type Archive, type Elsewhere, MALLORY } from '../support/run-cheats.ts'
import { guestOf, valuesOf } from '../support/run-keygen.ts'
import { digestOf, freshWorld, held, runPresign } from '../support/run-sign.ts'

/** The one message of form (c); three sign, mallory is party 2. */
const ONLINE = 'sign/online'

const TABLE: AdversaryTable = {
  fields: { [ONLINE]: [bytes('onlineSid', 32), bytes('presigId', 16), scalar('u'), scalar('w')] },
  sizes: { [ONLINE]: Online.size },
  expected: {
    [ONLINE]: {
      onlineSid: { otherwise: `binding ${ONLINE}`, 'of another peer': 'ok' },
      presigId: { otherwise: `presig-unknown ${ONLINE}`, 'of another peer': 'ok' },
      u: { otherwise: `signature ${ONLINE}`, 'not below q': `malformed ${ONLINE}` },
      w: { otherwise: `signature ${ONLINE}`, 'not below q': `malformed ${ONLINE}` },
    },
  },
  treated: {
    [ONLINE]: {
      'replayed from an older session': `presig-unknown ${ONLINE}`,
      'replaced by that of another peer': `signature ${ONLINE}`,
      'sent to the wrong party': 'ok',
      'sent twice': 'ok',
      'sent twice, differently': `equivocation ${ONLINE}`,
      withheld: `timeout ${ONLINE}`,
    },
  },
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

const archive = (seed: string): Promise<Archive> => lettersOf((tamper) => run(tamper, seed))

describe('signOnline() when party 2 cheats', function () {
  this.timeout(30_000)
  let elsewhere: Elsewhere
  before(async () => {
    elsewhere = { honest: await archive(SEED), older: await archive('older'), other: 3 }
  })

  it('has a row for every byte of the round', () => {
    assertComplete(TABLE, [rounds(3).online.name])
  })

  const cheats: Cheats = { run: (tamper) => run(tamper), elsewhere: () => elsewhere }
  testFields(TABLE, cheats, () => true)
  testTreatments(TABLE, cheats)
})
