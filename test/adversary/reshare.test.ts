import assert from 'node:assert/strict'
import { tags } from '../../protocols/crypto/tags.ts'
import type { Handle } from '../../protocols/kernel/kernel.ts'
import { rounds } from '../../protocols/reshare/messages.ts'
import type { ReshareCollaborators } from '../../protocols/reshare/reshare-keys.ts'
import { Deal } from '../../protocols/sharing/messages.ts'
import {
  type AdversaryTable,
  assertComplete,
  bytes,
  type Cheats,
  lettersOf,
  point,
  scalar,
  testFields,
  testTreatments,
} from '../support/adversary-table.ts'
import {
  assertOutcome,
  type Elsewhere,
  type Expected,
  type Field,
  type FieldExpectations,
  MALLORY,
  type Treatment,
} from '../support/run-cheats.ts'
import { committee, type TestGuest } from '../support/run-keygen.ts'
import { fastKernel, firstEpoch, type ReshareRun, runReshare } from '../support/run-reshare.ts'

/**
 * One key, from 3 of {1, 2, 3, 5} to 2 of {1, 2, 4, 5}: mallory is party 2. Alice, 1, stays without dealing; carol, 3,
 * deals and leaves; dave, 4, is new; erin, 5, deals and stays.
 */
const SEED = 'adversary'
const DEALERS = [2, 3, 5]
/** Another session, in which mallory does not deal. */
const WITHOUT_MALLORY = [1, 3, 5]
const ERIN = 5

const ROUND = rounds(3, 2, 1)
const [K1, N1, K2, INTRODUCE, SHOW, K3, K4] = [
  ROUND.commit.name,
  ROUND.nonce.name,
  ROUND.deal.name,
  ROUND.introduce.name,
  ROUND.show.name,
  ROUND.prove.name,
  ROUND.certify.name,
]

const OPEN: Field[] = [
  bytes('sid', 32),
  bytes('blind', 32),
  bytes('chain code', 32),
  point('F[0]'),
  point('F[1]'),
  point('T of proof 0'),
  scalar('z of proof 0'),
  point('T of proof 1'),
  scalar('z of proof 1'),
]
const FIELDS: Record<string, Field[]> = {
  [K1]: [bytes('nonce', 32), bytes('commitment', 32)],
  [K2]: [...OPEN, scalar('share')],
  [INTRODUCE]: [
    ...OPEN,
    scalar('share'),
    bytes('key id', 32),
    point('old F', 99),
    bytes('old chain code', 32),
  ],
  [SHOW]: OPEN,
  [K3]: [bytes('sid', 32), bytes('T', 32), point('T of the proof'), scalar('z of the proof')],
  [K4]: [bytes('sid', 32), bytes('signature', 64)],
}

const same = { 'of another peer': 'ok' } as const

const OPENED: Record<string, FieldExpectations> = {
  sid: { otherwise: `binding ${K2}`, ...same },
  blind: { otherwise: `commitment ${K2}` },
  // 32 zero bytes, in every session and for every dealer
  'chain code': {
    otherwise: `commitment ${K2}`,
    zeroed: 'ok',
    'of an older session': 'ok',
    ...same,
  },
  'F[0]': { otherwise: `commitment ${K2}` },
  'F[1]': { otherwise: `commitment ${K2}` },
  'T of proof 0': { otherwise: `proof ${K2}` },
  'z of proof 0': { otherwise: `proof ${K2}` },
  'T of proof 1': { otherwise: `proof ${K2}` },
  'z of proof 1': { otherwise: `proof ${K2}` },
}
const SHARE: FieldExpectations = { otherwise: `share ${K2}`, 'not below q': `malformed ${K2}` }
/** Every dealer tells a newcomer the same of the keys; the older session was of other keys. */
const KNOWN: FieldExpectations = { otherwise: `proof ${K2}`, ...same }

const EXPECTED: Record<string, Record<string, FieldExpectations>> = {
  [K1]: { nonce: { otherwise: `binding ${K2}` }, commitment: { otherwise: `binding ${K2}` } },
  [K2]: { ...OPENED, share: SHARE },
  [INTRODUCE]: {
    ...OPENED,
    share: SHARE,
    'key id': KNOWN,
    'old F': KNOWN,
    'old chain code': KNOWN,
  },
  [SHOW]: OPENED,
  [K3]: {
    sid: { otherwise: `binding ${K3}`, ...same },
    T: { otherwise: `binding ${K3}`, ...same },
    'T of the proof': { otherwise: `proof ${K3}` },
    'z of the proof': { otherwise: `proof ${K3}` },
  },
  [K4]: { sid: { otherwise: `binding ${K4}`, ...same }, signature: { otherwise: `proof ${K4}` } },
}

const treatedAs = (
  round: string,
  changes: Partial<Record<Treatment, Expected>>,
): Record<Treatment, Expected> => ({
  'replayed from an older session': `binding ${round}`,
  'replaced by that of another peer': `proof ${round}`,
  'sent to the wrong party': 'ok', // everyone gets the same, or party 1 gets none of these
  'sent twice': 'ok',
  'sent twice, differently': `equivocation ${round}`,
  withheld: `timeout ${round}`,
  ...changes,
})
const dealt = {
  'replayed from an older session': `binding ${K2}`,
  'replaced by that of another peer': `commitment ${K2}`,
} as const
const TREATED: Record<string, Record<Treatment, Expected>> = {
  [K1]: treatedAs(K1, {
    'replayed from an older session': `binding ${K2}`,
    'replaced by that of another peer': `binding ${K2}`,
  }),
  [K2]: treatedAs(K2, { ...dealt, 'sent to the wrong party': `share ${K2}` }),
  [INTRODUCE]: treatedAs(INTRODUCE, dealt),
  [SHOW]: treatedAs(SHOW, dealt),
  [K3]: treatedAs(K3, {}),
  [K4]: treatedAs(K4, {}),
}

const sizesOf = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    Object.values(ROUND)
      .filter(({ name }) => names.includes(name))
      .map(({ name, codec }) => [name, (codec as unknown as { size: number }).size]),
  )

const TABLE: AdversaryTable = {
  fields: FIELDS,
  sizes: sizesOf(Object.keys(FIELDS)),
  expected: EXPECTED,
  treated: TREATED,
}

/** What mallory says where she only receives. */
const NONCE_TABLE: AdversaryTable = {
  fields: { [N1]: [bytes('nonce', 32)] },
  sizes: sizesOf([N1]),
  // She alone means another session then, and falls silent when she sees it.
  expected: {
    [N1]: {
      nonce: { otherwise: `timeout ${K3}`, 'told differently to one peer': `binding ${K2}` },
    },
  },
  treated: {
    [N1]: treatedAs(N1, {
      'replayed from an older session': `timeout ${K3}`,
      'replaced by that of another peer': `timeout ${K3}`,
    }),
  },
}

type Cheat = Pick<ReshareRun, 'tamper' | 'alter' | 'instance' | 'mute'>

/** The same epoch for every cheat, in kernels of its own: what is left in them is counted. */
async function scene(
  kernels: string,
): Promise<{ all: TestGuest[]; run: Omit<ReshareRun, 'seed' | 'dealers'> }> {
  const all = committee(5, SEED, kernels, fastKernel)
  const old = all.filter(({ index }) => index !== 4)
  const from = await firstEpoch(old, 3, 1, kernels)
  return { all, run: { from, to: all.filter(({ index }) => index !== 3), threshold: 2 } }
}

async function run(cheat: Cheat, dealers: readonly number[] = DEALERS, seed: string = SEED) {
  const { all, run } = await scene(seed)
  const results = await runReshare({ ...run, dealers, seed, mute: [MALLORY], ...cheat })
  const left = all.map(({ kernel }) => kernel.held)
  const old = [1, 1, 1, 0, 1]
  assert.deepEqual(
    left,
    results.map(({ status }, at) => (old[at] ?? 0) + Number(status === 'fulfilled' && at !== 2)),
    'a failed run leaves the old shares and nothing else',
  )
  return results
}

const elsewhereOf = async (dealers: readonly number[]): Promise<Elsewhere> => ({
  honest: await lettersOf((tamper) => run({ tamper }, dealers)),
  older: await lettersOf((tamper) => run({ tamper }, dealers, 'older')),
  other: ERIN,
})

const nobody = (round: string) => round !== K4

describe('reshareKeys() when party 2 cheats', function () {
  this.timeout(20_000)
  let elsewhere: Elsewhere
  before(async () => {
    elsewhere = await elsewhereOf(DEALERS)
  })

  it('has a row for every byte of every round', () => {
    assertComplete(TABLE, [K1, K2, INTRODUCE, SHOW, K3, K4])
    assertComplete(NONCE_TABLE, [N1])
    assert.deepEqual(
      Object.values(ROUND).map(({ name }) => name),
      [K1, N1, K2, INTRODUCE, SHOW, K3, K4],
    )
  })

  const cheats: Cheats = { run: (tamper) => run({ tamper }), elsewhere: () => elsewhere }
  const dealing = [K2, INTRODUCE, SHOW]
  testFields(
    TABLE,
    cheats,
    (round) => !dealing.includes(round),
    ({ round }) => ({ open: true, nobody: nobody(round) }),
  )
  testTreatments(TABLE, cheats, (round) => ({ open: true, nobody: nobody(round) }))

  const mallory =
    (change: (kernel: ReshareCollaborators['kernel']) => Partial<ReshareCollaborators['kernel']>) =>
    (me: number, honest: ReshareCollaborators): ReshareCollaborators =>
      me === MALLORY
        ? { ...honest, kernel: { ...honest.kernel, ...change(honest.kernel) } }
        : honest

  it('deals her share without its weight: everyone names her', async () => {
    const results = await run({
      alter: mallory((kernel) => ({
        dealBegin: (threshold, count, constants) => kernel.dealBegin(threshold, count, constants),
        areMultiples: () => true, // an honest one finds it out herself
      })),
    })
    assertOutcome(results, `proof ${K2}`, { nobody: true })
  })

  it('deals another secret with all proofs in order: everyone names her', async () => {
    const results = await run({
      alter: mallory((kernel) => ({
        dealBegin: (threshold, count) => kernel.dealBegin(threshold, count),
        areMultiples: () => true,
      })),
    })
    assertOutcome(results, `proof ${K2}`, { nobody: true })
  })

  it('is the one who halts when her share is not of its key, before she says anything', async () => {
    const said: string[] = []
    const { all, run } = await scene(SEED)
    const wrong = all[0]?.kernel.shareOut(run.from.shares.get(1)?.[0] as Handle<'share'>)
    assert.ok(wrong)
    const shares = new Map(run.from.shares)
    const { kernel } = all[MALLORY - 1] as TestGuest
    shares.set(MALLORY, [kernel.shareIn(wrong)])
    const results = await runReshare({
      ...run,
      from: { ...run.from, shares },
      dealers: DEALERS,
      seed: SEED,
      tamper: ({ from, round, bytes: sent }) => {
        if (from === MALLORY) said.push(round)
        return sent
      },
    })
    const mine = results[MALLORY - 1]
    assert.ok(mine?.status === 'rejected' && mine.reason.fault.kind === 'own-share')
    assert.deepEqual(said, [])
  })

  it('promises, and opens, a chain code: malformed', async () => {
    const mine = new Uint8Array(32).fill(7)
    const results = await run({
      alter: (me, honest) =>
        mallory((kernel) => ({
          oracle: (tag, length, ...fields) => {
            const own = tag === tags.dealCommitment && fields[1]?.[0] === idOf(MALLORY)[0]
            return kernel.oracle(tag, length, ...(own ? fields.with(3, mine) : fields))
          },
        }))(me, honest),
      tamper: ({ from, round, bytes: sent }) => {
        if (from !== MALLORY || !dealing.includes(round)) return sent
        const changed = sent.slice()
        changed.set(mine, 64)
        return changed
      },
    })
    assertOutcome(results, `malformed ${K2}`, { nobody: true })
  })

  it('promises, and then opens, a point that is none: malformed', async () => {
    const results = await run({
      alter: mallory((kernel) => ({
        dealBegin: (...given) => {
          const begun = kernel.dealBegin(...given)
          begun.F.set([2, ...new Uint8Array(31), 5], 33) // x = 5 is on no point
          return begun
        },
      })),
    })
    assertOutcome(results, `malformed ${K2}`, { nobody: true })
  })

  it('promises a coefficient that she does not know: proof', async () => {
    const borrowed = committee(1, 'somebody else', 'x', fastKernel)[0]?.kernel.dealBegin(2, 1).F
    assert.ok(borrowed)
    const results = await run({
      alter: mallory((kernel) => ({
        dealBegin: (...given) => {
          const begun = kernel.dealBegin(...given)
          begun.F.set(borrowed.subarray(33), 33)
          return begun
        },
      })),
    })
    assertOutcome(results, `proof ${K2}`, { nobody: true })
  })

  it('proves the same commitment differently to each: T differs, and who lied is open', async () => {
    let again: (() => Uint8Array) | undefined
    const results = await run({
      alter: mallory((kernel) => ({
        dealProve: (deal, sid, dealer) => {
          again = () => kernel.dealProve(deal, sid, dealer)
          return again()
        },
      })),
      tamper: ({ from, to, round, bytes: sent }) => {
        if (from !== MALLORY || to !== 1 || round !== K2 || again === undefined) return sent
        const deal = Deal(2, 1)
        return deal.encode({ ...deal.decode(sent), proofs: again() })
      },
    })
    assertOutcome(results, `binding ${K3}`, { open: true, nobody: true })
  })

  for (const [who, to, round] of [
    ['alice', 1, K2],
    ['dave, who is new,', 4, INTRODUCE],
  ] as const)
    it(`deals a bad share to ${who} alone: who got it names her, and nobody keeps a share`, async () => {
      const at = 32 * 3 + 2 * 33 + 2 * 65 + 31
      const results = await run({
        tamper: (letter) =>
          letter.from === MALLORY && letter.to === to && letter.round === round
            ? letter.bytes.with(at, (letter.bytes[at] ?? 0) ^ 1)
            : letter.bytes,
      })
      assertOutcome(results, `share ${K2}`, { nobody: true })
    })

  it('replays what she dealt for another chunk: it is bound to that one', async () => {
    const letters = elsewhere.older
    const results = await run({
      tamper: (letter) => {
        if (letter.from !== MALLORY || letter.round === K3 || letter.round === K4)
          return letter.bytes
        const { round, from, to } = letter
        return letters.find((old) => old.round === round && old.from === from && old.to === to)
          ?.bytes
      },
    })
    assertOutcome(results, `binding ${K2}`, { open: true, nobody: true })
  })

  it('sends K4 before K3: nobody certifies, nobody keeps a share', async () => {
    const results = await run({
      tamper: (letter) => {
        if (letter.from !== MALLORY || ![K3, K4].includes(letter.round)) return letter.bytes
        if (letter.round === K4) return undefined
        return [{ ...letter, round: K4, bytes: new Uint8Array(96) }]
      },
    })
    assertOutcome(results, `timeout ${K3}`, { nobody: true })
  })

  it('deals for a higher threshold: malformed, before anything else is looked at', async () => {
    const results = await run({
      tamper: ({ from, round, bytes: sent }) =>
        from === MALLORY && round === K2 ? new Uint8Array(Deal(3, 1).size) : sent,
    })
    assertOutcome(results, `malformed ${K2}`, { nobody: true })
  })
})

describe('reshareKeys() when party 2, who only receives, cheats', function () {
  this.timeout(20_000)
  let elsewhere: Elsewhere
  before(async () => {
    const honest = await elsewhereOf(WITHOUT_MALLORY)
    // Dave is the other one who says a nonce.
    elsewhere = { ...honest, other: 4 }
  })

  const cheats: Cheats = {
    run: (tamper) => run({ tamper }, WITHOUT_MALLORY),
    elsewhere: () => elsewhere,
  }
  testFields(
    NONCE_TABLE,
    cheats,
    () => true,
    () => ({ open: true, nobody: true }),
  )
  testTreatments(NONCE_TABLE, cheats, () => ({ open: true, nobody: true }))
})

const idOf = (index: number): Uint8Array =>
  committee(5, SEED, SEED, fastKernel).find((guest) => guest.index === index)?.id ??
  new Uint8Array()
