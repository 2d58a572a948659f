import assert from 'node:assert/strict'
import { ProtocolError } from '../../protocols/session/faults.ts'
import { Combine, Open, rounds } from '../../protocols/sign/messages.ts'
import type { SigningInputs } from '../../protocols/sign/sign.ts'
import type { SimulatedPool } from '../../protocols/simulation/pool.ts'
import { faultsOf, type Tamper } from '../../protocols/simulation/simulate.ts'
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
  type FieldRow,
  MALLORY,
} from '../support/run-cheats.ts'
import { dealPools, freshWorld, fromPools, held, runSign } from '../support/run-sign.ts'

/** Three of eight sign from correlations: alice is 1, mallory 2 and lo of both, carol 3 and lo of alice. */
const SIGNERS = [1, 2, 3]
const R1 = 'sign/1-name'
const R2 = 'sign/2-open'
const R3 = 'sign/3-combine'
const R1_BYTES = 64 + 2 * 8 + 1 + 2 * 16

const noneOfR2 = noPoint(R2)
const noScalar = { 'not below q': `malformed ${R2}` } as const
/** The other peers say the same sid1 in the same session: borrowing it changes nothing. */
const same = { 'of another peer': 'ok' } as const

const TABLE: AdversaryTable = {
  fields: {
    [R1]: [
      bytes('nonce', 32),
      bytes('commitment', 32),
      bytes("prefix of alice's setup", 8),
      bytes("prefix of carol's setup", 8),
      bytes('count', 1),
      bytes("name of alice's correlation", 16),
      bytes("name of carol's correlation", 16),
    ],
    [R2]: [
      bytes('sid1', 32),
      bytes('blind', 32),
      point('R'),
      point('pk'),
      point('Γ^u'),
      point('Γ^v'),
      scalar('ψ'),
      scalar('δ^u'),
      scalar('δ^v'),
    ],
    [R3]: [bytes('sid1', 32), scalar('u'), scalar('w')],
  },
  sizes: { [R1]: R1_BYTES, [R2]: Open.size, [R3]: Combine.size },
  expected: {
    [R1]: {
      nonce: { otherwise: `binding ${R2}` },
      commitment: { otherwise: `binding ${R2}` }, // it is part of sid1, which comes first
      "prefix of alice's setup": { otherwise: `generation ${R1}`, 'of an older session': 'ok' },
      "prefix of carol's setup": {
        otherwise: `generation ${R1}`,
        'of an older session': 'ok', // the same setup
        'of another peer': 'ok', // carol names it too, at the same place
        'told differently to one peer': `binding ${R2}`, // alice cannot know carol's setup
      },
      count: {
        otherwise: `malformed ${R1}`, // that many do not follow
        'of an older session': 'ok',
      },
      "name of alice's correlation": { otherwise: `corr-unknown ${R1}` },
      "name of carol's correlation": {
        otherwise: `corr-unknown ${R1}`,
        'of another peer': `malformed ${R1}`, // carol names one only, so nothing stands there
        'told differently to one peer': `binding ${R2}`, // alice cannot know what carol holds
      },
    },
    [R2]: {
      sid1: { otherwise: `binding ${R2}`, ...same },
      blind: { otherwise: `commitment ${R2}` },
      R: { otherwise: `commitment ${R2}`, ...noneOfR2 },
      pk: { otherwise: `check2 ${R2}`, ...noneOfR2 },
      'Γ^u': { otherwise: `check1 ${R2}`, ...noneOfR2 },
      'Γ^v': { otherwise: `check2 ${R2}`, ...noneOfR2 },
      ψ: { otherwise: `signature ${R3}`, ...noScalar }, // nothing shows whose ψ was wrong
      'δ^u': { otherwise: `check1 ${R2}`, ...noScalar },
      'δ^v': { otherwise: `check2 ${R2}`, ...noScalar },
    },
    [R3]: {
      sid1: { otherwise: `binding ${R3}`, ...same },
      u: { otherwise: `signature ${R3}`, 'not below q': `malformed ${R3}` },
      w: { otherwise: `signature ${R3}`, 'not below q': `malformed ${R3}` },
    },
  },
  treated: {
    [R1]: {
      'replayed from an older session': `corr-unknown ${R1}`,
      'replaced by that of another peer': `malformed ${R1}`, // carol names one correlation only
      'sent to the wrong party': 'ok', // everyone gets the same
      'sent twice': 'ok',
      'sent twice, differently': `equivocation ${R1}`,
      withheld: `timeout ${R1}`,
    },
    [R2]: {
      'replayed from an older session': `binding ${R2}`,
      'replaced by that of another peer': `commitment ${R2}`,
      'sent to the wrong party': `check1 ${R2}`,
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
  },
}

const SEED = 'correlated adversary'
const BANS = ['check1', 'check2']

interface Cheat {
  readonly tamper?: Tamper
  /** What is different in the pools before the run begins. */
  readonly prepare?: (pools: ReadonlyMap<number, SimulatedPool>) => void
}

/**
 * Runs the cheat; checks that no secret of the run is left but what nobody named, and that exactly the pairs
 * of a ban are closed.
 */
async function run({ tamper, prepare }: Cheat) {
  const world = await freshWorld(3, 8, SEED)
  const before = held(world.guests)
  const pools = dealPools(world, SIGNERS, SEED)
  prepare?.(pools)
  const gates = new Map<number, SigningInputs['pairs']>()
  const results = await runSign(world, {
    signers: SIGNERS,
    seed: SEED,
    mute: [MALLORY],
    ...(tamper && { tamper }),
    alter: (me, honest) => {
      gates.set(me, honest.pairs)
      return fromPools(pools)(me, honest)
    },
  })
  const resting = (me: number): number =>
    SIGNERS.reduce((sum, peer) => sum + (pools.get(me)?.of(peer).length ?? 0), 0)
  assert.deepEqual(
    held(world.guests),
    before.map((count, at) => count + resting(at + 1)),
    'no secret of the run is left',
  )
  for (const [at, result] of results.entries()) {
    const [fault] = faultsOf([result])
    const banned = fault !== undefined && BANS.includes(fault.kind) && 'from' in fault
    for (const [peer, { gate }] of gates.get(at + 1) ?? [])
      assert.equal(gate.closed, banned && fault.from === peer ? 'banned' : undefined)
  }
  return { results, pools }
}

async function archive(seed: string): Promise<Archive> {
  const world = await freshWorld(3, 8, seed)
  const alter = fromPools(dealPools(world, SIGNERS, seed))
  return lettersOf((tamper) =>
    runSign(world, { signers: SIGNERS, seed: SEED, draws: seed, alter, tamper }),
  )
}

/** The prefixes of another peer are of other setups, and its place in the list is another one. */
const isBorrowedPrefix = ({ field, spoil }: FieldRow) =>
  field.startsWith('prefix') && spoil === 'of another peer'

const hers =
  (round: string, spoil: (sent: Uint8Array, to: number) => Uint8Array): Tamper =>
  (letter) =>
    letter.from === MALLORY && letter.round === round
      ? spoil(letter.bytes, letter.to)
      : letter.bytes

const flipped = (sent: Uint8Array, at: number): Uint8Array => sent.with(at, (sent[at] ?? 0) ^ 1)

describe('sign() from correlations when party 2 cheats', function () {
  this.timeout(30_000)
  let elsewhere: Elsewhere
  before(async () => {
    elsewhere = { honest: await archive(SEED), older: await archive('older'), other: 3 }
  })

  it('has a row for every byte of every round', () => {
    const { name, open, combine } = rounds(3)
    assertComplete(
      TABLE,
      [name, open, combine].map((round) => round.name),
    )
  })

  const cheats: Cheats = {
    run: async (tamper) => (await run({ tamper })).results,
    elsewhere: () => elsewhere,
  }
  testFields(
    TABLE,
    cheats,
    (round) => round === R1 || round === R3,
    (row) => ({
      open: row.spoil === 'told differently to one peer' || isBorrowedPrefix(row),
      nobody: row.round !== R3,
    }),
  )
  testTreatments(TABLE, cheats, (round) => ({ nobody: round !== R3 }))

  const AT_COUNT = 64 + 2 * 8

  it('names none, or one only: malformed, and what she named is spent', async () => {
    for (const count of [0, 1]) {
      const tamper = hers(R1, (sent) => {
        const shorter = sent.slice(0, AT_COUNT + 1 + 16 * count)
        shorter[AT_COUNT] = count
        return shorter
      })
      const { results, pools } = await run({ tamper })
      assertOutcome(results, `malformed ${R1}`, { nobody: true })
      assert.equal(pools.get(1)?.of(MALLORY).length, count === 0 ? 1 : 0)
    }
  })

  it('names the correlations at each other’s place: corr-unknown, and both are spent', async () => {
    const tamper = hers(R1, (sent) => {
      const swapped = sent.slice()
      swapped.set(sent.subarray(AT_COUNT + 17, AT_COUNT + 33), AT_COUNT + 1)
      swapped.set(sent.subarray(AT_COUNT + 1, AT_COUNT + 17), AT_COUNT + 17)
      return swapped
    })
    const { results, pools } = await run({ tamper })
    assertOutcome(results, `corr-unknown ${R1}`, { nobody: true })
    assert.deepEqual(
      [1, 3].map((me) => pools.get(me)?.of(MALLORY).length),
      [0, 0],
    )
  })

  it('names one that alice has spent already: corr-unknown', async () => {
    const { results } = await run({
      prepare: (pools) => {
        const [first] = pools.get(1)?.of(MALLORY) ?? []
        assert.ok(first)
        // It is not among those with mallory any more; elsewhere, so that the count of secrets stays true.
        pools.get(1)?.named(MALLORY, first.id)
        pools.get(1)?.put(3, first)
      },
    })
    assertOutcome(results, `corr-unknown ${R1}`, { nobody: true })
  })

  it('withholds her R1 from carol: what alice was named, and what alice and carol named, is spent', async () => {
    const { results, pools } = await run({
      tamper: (letter) =>
        letter.from === MALLORY && letter.round === R1 && letter.to === 3
          ? undefined
          : letter.bytes,
    })
    const [alice, , carol] = results
    assert.ok(alice?.status === 'rejected' && carol?.status === 'rejected')
    assert.deepEqual(faultsOf([carol]), [{ kind: 'timeout', round: R1, missing: [MALLORY] }])
    assert.deepEqual(
      [
        [1, 2],
        [1, 3],
        [3, 1],
        [2, 1],
        [2, 3],
        [3, 2],
      ].map(([me = 0, peer = 0]) => pools.get(me)?.of(peer).length),
      [0, 0, 0, 0, 0, 1], // what was lost on its way rests with carol, until her pool is full
    )
  })

  for (const [what, at, round, kind] of [
    ['δ^u', 32 + 32 + 4 * 33 + 32 + 31, R2, 'check1'],
    ['pk', 32 + 32 + 33, R2, 'check2'],
  ] as const)
    it(`tells alice alone a wrong ${what}: alice bans her, carol blames nobody`, async () => {
      const { results } = await run({
        tamper: hers(round, (sent, to) => (to === 1 ? flipped(sent, at) : sent)),
      })
      const [alice, , carol] = results
      assert.ok(alice && carol)
      assert.deepEqual(faultsOf([alice]), [{ kind, round, from: MALLORY }])
      assert.ok(carol.status === 'rejected' && carol.reason instanceof ProtocolError)
      assert.ok(['cancelled', 'timeout'].includes(carol.reason.fault.kind), carol.reason.message)
    })

  it('sends a blind that opens nothing and a wrong δ: commitment, and nobody is banned', async () => {
    const tamper = hers(R2, (sent) => flipped(flipped(sent, 32), Open.size - 1))
    assertOutcome((await run({ tamper })).results, `commitment ${R2}`, { nobody: true })
  })
})
