import assert from 'node:assert/strict'
import { Commit, Confirm, Open, rounds, Transfer } from '../../protocols/pair-setup/messages.ts'
import type { Tamper } from '../../protocols/simulation/simulate.ts'
import {
  type AdversaryTable,
  assertComplete,
  bytes,
  type Cheats,
  lettersOf,
  noPoint,
  point,
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
  MALLORY,
  type Treatment,
} from '../support/run-cheats.ts'
import { BOB, runPairSetup } from '../support/run-pair-setup.ts'

/** Mallory is party 2, alice 1. "Another peer" is carol, party 3, with whom mallory had a session before. */
const P1 = 'pair-setup/1-commit'
const P2 = 'pair-setup/2-transfer'
const P3 = 'pair-setup/3-open'
const P4 = 'pair-setup/4-confirm'

const FIELDS: Record<string, Field[]> = {
  [P1]: [bytes('nonce', 32), point('A'), bytes('promise of z', 32)],
  [P2]: [bytes('pairSid', 32), point('φ', 512 * 33)],
  [P3]: [
    bytes('pairSid', 32),
    bytes('t of block 0', 192),
    bytes('proof of block 0', 64),
    bytes('sum of block 0', 64),
    bytes('blocks 1 to 63', 63 * 320),
    bytes('z', 32),
    bytes('blind', 32),
  ],
  [P4]: [bytes('pairSid', 32), bytes('transcript', 32)],
}
const SIZES: Record<string, number> = {
  [P1]: Commit.size,
  [P2]: Transfer.size,
  [P3]: Open.size,
  [P4]: Confirm.size,
}

/**
 * One correction t^1_0 matters only if it lies on the path to alice's hidden leaf. If it does not, all proofs
 * hold, and P4 shows that the two saw different messages. With this seed it does in block 0, not in block 1.
 */
const EXPECTED: Record<string, Record<string, FieldExpectations>> = {
  [P1]: {
    nonce: { otherwise: `binding ${P2}` },
    A: { otherwise: `binding ${P2}`, ...noPoint(P1) },
    'promise of z': { otherwise: `commitment ${P3}` },
  },
  [P2]: {
    pairSid: { otherwise: `binding ${P2}` },
    // A φ that is a point, but not the one whose choice mallory knows, makes alice's PPRF message useless to
    // her: she cannot finish, and alice finds her missing.
    φ: { otherwise: `timeout ${P4}`, ...noPoint(P2) },
  },
  [P3]: {
    pairSid: { otherwise: `binding ${P3}` },
    't of block 0': { otherwise: `pprf ${P3}` },
    'proof of block 0': { otherwise: `pprf ${P3}` },
    'sum of block 0': { otherwise: `pprf ${P3}` },
    'blocks 1 to 63': { otherwise: `pprf ${P3}`, 'a flipped bit': `binding ${P4}` },
    z: { otherwise: `commitment ${P3}` },
    blind: { otherwise: `commitment ${P3}` },
  },
  [P4]: {
    pairSid: { otherwise: `binding ${P4}` },
    transcript: { otherwise: `binding ${P4}` },
  },
}

const treated = (round: string, next: string): Record<Treatment, Expected> => ({
  'replayed from an older session': `binding ${next}`,
  'replaced by that of another peer': `binding ${next}`,
  'sent to the wrong party': `binding ${next}`, // what mallory says to carol
  'sent twice': 'ok',
  'sent twice, differently': `equivocation ${round}`,
  withheld: `timeout ${round}`,
})
const TREATED: Record<string, Record<Treatment, Expected>> = {
  [P1]: treated(P1, P2),
  [P2]: treated(P2, P2),
  [P3]: treated(P3, P3),
  [P4]: treated(P4, P4),
}

const TABLE: AdversaryTable = {
  fields: FIELDS,
  sizes: SIZES,
  expected: EXPECTED,
  treated: TREATED,
}

const SEED = 'pair'

async function run(tamper: Tamper) {
  const { results, kernels } = await runPairSetup({ seed: SEED, tamper, mute: [MALLORY] })
  assert.deepEqual(
    kernels.map(({ held }) => held),
    results.map(({ status }) => (status === 'fulfilled' ? 3 : 0)),
    'no secret of a failed run is left',
  )
  return results
}

/** An older session, of mallory with carol: what mallory said in it, and what carol said. */
async function olderSession(): Promise<Archive> {
  const carol = { index: 3, id: new Uint8Array(32).fill(0x33) }
  return lettersOf(async (tamper) => {
    const { results } = await runPairSetup({ seed: 'older', guests: [BOB, carol], tamper })
    return results
  })
}

describe('setUpPair() when party 2 cheats', function () {
  this.timeout(60_000) // base OTs in bigints
  let elsewhere: Elsewhere
  before(async () => {
    const letters = await olderSession()
    const toAlice = letters.map((letter) => ({ ...letter, to: 1 }))
    elsewhere = { honest: [...letters, ...toAlice], older: toAlice, other: 3 }
  })

  it('has a row for every byte of every round', () => {
    assertComplete(
      TABLE,
      Object.values(rounds).map(({ name }) => name),
    )
  })

  const cheats: Cheats = { run, elsewhere: () => elsewhere }
  testFields(TABLE, cheats, () => false)

  /** Lists are spoilt in their first item above; a check that stopped early would miss these. */
  const BLOCK = 320 // three levels of two corrections, a proof, a sum (02 §2.4)
  const items: [name: string, round: string, at: number, value: number[] | undefined, string][] = [
    ['the last point of φ, another one', P2, 32 + 511 * 33, undefined, `timeout ${P4}`],
    ['the last point of φ, none', P2, 32 + 511 * 33, [4], `malformed ${P2}`],
    ['a point in the middle of φ, none', P2, 32 + 307 * 33, [4], `malformed ${P2}`],
    ['the proof of block 63', P3, 32 + 63 * BLOCK + 192, undefined, `pprf ${P3}`],
    ['the last byte of the sum of block 63', P3, 32 + 64 * BLOCK - 1, undefined, `pprf ${P3}`],
    ['the sum of block 29', P3, 32 + 29 * BLOCK + 256, undefined, `pprf ${P3}`],
  ]
  for (const [name, round, at, value, expected] of items)
    it(`${name}, in ${round}: ${expected}`, async () => {
      const results = await run((letter) => {
        if (letter.from !== MALLORY || letter.round !== round) return letter.bytes
        const changed = letter.bytes.slice()
        changed.set(value ?? [(changed[at] ?? 0) ^ 1], at)
        return changed
      })
      assertOutcome(results, expected)
    })

  testTreatments(TABLE, cheats)

  it('sends P3 before P2: it is no answer to P1, and nothing leaves for it', async () => {
    const sent: string[] = []
    const results = await run((letter) => {
      if (letter.from !== MALLORY) {
        sent.push(letter.round)
        return letter.bytes
      }
      if (letter.round === P2) return [{ ...letter, round: P3, bytes: new Uint8Array(Open.size) }]
      return letter.round === P1 ? letter.bytes : undefined
    })
    assertOutcome(results, `timeout ${P2}`)
    assert.deepEqual(sent, [P1, P2])
  })

  it('changes both corrections of a level, so that one lies on the path: pprf', async () => {
    const results = await run((letter) => {
      if (letter.from !== MALLORY || letter.round !== P3) return letter.bytes
      const changed = letter.bytes.slice()
      for (const at of [32, 64]) changed[at] = (changed[at] ?? 0) ^ 1
      return changed
    })
    assertOutcome(results, `pprf ${P3}`)
  })
})
