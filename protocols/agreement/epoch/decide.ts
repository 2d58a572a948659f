import { Ready } from '../objects/ready.ts'
import { EpochRecord } from '../objects/record.ts'
import type { Signed } from '../objects/signed.ts'
import { epochInstanceId } from '../objects/vote.ts'
import { EPOCH_ROUND_MS, epochFirstLeader } from '../qbft/first-leader.ts'
import type { Proposal, QbftEffect, QbftTimer } from '../qbft/interface.ts'
import type { Decision } from '../qbft/message.ts'
import { Qbft } from '../qbft/qbft.ts'
import { ABORT, valueKey } from '../qbft/vote.ts'
import { brokenRecord } from '../rules/record-rules.ts'
import { takeAbort } from './aborts.ts'
import { takeEpoch } from './activate.ts'
import { areTwoStarts, isFaultOf, takeTwoStarts } from './attempt.ts'
import { hexOf, same } from './hex-of.ts'
import { decodeProof, encodeProof } from './proof.ts'
import { readyOfAll } from './ready.ts'
import { put } from './records.ts'
import type { Attempt } from './state.ts'
import {
  byIndex,
  entryOf,
  notice,
  numbersOf,
  ownEntry,
  promise,
  reply,
  send,
  type Turn,
  timer,
  union,
} from './turn.ts'

/** Votes about attempts whose START is not here yet that are kept, in all. */
const MAX_EARLY = 64

/** S9: the instance of an attempt, for a member that votes; `stored` is what it kept of it (03 §5). */
export function openDecision(turn: Turn, attempt: Attempt, stored: Uint8Array | null): void {
  const { parts, state } = turn
  const { record, hash } = state.base
  const self = ownEntry(turn, record.members)
  if (self === undefined || attempt.qbft !== null) return
  const { f, q } = numbersOf(record)
  const iid = epochInstanceId(parts.committeeId, attempt.e, attempt.k, hash)
  attempt.qbft = new Qbft({
    iid,
    members: record.members.map(({ index }) => index),
    self: self.index,
    f,
    quorum: q,
    firstLeader: epochFirstLeader(iid),
    firstRoundMs: EPOCH_ROUND_MS,
    silent: state.quarantine !== null,
    sign: (body) => parts.signVote(body),
    verify: (index, body, signature) => {
      const author = byIndex(record.members, index)
      return author !== undefined && parts.isVoteBy(author.guestSig, body, signature)
    },
  })
  attempt.valuesTold = ''
  carryOut(turn, attempt, attempt.qbft.handle({ type: 'start', record: stored }))
}

/** S9, at the end of every turn: COMMIT is valid with READY of all and a record that keeps the rules, ABORT with the own deadline passed or with evidence. */
export function considerDecision(turn: Turn, attempt: Attempt): void {
  const { state } = turn
  if (attempt.qbft === null) openDecision(turn, attempt, null)
  if (attempt.qbft === null || state.standing !== 'member') return
  const values = [...commitValue(turn, attempt), ...abortValue(attempt)]
  const told = values.map(({ value }) => valueKey(value)).join()
  if (told === attempt.valuesTold) return
  attempt.valuesTold = told
  carryOut(turn, attempt, attempt.qbft.handle({ type: 'values', values }))
}

function commitValue(turn: Turn, attempt: Attempt): Proposal[] {
  const { parts, state } = turn
  const all = readyOfAll(attempt)
  if (all === null) return []
  const { record, readies } = all
  const value = parts.hash(EpochRecord, record)
  const known = attempt.judged.get(hexOf(value))
  const isGood =
    known ??
    brokenRecord(state.base.base, attempt.change, attempt.started.start.object, record) ===
      undefined
  attempt.judged.set(hexOf(value), isGood)
  if (!isGood) return []
  return [{ value, proof: encodeProof({ shows: 'ready', record, ready: readyEntries(readies) }) }]
}

const readyEntries = (
  readies: readonly Signed<Ready>[],
): { index: number; prekey: Uint8Array; signature: Uint8Array }[] =>
  readies
    .map(({ object, signature }) => ({ index: object.index, prekey: object.prekey, signature }))
    .sort((a, b) => a.index - b.index)

function abortValue({ fault, twoStarts, isOverdue }: Attempt): Proposal[] {
  if (fault !== null) return [{ value: ABORT, proof: encodeProof({ shows: 'fault', fault }) }]
  if (twoStarts !== null)
    return [{ value: ABORT, proof: encodeProof({ shows: 'starts', starts: twoStarts }) }]
  return isOverdue ? [{ value: ABORT, proof: new Uint8Array() }] : []
}

export function onDeadline(turn: Turn, e: number, k: number): void {
  const attempt = turn.state.attempts.get(k)
  if (attempt === undefined || attempt.e !== e || attempt.isOverdue) return
  if (turn.now < attempt.deadlineAt) {
    timer(turn, `deadline/${e}/${k}`, attempt.deadlineAt - turn.now)
    return
  }
  attempt.isOverdue = true
}

/** A vote about (e, k). What was decided is told; what was not started here is kept until its START is known, which the sender is asked for (03 §5). */
export function onVote(turn: Turn, from: string, e: number, k: number, bytes: Uint8Array): void {
  const { state } = turn
  const sender = entryOf(state.base.record.members, from)
  if (e !== state.base.record.e + 1 || sender === undefined) return
  const abort = state.aborts.get(k)
  if (abort !== undefined) {
    reply(turn, from, { type: 'aborted', cert: abort })
    return
  }
  const attempt = state.attempts.get(k)
  if (attempt?.qbft) {
    carryOut(turn, attempt, attempt.qbft.handle({ type: 'message', from: sender.index, bytes }))
    return
  }
  if (state.early.size < MAX_EARLY) state.early.set(`${from}/${k}`, { from, k, bytes })
  reply(turn, from, { type: 'ask', what: 'start', e, k })
}

/** Votes that came before their START, once it is known. */
export function hearEarly(turn: Turn, attempt: Attempt): void {
  for (const [name, { from, k, bytes }] of turn.state.early) {
    if (k !== attempt.k || attempt.qbft === null) continue
    turn.state.early.delete(name)
    onVote(turn, from, attempt.e, k, bytes)
  }
}

export function onVoteTimer(turn: Turn, e: number, k: number, named: QbftTimer): void {
  const attempt = turn.state.attempts.get(k)
  if (attempt?.qbft && attempt.e === e)
    carryOut(turn, attempt, attempt.qbft.handle({ type: 'timer', timer: named }))
}

function carryOut(turn: Turn, attempt: Attempt, effects: readonly QbftEffect[]): void {
  const { state } = turn
  const { e, k } = attempt
  const { members } = state.base.record
  let decision: Decision | null = null
  for (const effect of effects)
    switch (effect.type) {
      case 'write':
        promise(turn, put('qb', [e, k], effect.record))
        break
      case 'send': {
        const to =
          effect.to === 'all' ? members : members.filter(({ index }) => index === effect.to)
        send(turn, to, { type: 'vote', e, k, bytes: effect.bytes })
        break
      }
      case 'timer':
        timer(turn, `vote/${e}/${k}/${JSON.stringify(effect.timer)}`, effect.afterMs)
        break
      case 'proposed':
        learn(turn, attempt, effect.proposal.proof)
        break
      case 'decided':
        decision = effect.decision
        break
      case 'evidence':
        notice(turn, { about: 'evidence', of: effect.about, what: 'two-votes' })
        break
      case 'dropped':
        break
    }
  if (decision !== null) attempt.decision = decision
}

/** What a proposal of another leader shows counts as received; the end of the turn says whether it makes the value valid here. */
function learn(turn: Turn, attempt: Attempt, bytes: Uint8Array): void {
  const { parts } = turn
  const { e, k } = attempt
  const proof = decodeProof(bytes)
  if (proof === null) return
  if (proof.shows === 'fault') {
    if (attempt.fault === null && isFaultOf(turn, attempt, proof.fault)) attempt.fault = proof.fault
    return
  }
  if (proof.shows === 'starts') {
    if (areTwoStarts(turn, attempt, proof.starts)) takeTwoStarts(turn, proof.starts)
    return
  }
  const { record, ready } = proof
  const recordHash = parts.hash(EpochRecord, record)
  for (const { index, prekey, signature } of ready) {
    const author = byIndex(attempt.members, index)
    const object = { committeeId: parts.committeeId, e, k, recordHash, prekey, index }
    const told = { object, objectBytes: Ready.encode(object), signature }
    if (author === undefined || !parts.isSignedBy(Ready, told, author.guestSig)) return
    const of = attempt.readies.get(hexOf(recordHash)) ?? new Map<number, Signed<Ready>>()
    attempt.readies.set(hexOf(recordHash), of.set(index, told))
  }
  attempt.records.set(hexOf(recordHash), record)
}

/** S9 to S10, at the end of every turn: what was decided takes effect, once the record is here. Who lacks it asks all. */
export function considerOutcome(turn: Turn, attempt: Attempt): void {
  const { parts, state } = turn
  const { decision, e, k } = attempt
  if (decision === null) return
  const everyone = union(state.base.record.members, attempt.members)
  const { round, value, commits } = decision
  if (value === ABORT) {
    const cert = { committeeId: parts.committeeId, e, k, reason: reasonOf(attempt), round, commits }
    send(turn, everyone, { type: 'aborted', cert })
    takeAbort(turn, cert)
    return
  }
  const all = readyOfAll(attempt)
  const isOwn = attempt.record !== null && same(parts.hash(EpochRecord, attempt.record), value)
  const keys = isOwn ? attempt.keys : null
  if (all === null || keys === null || !same(parts.hash(EpochRecord, all.record), value)) {
    if (!attempt.hasAsked) send(turn, everyone, { type: 'ask', what: 'epoch', e, k })
    attempt.hasAsked = true
    return
  }
  const cert = {
    record: all.record,
    ready: readyEntries(all.readies),
    round,
    commits,
    recovery: [],
  }
  send(turn, everyone, { type: 'epoch', cert, keys })
  takeEpoch(turn, cert, keys)
}

const reasonOf = ({ fault, twoStarts }: Attempt): string => {
  if (fault !== null)
    return `fault ${fault.object.code} by ${fault.object.index} about ${fault.object.about}`
  return twoStarts === null ? 'deadline' : 'two starts'
}
