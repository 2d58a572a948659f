import assert from 'node:assert/strict'
import type {
  Proposal,
  QbftEffect,
  QbftSetup,
} from '../../../../protocols/agreement/qbft/interface.ts'
import {
  decodeMessage,
  EMPTY,
  encodeMessage,
  type VoteMessage,
} from '../../../../protocols/agreement/qbft/message.ts'
import { Qbft } from '../../../../protocols/agreement/qbft/qbft.ts'
import {
  ABORT,
  type SignedVote,
  type Value,
  type Vote,
  type VoteKind,
  voteBody,
} from '../../../../protocols/agreement/qbft/vote.ts'
import { seal, sealVerifier } from './seal.ts'

const IID = new Uint8Array(32).fill(5)
const H = new Uint8Array(32).fill(1)
const OTHER = new Uint8Array(32).fill(2)
const MEMBERS = [1, 2, 3, 4]
const VALID: readonly Proposal[] = [{ value: H, proof: Uint8Array.of(1) }]

const setupOf = (self: number, silent = false): QbftSetup => ({
  iid: IID,
  members: MEMBERS,
  self,
  f: 1,
  quorum: 3,
  firstLeader: 0,
  firstRoundMs: 4_000,
  silent,
  sign: (body) => seal(self, body),
  verify: sealVerifier(MEMBERS),
})

function started(self: number, record: Uint8Array | null = null): Qbft {
  const machine = new Qbft(setupOf(self))
  machine.handle({ type: 'start', record })
  return machine
}

const voteOf = (kind: VoteKind, round: number, value: Value, preparedRound = 0): Vote => ({
  kind,
  round,
  value,
  preparedRound,
})
const signed = (from: number, vote: Vote): SignedVote => ({
  from,
  vote,
  signature: seal(from, voteBody(IID, vote)),
})
const list = (kind: VoteKind, round: number, value: Value, who: readonly number[]) =>
  who.map((from) => [from, signed(from, voteOf(kind, round, value)).signature] as const)
const bytesOf = (from: number, vote: Vote, attached: Partial<VoteMessage> = {}): Uint8Array =>
  encodeMessage({
    type: 'vote',
    vote,
    signature: signed(from, vote).signature,
    proof: EMPTY,
    changes: [],
    prepares: [],
    ...attached,
  })
const hear = (
  machine: Qbft,
  from: number,
  vote: Vote,
  attached: Partial<VoteMessage> = {},
): QbftEffect[] => machine.handle({ type: 'message', from, bytes: bytesOf(from, vote, attached) })
const change = (from: number, round: number, pr = 0, pv: Value = ABORT): SignedVote =>
  signed(from, voteOf('round-change', round, pv, pr))

/** What was sent: kind, round and value of votes, or `decide`. */
const said = (effects: readonly QbftEffect[]): string[] =>
  effects.flatMap((effect) => {
    if (effect.type !== 'send') return []
    const message = decodeMessage(effect.bytes)
    if (message.type === 'decide') return [`decide to ${effect.to}`]
    const { kind, round, value, preparedRound } = message.vote
    const name = value === ABORT ? 'abort' : `h${value[0]}`
    return [`${kind} ${round} ${name}${preparedRound > 0 ? ` of ${preparedRound}` : ''}`]
  })
const reasons = (effects: readonly QbftEffect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'dropped' ? [effect.reason] : []))
const written = (effects: readonly QbftEffect[]): Uint8Array => {
  const write = effects[0]
  assert.equal(write?.type, 'write', 'stored before anything else')
  return write?.type === 'write' ? write.record : EMPTY
}

describe('QBFT', () => {
  it('the leader proposes what is valid, stores it first, and votes for it', () => {
    const effects = started(1).handle({ type: 'values', values: VALID })
    assert.deepEqual(said(effects), ['pre-prepare 1 h1', 'prepare 1 h1'])
    written(effects)
  })

  it('A1 prepares a proposal of the leader once it is valid, and not before', () => {
    const machine = started(2)
    const heard = hear(machine, 1, voteOf('pre-prepare', 1, H))
    assert.deepEqual(said(heard), [])
    assert.ok(heard.some(({ type }) => type === 'proposed'))
    const effects = machine.handle({ type: 'values', values: VALID })
    assert.deepEqual(said(effects), ['prepare 1 h1'])
  })

  it('A2 commits what a quorum prepared, and A3 decides what a quorum committed in any round', () => {
    const machine = started(2)
    machine.handle({ type: 'values', values: VALID })
    hear(machine, 1, voteOf('pre-prepare', 1, H))
    hear(machine, 1, voteOf('prepare', 1, H))
    assert.deepEqual(said(hear(machine, 3, voteOf('prepare', 1, H))), ['commit 1 h1'])
    const later = started(2)
    hear(later, 1, voteOf('commit', 7, H))
    hear(later, 3, voteOf('commit', 7, H))
    assert.deepEqual(said(hear(later, 4, voteOf('commit', 7, H))), ['decide to all'])
    assert.equal(later.record.decision?.round, 7)
  })

  it('A4 leaves a round when its timer rings, and names what it prepared', () => {
    const machine = started(2)
    machine.handle({ type: 'values', values: VALID })
    for (const from of [1, 3, 4]) hear(machine, from, voteOf('prepare', 1, H))
    const effects = machine.handle({ type: 'timer', timer: { type: 'round', round: 1 } })
    assert.deepEqual(said(effects), ['round-change 2 h1 of 1'])
    assert.deepEqual(
      said(machine.handle({ type: 'timer', timer: { type: 'round', round: 1 } })),
      [],
    )
  })

  it('does not run ahead alone: the timer of round 2 waits for a quorum there', () => {
    const machine = started(3)
    machine.handle({ type: 'values', values: VALID })
    const timers = (effects: readonly QbftEffect[]): number =>
      effects.filter((e) => e.type === 'timer' && e.timer.type === 'round').length
    assert.equal(timers(machine.handle({ type: 'timer', timer: { type: 'round', round: 1 } })), 0)
    assert.equal(timers(hear(machine, 1, voteOf('round-change', 2, ABORT))), 0)
    assert.equal(timers(hear(machine, 2, voteOf('round-change', 2, ABORT))), 1)
  })

  it('A5 follows f+1 members to the least of their rounds, five hundred ahead too, and not one alone', () => {
    const machine = started(2)
    assert.deepEqual(said(hear(machine, 1, voteOf('round-change', 501, ABORT))), [])
    const effects = hear(machine, 3, voteOf('round-change', 499, ABORT))
    assert.deepEqual(said(effects), ['round-change 499 abort'])
  })

  it('A6 proposes the value prepared in the highest round, whatever it prefers itself', () => {
    const machine = started(2)
    machine.handle({ type: 'values', values: [{ value: OTHER, proof: EMPTY }] })
    hear(machine, 1, voteOf('round-change', 2, ABORT))
    const prepares = list('prepare', 1, H, [1, 3, 4])
    const effects = hear(machine, 3, voteOf('round-change', 2, H, 1), { prepares })
    assert.ok(said(effects).includes('pre-prepare 2 h1'))
  })

  it('A7 decides by a DECIDE at any time, answers others once a second, and never a DECIDE', () => {
    const machine = started(2)
    const decision = { round: 3, value: H, commits: list('commit', 3, H, [1, 3, 4]) }
    const bytes = encodeMessage({ type: 'decide', decision })
    const effects = machine.handle({ type: 'message', from: 1, bytes })
    written(effects)
    assert.deepEqual(said(effects), ['decide to all'])
    assert.deepEqual(said(machine.handle({ type: 'message', from: 1, bytes })), [])
    assert.deepEqual(said(hear(machine, 4, voteOf('prepare', 1, H))), ['decide to 4'])
    assert.deepEqual(said(hear(machine, 4, voteOf('prepare', 1, H))), [])
    machine.handle({ type: 'timer', timer: { type: 'answer', to: 4 } })
    assert.deepEqual(said(hear(machine, 4, voteOf('prepare', 1, H))), ['decide to 4'])
  })

  it('sends the stored bytes again after a restart, and votes for nothing else in that round', () => {
    const machine = started(2)
    machine.handle({ type: 'values', values: VALID })
    const record = written(hear(machine, 1, voteOf('pre-prepare', 1, H)))
    const again = new Qbft(setupOf(2))
    assert.deepEqual(said(again.handle({ type: 'start', record })), ['prepare 1 h1'])
    again.handle({ type: 'values', values: [{ value: OTHER, proof: EMPTY }] })
    assert.deepEqual(said(hear(again, 1, voteOf('pre-prepare', 1, OTHER))), [])
  })

  it('shows two votes of one member as evidence, once', () => {
    const machine = started(2)
    hear(machine, 3, voteOf('commit', 1, H))
    const effects = hear(machine, 3, voteOf('commit', 1, OTHER))
    assert.deepEqual(
      effects.map(({ type }) => type),
      ['evidence'],
    )
    assert.deepEqual(hear(machine, 3, voteOf('commit', 1, ABORT)), [])
  })

  it('sends nothing when rolled back, and learns the decision', () => {
    const machine = new Qbft(setupOf(1, true))
    machine.handle({ type: 'start', record: null })
    assert.deepEqual(said(machine.handle({ type: 'values', values: VALID })), [])
    for (const from of [2, 3]) hear(machine, from, voteOf('commit', 1, H))
    assert.deepEqual(said(hear(machine, 4, voteOf('commit', 1, H))), [])
    assert.deepEqual(machine.record.decision?.value, H)
  })

  const changes = [1, 3, 4].map((from) => change(from, 2))
  const locked = [change(1, 2), change(3, 2, 1, H), change(4, 2)]
  const forged = { ...change(4, 2), signature: new Uint8Array(64) }
  const prepares = list('prepare', 1, H, [1, 3, 4])
  const proposal = (value: Value, attached: Partial<VoteMessage>): Uint8Array =>
    bytesOf(2, voteOf('pre-prepare', 2, value), attached)
  const broken: readonly [string, string, number, Uint8Array][] = [
    ['a stranger', 'sender', 9, bytesOf(9, voteOf('prepare', 1, H))],
    ['other bytes', 'malformed', 1, Uint8Array.of(1, 2)],
    ['a change to round 1', 'malformed', 2, bytesOf(2, voteOf('round-change', 1, ABORT))],
    ['a vote of another', 'signature', 1, bytesOf(2, voteOf('prepare', 1, H))],
    ['a vote 65 rounds ahead', 'round', 1, bytesOf(1, voteOf('commit', 66, H))],
    ['a proposal out of turn', 'leader', 4, bytesOf(4, voteOf('pre-prepare', 1, H))],
    [
      'a prepared value with too few PREPAREs',
      'certificate',
      1,
      bytesOf(1, voteOf('round-change', 2, H, 1), { prepares: prepares.slice(1) }),
    ],
    [
      'PREPAREs of another value',
      'certificate',
      1,
      bytesOf(1, voteOf('round-change', 2, OTHER, 1), { prepares }),
    ],
    ['a quorum less one', 'justification', 2, proposal(H, { changes: changes.slice(1) })],
    [
      'a forged ROUND-CHANGE',
      'justification',
      2,
      proposal(H, { changes: [...changes.slice(0, 2), forged] }),
    ],
    [
      'another value than the prepared',
      'justification',
      2,
      proposal(OTHER, { changes: locked, prepares }),
    ],
    ['a locked value without PREPAREs', 'justification', 2, proposal(H, { changes: locked })],
    [
      'a decision with one COMMIT too few',
      'certificate',
      1,
      encodeMessage({
        type: 'decide',
        decision: { round: 1, value: H, commits: list('commit', 1, H, [1, 2]) },
      }),
    ],
  ]
  for (const [what, reason, from, bytes] of broken)
    it(`drops ${what}`, () => {
      const machine = started(3)
      machine.handle({ type: 'values', values: VALID })
      const effects = machine.handle({ type: 'message', from, bytes })
      assert.deepEqual(reasons(effects), [reason])
      assert.deepEqual(said(effects), [])
    })

  it('accepts the same proposals when nothing in them is broken', () => {
    for (const attached of [{ changes }, { changes: locked, prepares }]) {
      const machine = started(3)
      machine.handle({ type: 'values', values: VALID })
      const bytes = proposal(H, attached)
      const effects = machine.handle({ type: 'message', from: 2, bytes })
      assert.deepEqual(reasons(effects), [])
      assert.ok(said(effects).includes('prepare 2 h1'))
    }
  })
})
