import { Answer, Proposal } from '../objects/proposal.ts'
import type { Signed } from '../objects/signed.ts'
import { needsOperators } from '../rules/change.ts'
import { brokenAnswer } from '../rules/start-rules.ts'
import { faultsOf } from './accepted.ts'
import { changeOfSubject } from './genesis-epoch.ts'
import { hexOf, same } from './hex-of.ts'
import type { Proposed } from './messages.ts'
import { put, remove } from './records.ts'
import type { LiveProposal } from './state.ts'
import { byIndex, mayVote, notice, ownEntry, promise, send, type Turn } from './turn.ts'

/** Proposals of one member that may be open at once (03 §4.1 S1). */
const MAX_LIVE = 8

/** S1, by the own operator or a policy of this member. */
export function propose(
  turn: Turn,
  wanted: Omit<Proposal, 'committeeId' | 'baseHash' | 'proposerIndex' | 'nonce'>,
  joins: Proposed['joins'],
): void {
  const { parts, state } = turn
  const self = ownEntry(turn, state.base.record.members)
  if (self === undefined || !mayVote(turn)) {
    notice(turn, { about: 'refused', reasons: ['no vote here now'] })
    return
  }
  const proposal = parts.sign(Proposal, {
    ...wanted,
    committeeId: parts.committeeId,
    baseHash: state.base.hash,
    proposerIndex: self.index,
    nonce: parts.random(16),
  })
  const proposed = { proposal, joins }
  const reasons = faultsOf(turn, proposed, turn.now)
  if (reasons.length > 0) {
    notice(turn, { about: 'refused', reasons })
    return
  }
  take(turn, proposed)
}

/** S1, from another member. */
export function onProposal(turn: Turn, proposed: Proposed): void {
  const { state, parts } = turn
  const { proposal } = proposed
  const author = byIndex(state.base.record.members, proposal.object.proposerIndex)
  if (author === undefined || !same(proposal.object.baseHash, state.base.hash)) return
  if (state.proposals.has(hexOf(parts.hash(Proposal, proposal.object)))) return
  const own = [...state.proposals.values()].filter(
    (other) => other.proposal?.object.proposerIndex === author.index,
  )
  if (own.length >= MAX_LIVE || faultsOf(turn, proposed, turn.now).length > 0) return
  take(turn, proposed)
}

function take(turn: Turn, proposed: Proposed): void {
  const { parts, state, effects } = turn
  const { object } = proposed.proposal
  const hash = parts.hash(Proposal, object)
  const live: LiveProposal = { ...proposed, hash, answers: new Map(), starts: 0 }
  state.proposals.set(hexOf(hash), live)
  promise(turn, put('prop', [hexOf(hash)], proposed))
  send(turn, state.base.record.members, { type: 'proposal', ...proposed })
  const { base } = state.base
  const change = changeOfSubject(base, proposed)
  const opinion = needsOperators(base, change) ? null : parts.opinion(change)
  if (opinion === null) effects.push({ do: 'consult', proposalHash: hash, proposal: object })
  else answer(turn, hash, opinion, null)
}

/** S2: yes or no, by policy or by the operator; a later answer replaces it. */
export function answer(
  turn: Turn,
  hash: Uint8Array,
  yes: boolean,
  operatorSig: Uint8Array | null,
): void {
  const { parts, state } = turn
  const live = state.proposals.get(hexOf(hash))
  const self = ownEntry(turn, state.base.record.members)
  if (live === undefined || self === undefined || !mayVote(turn)) return
  if (live.proposal === null && live.answers.has(self.index)) return // what the operator signed holds for one number
  const { committeeId } = parts
  const own = parts.sign(Answer, {
    committeeId,
    baseHash: state.base.hash,
    proposalHash: hash,
    seq: state.answerSeq + 1,
    yes,
    index: self.index,
    operatorSig,
  })
  const { base } = state.base
  const broken = brokenAnswer(base, changeOfSubject(base, live), own, parts.verify)
  if (broken !== undefined) {
    notice(turn, { about: 'refused', reasons: [broken.reason] })
    return
  }
  state.answerSeq++
  live.answers.set(self.index, own)
  promise(turn, put('ans', [hexOf(hash)], own))
  send(turn, state.base.record.members, { type: 'answer', answer: own })
}

export function onAnswer(turn: Turn, told: Signed<Answer>): void {
  const { parts, state } = turn
  const live = state.proposals.get(hexOf(told.object.proposalHash))
  const { index, seq } = told.object
  if (live === undefined || (live.answers.get(index)?.object.seq ?? -1) >= seq) return
  const { base } = state.base
  if (brokenAnswer(base, changeOfSubject(base, live), told, parts.verify) === undefined)
    live.answers.set(index, told)
}

/** Of a base that is one no more: none of its proposals and answers means anything now. */
export function forgetProposals({ state }: Turn): ReturnType<typeof remove>[] {
  const gone = [...state.proposals.keys()].flatMap((hash) => [
    remove('prop', [hash]),
    remove('ans', [hash]),
  ])
  state.proposals.clear()
  return gone
}
