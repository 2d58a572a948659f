import {
  type Danger,
  fewActive,
  prepared,
  rolledBack,
  secondStart,
  storedBytes,
  unheardKey,
} from './danger.ts'
import type { Mutation } from './mutant.ts'
import type { Vice } from './node.ts'
import type { Invariant } from './observer.ts'
import type { Guard } from './world.ts'

/** A guard of the protocol, how it is taken away, and what must break without it (03 §11). */
export interface Removed {
  readonly guard: string
  readonly breaks: readonly Invariant[]
  readonly mutations: readonly Mutation[]
  readonly without?: readonly Guard[]
  /** Where to look: a stage near the danger, or lives from seeds, with this vice in all of them. */
  readonly danger?: Danger
  readonly vice?: Vice
}

export const REMOVED: readonly Removed[] = [
  { guard: 'sync before vote', breaks: ['I7'], mutations: [], without: ['sync'] },
  {
    guard: 'one START per k',
    breaks: ['I1', 'I9', 'equiv'],
    danger: secondStart,
    mutations: [
      {
        file: 'epoch/attempt.ts',
        from: 'if (known !== undefined) {',
        to: 'if (known !== undefined && false) {',
      },
    ],
  },
  {
    guard: 'ABORT certificate before k + 1',
    breaks: ['I2'],
    mutations: [
      {
        file: 'epoch/attempt.ts',
        from: 'Math.max(0, ...state.aborts.keys()) + 1',
        to: 'Math.max(0, ...state.aborts.keys(), ...state.attempts.keys()) + 1',
      },
      {
        file: 'epoch/attempt.ts',
        from: 'if (k !== nextAttempt(turn) || !isGood',
        to: 'if (!isGood',
      },
      {
        file: 'rules/start-rules.ts',
        from: "[['start', start.k === 1, 'not the first, and no certificate of an ABORT']]",
        to: '[]',
      },
      {
        file: 'epoch/start.ts',
        from: 'abortCertHash: abort === null ? null :',
        to: 'abortCertHash: k === 1 ? null : abort === null ? live.hash :',
      },
    ],
  },
  { guard: 'proofs', breaks: ['I1'], vice: 'bad-deals', mutations: [], without: ['proofs'] },
  {
    guard: 'erase barrier',
    breaks: ['I5'],
    danger: fewActive,
    mutations: [
      {
        file: 'epoch/erase.ts',
        from: 'if (ending.actives.size < numbersOf(next.record).q) return',
        to: '',
      },
    ],
  },
  {
    guard: 'in doubt keeps both',
    breaks: ['I5', 'I1'],
    mutations: [
      {
        file: 'epoch/restart.ts',
        from: 'attempt.record = recordOf(turn, attempt)',
        to: "attempt.record = recordOf(turn, attempt); if (attempt.ready !== null) turn.effects.push({ do: 'destroy', e: state.base.record.e, k: state.base.record.k })",
      },
    ],
  },
  {
    guard: 'prepared value in a round change',
    breaks: ['I2'],
    danger: prepared,
    mutations: [
      {
        file: 'qbft/checks.ts',
        from: 'Math.max(0, ...changes.map(({ vote }) => vote.preparedRound))',
        to: '0 * changes.length',
      },
    ],
  },
  {
    guard: 'freeze',
    breaks: ['key'],
    mutations: [
      {
        file: 'epoch/keys.ts',
        from: 'if (turn.state.frozen === null && mayVote',
        to: 'if (mayVote',
      },
      { file: 'epoch/keys.ts', from: 'if (state.frozen !== null || !mayVote', to: 'if (!mayVote' },
    ],
  },
  {
    guard: 'held before release',
    breaks: ['key'],
    danger: unheardKey,
    mutations: [
      {
        file: 'epoch/keys.ts',
        from: "send(turn, state.base.record.members, { type: 'key', key })",
        to: "turn.effects.push({ do: 'release', keyId: key.keyId }); send(turn, state.base.record.members, { type: 'key', key })",
      },
    ],
  },
  {
    guard: 'stored bytes of votes',
    breaks: ['equiv'],
    danger: storedBytes,
    mutations: [
      {
        file: 'qbft/qbft.ts',
        from: 'this.#state = decodeQbftRecord(this.#setup.iid, stored)',
        to: 'this.#state = { ...decodeQbftRecord(this.#setup.iid, stored), sent: {} }',
      },
    ],
  },
  {
    guard: 'vaultSeq',
    breaks: ['I2'],
    danger: rolledBack,
    mutations: [
      {
        file: 'epoch/freshness.ts',
        from: 'if (seen > parts.vaultSeq() && !state.isRejoining) {',
        to: 'if (seen < 0) {',
      },
    ],
  },
  { guard: 'used mark', breaks: ['I4'], mutations: [], without: ['used-mark'] },
]
