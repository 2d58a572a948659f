import { FAULT_CODES } from '../objects/attempt.ts'
import { Proposal } from '../objects/proposal.ts'
import { EpochRecord } from '../objects/record.ts'
import { baseOfRecord } from '../rules/base.ts'
import { openEnding } from './activate.ts'
import { attemptOf, blame } from './attempt.ts'
import { openDecision } from './decide.ts'
import { erase } from './erase.ts'
import { genesisProposal, isGenesis } from './genesis-epoch.ts'
import { hexOf } from './hex-of.ts'
import type { Parts } from './parts.ts'
import { recordOf } from './ready.ts'
import { type Families, type Family, recordsOf } from './records.ts'
import type { BaseEpoch, Epoch, State } from './state.ts'
import { ownEntry, type Turn, timer } from './turn.ts'

/** What a process is started with. */
export interface Start {
  /** Epochs that are known without a record: that of the genesis file (`genesisEpoch`), or those that a joiner verified. In order. */
  readonly known: readonly Epoch[]
  readonly isRejoining: boolean
}

/** The state that its records say a member was in. It promises nothing before `considerFresh` (03 §4.2, 03 §9.4). */
export function restore(
  parts: Parts,
  records: ReadonlyMap<string, unknown>,
  { known, isRejoining }: Start,
): State {
  const epochs = new Map(known.map((epoch) => [epoch.record.e, epoch] as const))
  for (const [, { cert, keys }] of recordsOf(records, 'cert')) {
    const { record } = cert
    epochs.set(record.e, {
      record,
      hash: parts.hash(EpochRecord, record),
      base: baseOfRecord(record),
      cert,
      keys,
    })
  }
  const last = epochs.get(Math.max(...epochs.keys()))
  if (last === undefined || last.keys === null) throw new Error('bug: no epoch is known')
  const base: BaseEpoch = { ...last, keys: last.keys }
  const { e } = base.record
  epochs.set(e, base)
  const state: State = {
    bootId: parts.random(16),
    standing: 'asking',
    isRejoining,
    quarantine: [...recordsOf(records, 'quarantine')][0]?.[1] ?? null,
    base,
    epochs,
    proposals: new Map(),
    answerSeq: 0,
    attempts: new Map(),
    aborts: new Map(),
    early: new Map(),
    preflight: null,
    startTimer: null,
    frozen: null,
    made: new Map(),
    holders: new Map(),
    endings: new Map(),
    removed: [...recordsOf(records, 'removed')].flatMap(([, members]) => members),
    seen: new Map(),
    seenChanged: false,
    boots: new Map(),
    heard: new Map(),
    refused: new Map(),
    headNonce: parts.random(16),
    heads: new Map(),
    hasAskedEpochs: null,
    stored: new Map(records),
  }
  for (const [, seen] of recordsOf(records, 'seen'))
    for (const [index, bootId, vaultSeq] of seen) state.seen.set(index, { bootId, vaultSeq })
  for (const [[at, id], key] of recordsOf(records, 'key'))
    if (Number(at) === e) state.made.set(id ?? '', key)
  for (const [, abort] of recordsOf(records, 'abort'))
    if (abort.e === e + 1) state.aborts.set(abort.k, abort)
  restoreProposals(parts, records, state)
  restoreAttempts(parts, records, state)
  return state
}

function restoreProposals(parts: Parts, records: ReadonlyMap<string, unknown>, state: State): void {
  for (const [[id = ''], proposed] of recordsOf(records, 'prop')) {
    if (hexOf(proposed.proposal.object.baseHash) !== hexOf(state.base.hash)) continue
    const hash = parts.hash(Proposal, proposed.proposal.object)
    state.proposals.set(id, { ...proposed, hash, answers: new Map(), starts: 0 })
  }
  if (isGenesis(state.base))
    state.proposals.set(hexOf(state.base.hash), genesisProposal(state.base.base, []))
  for (const [[id = ''], own] of recordsOf(records, 'ans')) {
    state.proposals.get(id)?.answers.set(own.object.index, own)
    state.answerSeq = Math.max(state.answerSeq, own.object.seq)
  }
}

function restoreAttempts(parts: Parts, records: ReadonlyMap<string, unknown>, state: State): void {
  const { e } = state.base.record
  const of = (k: number): string => `${e + 1}/${k}`
  for (const [, { started, deadlineAt }] of recordsOf(records, 'att')) {
    const { k } = started.start.object
    if (started.start.object.e !== e + 1 || state.aborts.has(k)) continue
    state.attempts.set(k, attemptOf({ parts, state }, started, deadlineAt))
  }
  for (const attempt of state.attempts.values()) {
    for (const [path, tail] of recordsOf(records, 'tail'))
      if (path.join('/') === of(attempt.k)) attempt.tail = tail
    for (const [path, ready] of recordsOf(records, 'ready'))
      if (path.join('/') === of(attempt.k)) attempt.ready = ready
    for (const [path, fault] of recordsOf(records, 'fault'))
      if (path.join('/') === of(attempt.k)) attempt.ownFault = fault
    for (const [path, list] of recordsOf(records, 'frozen')) {
      if (path.join('/') !== `${e}/${attempt.k}`) continue
      state.frozen = attempt.k
      attempt.lists.set(list.frozen.object.index, list)
    }
    attempt.fault = attempt.ownFault
  }
}

/** After the freshness check: what was begun goes on, or is given up aloud (03 §4.2). `stored` are the records that the process started with. */
export function resume(turn: Turn): void {
  const { parts, state, now } = turn
  for (const attempt of state.attempts.values()) {
    const { e, k } = attempt
    for (const [chunk, transcript] of parts.durableChunks(e, k))
      attempt.transcripts.set(chunk, transcript)
    if (attempt.started.proposal === null) attempt.rootKey = parts.rootKeyOf(k)
    timer(turn, `deadline/${e}/${k}`, Math.max(0, attempt.deadlineAt - now))
    openDecision(turn, attempt, storedOf(state, 'qb', [e, k]))
    attempt.record = recordOf(turn, attempt)
    if (attempt.ready === null && attempt.record === null && ownEntry(turn, attempt.members))
      blame(turn, attempt, FAULT_CODES.restarted, 0)
  }
  for (const [e, epoch] of state.epochs) {
    const next = state.epochs.get(e + 1)
    if (next === undefined || state.endings.has(e)) continue
    resumeEnding(turn, epoch, next)
  }
  if (!isGenesis(state.base) && state.epochs.get(state.base.record.e - 1) === undefined)
    turn.effects.push({ do: 'open-log', e: state.base.record.e, closes: [] })
}

function resumeEnding(turn: Turn, epoch: Epoch, next: Epoch): void {
  const { state } = turn
  const { e } = epoch.record
  const erased = storedOf(state, 'erased', [e])
  if (erased !== null && ownEntry(turn, next.record.members) === undefined) return
  const close = storedOf(state, 'closed', [e])
  const ending = openEnding(turn, epoch, next, close)
  const handoff = storedOf(state, 'handoff', [e])
  ending.active = storedOf(state, 'active', [e + 1])
  ending.root = storedOf(state, 'root', [e + 1])
  if (ending.active !== null) ending.actives.set(ending.active.object.index, ending.active)
  for (const given of handoff ?? []) ending.closes.set(given.close.object.index, given)
  if (handoff !== null) {
    ending.handedOff = true
    turn.effects.push({ do: 'open-log', e: e + 1, closes: handoff })
  }
  if (erased !== null) {
    ending.isErased = true
    ending.erased = erased
    ending.receipts.set(erased.object.index, erased)
  } else if (storedOf(state, 'erasing', [e]) !== null) erase(turn, ending)
}

const storedOf = <F extends Family>(
  { stored }: State,
  family: F,
  path: readonly number[],
): Families[F] | null =>
  (stored.get([family, ...path].join('/')) as Families[F] | undefined) ?? null
