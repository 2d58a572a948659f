import assert from 'node:assert/strict'
import type { Handle } from '../../protocols/kernel/kernel.ts'
import type { KeygenCollaborators } from '../../protocols/keygen/generate-keys.ts'
import { rounds } from '../../protocols/keygen/messages.ts'
import { Certify, Commit, Deal, Prove } from '../../protocols/sharing/messages.ts'
import type { Tamper } from '../../protocols/simulation/simulate.ts'
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
  type Archive,
  assertOutcome,
  type Elsewhere,
  type Expected,
  type Field,
  type FieldExpectations,
  MALLORY,
  type Treatment,
} from '../support/run-cheats.ts'
import { committee, runKeygen, type TestGuest } from '../support/run-keygen.ts'
import { held } from '../support/run-sign.ts'

/** One key, 2 of 3: mallory is party 2, alice 1 and carol 3. */
const K1 = 'keygen/1-commit'
const K2 = 'keygen/2-deal'
const K3 = 'keygen/3-prove'
const K4 = 'keygen/4-certify'

const FIELDS: Record<string, Field[]> = {
  [K1]: [bytes('nonce', 32), bytes('commitment', 32)],
  [K2]: [
    bytes('sid', 32),
    bytes('blind', 32),
    bytes('chain code', 32),
    point('F[0]'),
    point('F[1]'),
    point('T of proof 0'),
    scalar('z of proof 0'),
    point('T of proof 1'),
    scalar('z of proof 1'),
    scalar('share'),
  ],
  [K3]: [bytes('sid', 32), bytes('T', 32), point('T of the proof'), scalar('z of the proof')],
  [K4]: [bytes('sid', 32), bytes('signature', 64)],
}
const SIZES: Record<string, number> = {
  [K1]: Commit.size,
  [K2]: Deal(2, 1).size,
  [K3]: Prove(1).size,
  [K4]: Certify.size,
}

/** The other peers say the same sid and T in the same session: borrowing those changes nothing. */
const same = { 'of another peer': 'ok' } as const

const EXPECTED: Record<string, Record<string, FieldExpectations>> = {
  [K1]: {
    nonce: { otherwise: `binding ${K2}` },
    commitment: { otherwise: `binding ${K2}` }, // it is part of sid, which comes first
  },
  [K2]: {
    sid: { otherwise: `binding ${K2}`, ...same },
    blind: { otherwise: `commitment ${K2}` },
    'chain code': { otherwise: `commitment ${K2}` },
    'F[0]': { otherwise: `commitment ${K2}` },
    'F[1]': { otherwise: `commitment ${K2}` },
    'T of proof 0': { otherwise: `proof ${K2}` },
    'z of proof 0': { otherwise: `proof ${K2}` },
    'T of proof 1': { otherwise: `proof ${K2}` },
    'z of proof 1': { otherwise: `proof ${K2}` },
    share: { otherwise: `share ${K2}`, 'not below q': `malformed ${K2}` },
  },
  [K3]: {
    sid: { otherwise: `binding ${K3}`, ...same },
    T: { otherwise: `binding ${K3}`, ...same },
    'T of the proof': { otherwise: `proof ${K3}` },
    'z of the proof': { otherwise: `proof ${K3}` },
  },
  [K4]: {
    sid: { otherwise: `binding ${K4}`, ...same },
    signature: { otherwise: `proof ${K4}` },
  },
}

const TREATED: Record<string, Record<Treatment, Expected>> = {
  [K1]: {
    'replayed from an older session': `binding ${K2}`,
    'replaced by that of another peer': `binding ${K2}`,
    'sent to the wrong party': 'ok', // everyone gets the same
    'sent twice': 'ok',
    'sent twice, differently': `equivocation ${K1}`,
    withheld: `timeout ${K1}`,
  },
  [K2]: {
    'replayed from an older session': `binding ${K2}`,
    'replaced by that of another peer': `commitment ${K2}`,
    'sent to the wrong party': `share ${K2}`,
    'sent twice': 'ok',
    'sent twice, differently': `equivocation ${K2}`,
    withheld: `timeout ${K2}`,
  },
  [K3]: {
    'replayed from an older session': `binding ${K3}`,
    'replaced by that of another peer': `proof ${K3}`,
    'sent to the wrong party': 'ok',
    'sent twice': 'ok',
    'sent twice, differently': `equivocation ${K3}`,
    withheld: `timeout ${K3}`,
  },
  [K4]: {
    'replayed from an older session': `binding ${K4}`,
    'replaced by that of another peer': `proof ${K4}`,
    'sent to the wrong party': 'ok',
    'sent twice': 'ok',
    'sent twice, differently': `equivocation ${K4}`,
    withheld: `timeout ${K4}`,
  },
}

const TABLE: AdversaryTable = {
  fields: FIELDS,
  sizes: SIZES,
  expected: EXPECTED,
  treated: TREATED,
}

const SEED = 'adversary'

interface Cheat {
  tamper?: Tamper
  alter?: (me: number, honest: KeygenCollaborators) => KeygenCollaborators
}

async function run(cheat: Cheat, guests: readonly TestGuest[] = committee(3, SEED)) {
  const results = await runKeygen(guests, {
    threshold: 2,
    seed: SEED,
    mute: [MALLORY],
    ...cheat,
  })
  assert.deepEqual(
    held(guests),
    results.map(({ status }) => (status === 'fulfilled' ? 1 : 0)),
    'no secret of a failed run is left',
  )
  return results
}

const archive = (guests: readonly TestGuest[], seed: string): Promise<Archive> =>
  lettersOf((tamper) => runKeygen(guests, { threshold: 2, seed, tamper }))

describe('generateKeys() when party 2 cheats', function () {
  this.timeout(20_000)
  let elsewhere: Elsewhere
  before(async () => {
    elsewhere = {
      honest: await archive(committee(3, SEED), SEED),
      older: await archive(committee(3, SEED, 'older'), 'older'),
      other: 3,
    }
  })

  it('has a row for every byte of every round', () => {
    assertComplete(
      TABLE,
      Object.values(rounds(2, 1)).map(({ name }) => name),
    )
  })

  const cheats: Cheats = { run: (tamper) => run({ tamper }), elsewhere: () => elsewhere }
  const nobody = (round: string) => round !== K4
  testFields(
    TABLE,
    cheats,
    (round) => round !== K2,
    ({ round }) => ({ open: true, nobody: nobody(round) }),
  )

  testTreatments(TABLE, cheats, (round) => ({ nobody: nobody(round) }))

  const mallory =
    (change: (honest: KeygenCollaborators) => KeygenCollaborators) =>
    (me: number, honest: KeygenCollaborators) =>
      me === MALLORY ? change(honest) : honest

  it('promises, and then opens, a point that is none: malformed', async () => {
    const results = await run({
      alter: mallory((honest) => ({
        ...honest,
        kernel: {
          ...honest.kernel,
          dealBegin: (threshold, count) => {
            const begun = honest.kernel.dealBegin(threshold, count)
            begun.F[1] = (begun.F[1] ?? 0) ^ 1 // the x of F[0]; with this seed no point has it
            return begun
          },
          dealProve: (deal, sid, dealer) => honest.kernel.dealProve(deal, sid, dealer),
        },
      })),
    })
    assertOutcome(results, `malformed ${K2}`, { nobody: true })
  })

  it('promises a commitment that she does not know the secret of: proof', async () => {
    const borrowed = committee(1, 'somebody else')[0]?.kernel.dealBegin(2, 1).F
    assert.ok(borrowed)
    const results = await run({
      alter: mallory((honest) => ({
        ...honest,
        kernel: {
          ...honest.kernel,
          dealBegin: (threshold, count) => ({
            ...honest.kernel.dealBegin(threshold, count),
            F: borrowed.slice(),
          }),
        },
      })),
    })
    assertOutcome(results, `proof ${K2}`, { nobody: true })
  })

  it('proves the same commitment differently to each: T differs, and who lied is open', async () => {
    let again: (() => Uint8Array) | undefined
    const results = await run({
      alter: mallory((honest) => ({
        ...honest,
        kernel: {
          ...honest.kernel,
          dealProve: (deal: Handle<'deal'>, sid, dealer) => {
            again = () => honest.kernel.dealProve(deal, sid, dealer)
            return again()
          },
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

  it('deals for a higher threshold: malformed, before anything else is looked at', async () => {
    const results = await run({
      tamper: ({ from, round, bytes: sent }) => {
        if (from !== MALLORY || round !== K2) return sent
        const { sid, blind, chainCode, F, proofs, shares } = Deal(2, 1).decode(sent)
        return Deal(3, 1).encode({
          sid,
          blind,
          chainCode,
          F: new Uint8Array([...F, ...F.slice(33)]),
          proofs: new Uint8Array([...proofs, ...proofs.slice(65)]),
          shares,
        })
      },
    })
    assertOutcome(results, `malformed ${K2}`, { nobody: true })
  })

  it('sends K4 before K3: nobody certifies, nobody keeps a key', async () => {
    const results = await run({
      tamper: (letter) => {
        if (letter.from !== MALLORY || letter.round === K1 || letter.round === K2)
          return letter.bytes
        if (letter.round === K4) return undefined
        return [{ ...letter, round: K4, bytes: new Uint8Array(96) }]
      },
    })
    assertOutcome(results, `timeout ${K3}`, { nobody: true })
  })

  it('deals a bad share to carol alone: carol names her, and nobody keeps a key', async () => {
    const results = await run({
      tamper: ({ from, to, round, bytes: sent }) =>
        from === MALLORY && to === 3 && round === K2 ? sent.with(-1, (sent.at(-1) ?? 0) ^ 1) : sent,
    })
    assertOutcome(results, `share ${K2}`, { nobody: true })
  })
})
