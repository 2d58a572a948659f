import { Preflight, PreflightAns } from '../objects/attempt.ts'
import { AbortCert } from '../objects/certificates.ts'
import type { Signed } from '../objects/signed.ts'
import { Start } from '../objects/start.ts'
import { initiatorRank } from '../rules/initiators.ts'
import { attemptMs } from '../rules/start-rules.ts'
import { accepted, dealersNeeded, faultsOf, yesAnswers } from './accepted.ts'
import { nextAttempt, openAttempt } from './attempt.ts'
import { hexOf, same } from './hex-of.ts'
import { inKeyOrder } from './key-lists.ts'
import type { Message, Subject } from './messages.ts'
import {
  entryOf,
  mayVote,
  membersAfter,
  notice,
  ownEntry,
  reply,
  send,
  type Turn,
  timer,
  union,
} from './turn.ts'

/** The i-th successor of an initiator waits i times this long (03 §4.1 S3). */
const SUCCESSION_MS = 10_000
/** Everybody answers a preflight in this time (03 §4.1 S3). */
const PREFLIGHT_MS = 5_000
/** Clocks of members that make an epoch together differ by less (03 §4.1 S3). */
const MAX_SKEW_MS = 1_000
export const PROTOCOL = 1

/** S3, at the end of every turn: once a proposal is accepted and no attempt runs, this member waits for its place in the order of initiators. */
export function considerStart(turn: Turn): void {
  const { state } = turn
  const k = nextAttempt(turn)
  if (state.startTimer === k || state.attempts.has(k) || !mayVote(turn)) return
  if (accepted(turn).length === 0) return
  state.startTimer = k
  const self = ownEntry(turn, state.base.record.members)
  const place = initiatorRank(state.base.base, k, self?.index ?? 0) ?? 0
  timer(turn, `start/${state.base.record.e + 1}/${k}`, place * SUCCESSION_MS)
}

/** The own place has come: ask everybody whether they could. */
export function onStartDue(turn: Turn, e: number, k: number): void {
  const { parts, state, now } = turn
  const self = ownEntry(turn, state.base.record.members)
  const [live] = accepted(turn)
  if (e !== state.base.record.e + 1 || k !== nextAttempt(turn) || state.attempts.has(k)) return
  state.startTimer = null
  if (live === undefined || self === undefined || !mayVote(turn)) return
  state.startTimer = k
  const nonce = parts.random(16)
  const members = membersAfter(turn, live)
  state.preflight = { k, hash: hexOf(live.hash), nonce, members, answers: new Map() }
  const ask = parts.sign(Preflight, {
    committeeId: parts.committeeId,
    baseHash: state.base.hash,
    proposalHash: live.hash,
    k,
    nonce,
    index: self.index,
  })
  const { proposal, joins } = live
  send(turn, union(state.base.record.members, members), { type: 'preflight', ask, proposal, joins })
  state.preflight.answers.set(self.index, isFit(answerTo(turn, nonce, live, self.index), now))
  timer(turn, `preflight/${e}/${k}`, PREFLIGHT_MS)
}

export function onPreflight(
  turn: Turn,
  from: string,
  message: Message & { type: 'preflight' },
): void {
  const { parts, state, now } = turn
  const { ask } = message
  const initiator = entryOf(state.base.record.members, from)
  if (!same(ask.object.baseHash, state.base.hash)) {
    // A newcomer is told of no epoch by anybody's beat: it may have missed one since it asked.
    reply(turn, from, { type: 'ask', what: 'epoch', e: state.base.record.e + 1, k: 0 })
    return
  }
  if (initiator === undefined) return
  if (initiator.index !== ask.object.index) return
  if (!parts.isSignedBy(Preflight, ask, initiator.guestSig)) return
  if (faultsOf(turn, message, now).length > 0) return
  const members = membersAfter(turn, message)
  const self = ownEntry(turn, union(members, state.base.record.members))
  if (self === undefined || state.standing !== 'member') return
  const answer = answerTo(turn, ask.object.nonce, message, self.index)
  reply(turn, from, { type: 'fit', answer: parts.sign(PreflightAns, answer) })
}

const answerTo = (
  { parts, now }: Turn,
  nonce: Uint8Array,
  subject: Subject,
  index: number,
): PreflightAns => ({
  nonce,
  reasons: parts.unfit(subject),
  protocol: PROTOCOL,
  time: now,
  freeBytes: 0,
  evidenceHash: new Uint8Array(32),
  banned: [],
  index,
})

/** Starts as soon as everybody said that it can; with the time over, `onPreflightOver` decides. */
export function onFit(
  turn: Turn,
  from: string,
  { object, signature, objectBytes }: Signed<PreflightAns>,
): void {
  const { parts, state, now } = turn
  const asked = state.preflight
  const live = asked === null ? undefined : state.proposals.get(asked.hash)
  if (asked === null || live === undefined || !same(object.nonce, asked.nonce)) return
  const everyone = union(state.base.record.members, asked.members)
  const author = entryOf(everyone, from)
  if (author?.index !== object.index) return
  if (!parts.isSignedBy(PreflightAns, { object, signature, objectBytes }, author.guestSig)) return
  asked.answers.set(object.index, isFit(object, now))
  if (asked.answers.size === everyone.length) start(turn, asked.k)
}

/** Who did not answer is missing: without a new member there is no START, without an old one there is if t can deal. */
export function onPreflightOver(turn: Turn, e: number, k: number): void {
  const { state } = turn
  if (e === state.base.record.e + 1 && state.preflight?.k === k) start(turn, k)
}

function start(turn: Turn, k: number): void {
  const { parts, state, now } = turn
  const { record } = state.base
  const asked = state.preflight
  const live = asked === null ? undefined : state.proposals.get(asked.hash)
  const self = ownEntry(turn, record.members)
  state.preflight = null
  if (asked === null || live === undefined || self === undefined || !mayVote(turn)) return
  if (k !== nextAttempt(turn) || state.attempts.has(k)) return
  const { members } = asked
  const fit = [...asked.answers].filter(([, isFit]) => isFit).map(([index]) => index)
  const dealers = record.members.map(({ index }) => index).filter((index) => fit.includes(index))
  const missing = members.filter(({ index }) => !fit.includes(index))
  const e = record.e + 1
  if (missing.length > 0 || dealers.length < dealersNeeded(state.base)) {
    const reasons = missing.map(({ index }) => `member ${index} is not fit`)
    notice(turn, { about: 'preflight', k, reasons: [...reasons, `${dealers.length} can deal`] })
    timer(turn, `start/${e}/${k}`, SUCCESSION_MS * record.members.length)
    return
  }
  const abort = state.aborts.get(k - 1) ?? null
  const cut = inKeyOrder([...state.base.keys, ...state.made.values()])
  const started = parts.sign(Start, {
    committeeId: parts.committeeId,
    e,
    k,
    proposalHash: live.hash,
    answers: yesAnswers(live),
    initiator: self.index,
    dealers: dealers.slice(0, dealersNeeded(state.base)),
    cutCount: cut.length,
    cutRoot: parts.keyRoot(cut),
    createdAt: now,
    deadlineMs: attemptMs(cut.length),
    nonce: parts.random(32),
    abortCertHash: abort === null ? null : parts.hash(AbortCert, abort),
  })
  const message = { start: started, proposal: live.proposal, joins: live.joins, cut, abort }
  openAttempt(turn, message)
  send(turn, union(record.members, members), { type: 'start', ...message })
}

/** Judged when it comes: its time is compared with that of the moment. */
const isFit = ({ reasons, protocol, time }: PreflightAns, now: number): boolean =>
  reasons.length === 0 && protocol === PROTOCOL && Math.abs(time - now) < MAX_SKEW_MS
