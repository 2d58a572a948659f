import assert from 'node:assert/strict'
import { batchSidOf } from '../../protocols/correlations/hashes.ts'
import { rounds } from '../../protocols/correlations/messages.ts'
import type { BatchContext } from '../../protocols/correlations/produce.ts'
import { pairRoles } from '../../protocols/ot/pair-roles.ts'
import { rvoleSid } from '../../protocols/ot/session-ids.ts'
import { faultsOf, type Letter, type Tamper } from '../../protocols/simulation/simulate.ts'
import { forgeM1, nibbleOf } from '../support/adaptive-bob.ts'
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
import {
  type BatchWorld,
  batchWorld,
  bootOf,
  runCorrelations,
} from '../support/run-correlations.ts'
import { NETWORK, valuesOf } from '../support/run-keygen.ts'
import { ALICE, BOB } from '../support/run-pair-setup.ts'

/** Alice is party 1 and lo, Mallory party 2. A batch of two, so that there is a last one. */
const COUNT = 2
const C1 = 'correlations/1-propose'
const C2 = 'correlations/2-choose'
const C3 = 'correlations/3-multiply'
const C4 = 'correlations/4-answer'
const C5 = 'correlations/5-confirm'

const perItem = (fields: (k: number) => Field[]): Field[] => [0, 1].flatMap(fields)
const m1s = perItem((k) => [
  bytes(`U of m1 ${k}`, 5120),
  bytes(`x̂ of m1 ${k}`, 16),
  bytes(`t̂ of m1 ${k}`, 4096),
])
const m2s = perItem((k) => [
  scalar(`Ã of m2 ${k}`, 49_152),
  scalar(`η of m2 ${k}`),
  bytes(`μ of m2 ${k}`, 64),
])

const cote = (round: string): Record<string, FieldExpectations> =>
  Object.fromEntries(m1s.map(({ name }) => [name, { otherwise: `cote ${round}` }]))
const mu = (round: string): Record<string, FieldExpectations> =>
  Object.fromEntries(
    m2s.map(({ name, type }) => [
      name,
      {
        otherwise: `mu ${round}`,
        ...(type === 'scalar' && { 'not below q': `malformed ${round}` }),
      },
    ]),
  )

const treated = (
  round: string,
  replayed: Expected,
  borrowed: Expected,
): Record<Treatment, Expected> => ({
  'replayed from an older session': replayed,
  'replaced by that of another peer': borrowed,
  'sent to the wrong party': borrowed, // the only other party is that peer
  'sent twice': 'ok',
  'sent twice, differently': `equivocation ${round}`,
  withheld: `timeout ${round}`,
})

const sizesOf = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    Object.values(rounds(COUNT))
      .filter(({ name }) => names.includes(name))
      .map(({ name, codec }) => [name, 'size' in codec ? Number(codec.size) : 0]),
  )

/** Mallory begins: she says C1, C3 and C5. */
const AS_INITIATOR: AdversaryTable = {
  fields: {
    [C1]: [
      bytes('setupId', 32),
      bytes('bootId', 16),
      bytes('batchNo', 4),
      bytes('N', 2),
      bytes('nonce', 32),
    ],
    [C3]: [...m1s, ...m2s],
    [C5]: [bytes('transcript', 32)],
  },
  sizes: sizesOf([C1, C3, C5]),
  expected: {
    [C1]: {
      setupId: { otherwise: `generation ${C1}`, 'of an older session': 'ok' },
      bootId: { otherwise: `binding ${C1}`, 'of an older session': 'ok' },
      batchNo: {
        otherwise: `binding ${C1}`,
        'of an older session': 'ok', // the same number in this test
        'of another peer': 'ok',
      },
      N: {
        otherwise: `binding ${C1}`,
        zeroed: `malformed ${C1}`,
        'of an older session': 'ok',
        'of another peer': 'ok',
      },
      // Alice's m1 are of another batchSid then, and Mallory, who sees that they fail, falls silent.
      nonce: { otherwise: `timeout ${C3}` },
    },
    [C3]: { ...cote(C3), ...mu(C3) },
    [C5]: { transcript: { otherwise: `binding ${C5}` } },
  },
  treated: {
    [C1]: treated(C1, `timeout ${C3}`, `generation ${C1}`),
    [C3]: treated(C3, `cote ${C3}`, `cote ${C3}`),
    [C5]: treated(C5, `binding ${C5}`, `binding ${C5}`),
  },
}

/** Alice begins: Mallory says C2 and C4. */
const AS_RESPONDER: AdversaryTable = {
  fields: {
    [C2]: [bytes('bootId', 16), bytes('nonce', 32), ...m1s],
    [C4]: m2s,
  },
  sizes: sizesOf([C2, C4]),
  expected: {
    [C2]: {
      bootId: { otherwise: `binding ${C2}`, 'of an older session': 'ok' },
      nonce: { otherwise: `cote ${C2}` }, // her m1 are of another batchSid then
      ...cote(C2),
    },
    [C4]: mu(C4),
  },
  treated: {
    [C2]: treated(C2, `cote ${C2}`, `binding ${C2}`),
    [C4]: treated(C4, `mu ${C4}`, `mu ${C4}`),
  },
}

const SEED = 'batch adversary'
const LONG_LIVED = 3 // alice, bob and zeta of the setup

interface Cheat {
  readonly tamper?: Tamper
  readonly world?: BatchWorld
  readonly alter?: (me: number, honest: BatchContext) => BatchContext
}

/** Runs the cheat; checks that nothing of a failed batch is left, and that exactly a ban closes alice's gate. */
async function run(initiator: 1 | 2, { tamper, world = batchWorld(SEED), alter }: Cheat) {
  const results = await runCorrelations(world, {
    seed: SEED,
    count: COUNT,
    initiator,
    mute: [MALLORY],
    ...(tamper && { tamper }),
    ...(alter && { alter }),
  })
  assert.deepEqual(
    world.kernels.map(({ kernel }) => kernel.held),
    results.map(({ status }) => LONG_LIVED + (status === 'fulfilled' ? COUNT : 0)),
  )
  const [alice] = results
  assert.ok(alice)
  const [fault] = faultsOf([alice])
  const banned = fault?.kind === 'cote' || fault?.kind === 'mu'
  assert.equal(world.pairs[0].gate.closed, banned ? 'banned' : undefined)
  return results
}

/** Of the same parties, over the same setup, in an older session; and of alice and carol, over theirs. */
async function elsewhereFor(initiator: 1 | 2): Promise<Elsewhere> {
  const archive = (world: BatchWorld, draws: string, boot: number): Promise<Archive> =>
    lettersOf((tamper) =>
      runCorrelations(world, {
        seed: SEED,
        draws,
        count: COUNT,
        initiator,
        tamper,
        alter: (me, honest) =>
          me === MALLORY
            ? { ...honest, bootId: bootOf(boot) }
            : { ...honest, peerBootId: bootOf(boot) },
      }),
    )
  const carols = await archive(batchWorld('carol'), 'carol', 3)
  const hers = carols.filter(({ from }) => from === MALLORY)
  return {
    older: await archive(batchWorld(SEED, 'older'), 'older', MALLORY),
    honest: [
      ...hers.map((letter) => ({ ...letter, from: 3 })),
      ...hers.map((letter) => ({ ...letter, to: 3 })),
    ],
    other: 3,
  }
}

const flipped = (sent: Uint8Array, at: number): Uint8Array => sent.with(at, (sent[at] ?? 0) ^ 1)

const hers =
  (round: string, spoil: (sent: Uint8Array) => Uint8Array): Tamper =>
  ({ from, round: said, bytes: sent }) =>
    from === MALLORY && said === round ? spoil(sent) : sent

for (const [role, initiator, table] of [
  ['begins', 2, AS_INITIATOR],
  ['answers', 1, AS_RESPONDER],
] as const)
  describe(`produceCorrelations() when party 2 cheats and ${role}`, function () {
    this.timeout(30_000)
    let elsewhere: Elsewhere
    before(async () => {
      elsewhere = await elsewhereFor(initiator)
    })

    it('has a row for every byte of every message', () => {
      const said = initiator === MALLORY ? [C1, C3, C5] : [C2, C4]
      assertComplete(table, said)
    })

    const cheats: Cheats = {
      run: (tamper) => run(initiator, { tamper }),
      elsewhere: () => elsewhere,
    }
    testFields(table, cheats, () => false)
    testTreatments(table, cheats)
  })

it('the tables of correlations have all five messages', () => {
  const said = [...Object.keys(AS_INITIATOR.fields), ...Object.keys(AS_RESPONDER.fields)]
  assert.deepEqual(
    said.sort(),
    Object.values(rounds(COUNT))
      .map(({ name }) => name)
      .sort(),
  )
})

describe('produceCorrelations() when party 2 cheats', function () {
  this.timeout(30_000)

  /** Lists are spoilt in their first item above; a check that stopped early would miss these. */
  const AT_M2 = 9_232 * COUNT
  const items: [what: string, initiator: 1 | 2, round: string, at: number, Expected][] = [
    ['block 63 of U of the last m1', 1, C2, 48 + 9_232 + 63 * 80, `cote ${C2}`],
    ['t̂[255] of the last m1', 1, C2, 48 + 2 * 9_232 - 1, `cote ${C2}`],
    ['t̂[255] of the last m1', 2, C3, 2 * 9_232 - 1, `cote ${C3}`],
    ['Ã[511][2] of the last m2', 2, C3, AT_M2 + 49_248 + 32 * 1535 + 31, `mu ${C3}`],
    ['the last byte of the last μ', 2, C3, AT_M2 + 2 * 49_248 - 1, `mu ${C3}`],
    ['the last byte of the last μ', 1, C4, 2 * 49_248 - 1, `mu ${C4}`],
  ]
  for (const [what, initiator, round, at, expected] of items)
    it(`${what} in ${round}, a flipped bit: ${expected}`, async () => {
      const tamper = hers(round, (sent) => flipped(sent, at))
      assertOutcome(await run(initiator, { tamper }), expected)
    })

  it('says another scalar of q in the last m2, and a bad m1: malformed, and nobody is banned', async () => {
    const tamper = hers(C3, (sent) => {
      const spoilt = flipped(sent, 9000)
      const at = AT_M2 + 49_248 + 32 * 1536
      spoilt.fill(0xff, at, at + 32)
      return spoilt
    })
    assertOutcome(await run(2, { tamper }), `malformed ${C3}`)
  })

  it('exchanges her two m1, or her two m2: each is of its own number', async () => {
    const swapped = (sent: Uint8Array, start: number, length: number) => {
      const changed = sent.slice()
      changed.set(sent.subarray(start + length, start + 2 * length), start)
      changed.set(sent.subarray(start, start + length), start + length)
      return changed
    }
    for (const [initiator, round, start, length, expected] of [
      [1, C2, 48, 9_232, `cote ${C2}`],
      [2, C3, 0, 9_232, `cote ${C3}`],
      [2, C3, AT_M2, 49_248, `mu ${C3}`],
      [1, C4, 0, 49_248, `mu ${C4}`],
    ] as const) {
      const tamper = hers(round, (sent) => swapped(sent, start, length))
      assertOutcome(await run(initiator, { tamper }), expected)
    }
  })

  it('sends C3 before C2 is out: it waits, and is judged for what it is', async () => {
    const tamper: Tamper = (letter) => {
      if (letter.from !== MALLORY || letter.round !== C1) return letter.bytes
      return [letter, { ...letter, round: C3, bytes: new Uint8Array(58_480 * COUNT) }]
    }
    // The early copy counts, and fits no batchSid that alice's nonce is in.
    assertOutcome(await run(2, { tamper }), `cote ${C3}`)
  })

  it('sends C5 in the place of C3: alice has no batch', async () => {
    const tamper: Tamper = (letter) => {
      if (letter.from !== MALLORY || letter.round === C1) return letter.bytes
      return [{ ...letter, round: C5, bytes: new Uint8Array(32) }]
    }
    assertOutcome(await run(2, { tamper }), `timeout ${C3}`)
  })

  it('lets no m2 leave before every m1 of the batch passed', async () => {
    const left: string[] = []
    const watch =
      (spoil: Tamper): Tamper =>
      (letter) => {
        if (letter.from !== MALLORY) left.push(letter.round)
        return spoil(letter)
      }
    await run(1, { tamper: watch(hers(C2, (sent) => flipped(sent, 48 + 9_232 + 9000))) })
    assert.deepEqual(left.splice(0), [C1])
    await run(2, { tamper: watch(hers(C3, (sent) => flipped(sent, 9_232 + 9000))) })
    assert.deepEqual(left.splice(0), [C2])
    await run(2, { tamper: watch(hers(C3, (sent) => flipped(sent, AT_M2 + 2 * 49_248 - 1))) })
    assert.deepEqual(left, [C2])
  })

  it('has another bootId than her channel said: the ids of both sides would differ', async () => {
    const unknown = { peerBootId: bootOf(9) }
    const alter = (me: number, honest: BatchContext) =>
      me === MALLORY ? honest : { ...honest, ...unknown }
    assertOutcome(await run(2, { alter }), `binding ${C1}`)
    assertOutcome(await run(1, { alter }), `binding ${C2}`)
  })

  /** Mallory's m1 of C2, with errors as the adaptive Bob of 02 §13.1 makes them. */
  function adaptive(world: BatchWorld, guesses: ReadonlyMap<number, number>): Tamper {
    const pair = world.pairs[1]
    const { leaves } = world.kernels[1].slots.get(pair.bob, 'bob')
    const known = leaves.slice()
    let c1: Uint8Array = new Uint8Array()
    return (letter) => {
      if (letter.round === C1) c1 = letter.bytes
      if (letter.from !== MALLORY || letter.round !== C2) return letter.bytes
      const { propose, choose } = rounds(COUNT)
      const said = choose.codec.decode(letter.bytes)
      const parties = {
        networkId: NETWORK,
        epochId: NETWORK,
        guestLo: ALICE.id,
        guestHi: BOB.id,
        initiatorIsHi: false,
      }
      const batchSid = batchSidOf(parties, propose.codec.decode(c1), said)
      const forged = said.m1s.slice()
      for (const [k, guess] of guesses) {
        const sid = rvoleSid(batchSid, pair.setupId, k, pairRoles(pair.lo).asBob)
        const m1 = said.m1s.slice(9_232 * k, 9_232 * (k + 1))
        forged.set(forgeM1(known, sid, m1, BLOCK + k, guess), 9_232 * k)
      }
      return choose.codec.encode({ ...said, m1s: forged })
    }
  }
  const BLOCK = 22 // any; the second item errs in the next one

  const nibbles = (): number[] => {
    const { kernels, pairs } = batchWorld(SEED)
    const { delta } = kernels[0].slots.get(pairs[0].alice, 'alice')
    return [nibbleOf(delta, BLOCK), nibbleOf(delta, BLOCK + 1)]
  }

  it('guesses four bits of Δ in one item: it passes for one guess of 16, else ban', async () => {
    const passed: number[] = []
    for (let guess = 0; guess < 16; guess++) {
      const world = batchWorld(SEED)
      const results = await run(1, { world, tamper: adaptive(world, new Map([[1, guess]])) })
      const [fault] = faultsOf(results.slice(0, 1))
      if (fault?.kind !== 'cote') passed.push(guess)
      // Her own half no longer fits alice's answer: she falls silent.
      assertOutcome(results, fault?.kind === 'cote' ? `cote ${C2}` : `timeout ${C4}`)
    }
    assert.deepEqual(passed, [nibbles()[1]])
  })

  it('guesses in every item of a batch: one wrong guess is a ban, and the fault does not say where', async () => {
    const [first = 0, second = 0] = nibbles()
    const outcomes: [number, number, Expected][] = [
      [first, second, `timeout ${C4}`],
      [first ^ 1, second, `cote ${C2}`],
      [first, second ^ 8, `cote ${C2}`],
      [first ^ 4, second ^ 2, `cote ${C2}`],
    ]
    for (const [zero, one, expected] of outcomes) {
      const world = batchWorld(SEED)
      const guesses = new Map([
        [0, zero],
        [1, one],
      ])
      const results = await run(1, { world, tamper: adaptive(world, guesses) })
      assertOutcome(results, expected)
      const [fault] = faultsOf(results.slice(0, 1))
      if (fault?.kind === 'cote')
        assert.deepEqual(fault, { kind: 'cote', round: C2, from: MALLORY })
    }
  })

  it('fails while another session finds her out: not one more m1 is looked at, and nothing leaves', async () => {
    const world = batchWorld(SEED)
    const left: Letter[] = []
    let breaths = 0
    const results = await runCorrelations(world, {
      seed: SEED,
      count: COUNT,
      mute: [MALLORY],
      tamper: (letter) => {
        if (letter.from !== MALLORY) left.push(letter)
        return letter.bytes
      },
      alter: (me, honest) =>
        me === MALLORY
          ? honest
          : {
              ...honest,
              breathe: async () => {
                if (++breaths === 1) world.pairs[0].gate.close('banned')
              },
            },
    })
    const [alice] = results
    assert.ok(alice)
    assert.deepEqual(faultsOf([alice]), [{ kind: 'banned', round: C2, from: MALLORY }])
    assert.equal(breaths, 1)
    assert.deepEqual(
      left.map(({ round }) => round),
      [C1],
    )
  })

  it('is honest after all: the same run without a cheat gives both their halves', async () => {
    for (const initiator of [1, 2] as const) {
      const [mine, theirs] = valuesOf(await run(initiator, {}))
      assert.deepEqual(
        mine?.correlations.map(({ id }) => id),
        theirs?.correlations.map(({ id }) => id),
      )
    }
  })
})
