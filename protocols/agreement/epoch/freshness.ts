import { Head, type HeadAsk } from '../objects/beat.ts'
import type { Signed } from '../objects/signed.ts'
import { seenOfBase } from './beat.ts'
import { meantEpoch, statedEpoch } from './genesis-epoch.ts'
import { same } from './hex-of.ts'
import { put } from './records.ts'
import { resume } from './restart.ts'
import {
  byIndex,
  notice,
  numbersOf,
  ownEntry,
  promise,
  reply,
  send,
  type Turn,
  timer,
} from './turn.ts'

/** Between two questions to the members that did not answer yet. */
const HEAD_MS = 2_000

/** On start, before any promise: what have the others seen of this member? (03 §9.4) */
export function askHeads(turn: Turn): void {
  const { state } = turn
  if (state.standing !== 'asking') return
  state.hasAskedEpochs = null // what was asked for may have been lost
  const { record } = state.base
  const silent = record.members.filter(({ index }) => !state.heads.has(index))
  const ask = { nonce: state.headNonce, e: statedEpoch(record) }
  send(turn, silent, { type: 'head-ask', ask })
  timer(turn, 'heads', HEAD_MS)
}

/** Answered from the own store, before the own checks end: nobody waits for anybody here (03 §9.5). `k` is the highest attempt of the next epoch that is known, at least 1. */
export function onHeadAsk(turn: Turn, from: string, { nonce }: HeadAsk): void {
  const { parts, state } = turn
  const self = ownEntry(turn, state.base.record.members)
  if (self === undefined || state.standing === 'stopped') return
  const head = parts.sign(Head, {
    nonce,
    committeeId: parts.committeeId,
    e: statedEpoch(state.base.record),
    k: Math.max(1, ...state.attempts.keys(), ...state.aborts.keys()),
    recordHash: state.base.hash,
    stamp: null,
    seen: seenOfBase(state),
    index: self.index,
  })
  reply(turn, from, { type: 'head', head })
}

export function onHead(turn: Turn, head: Signed<Head>): void {
  const { parts, state } = turn
  const { object } = head
  const author = byIndex(state.base.record.members, object.index)
  if (state.standing !== 'asking' || author === undefined || !same(object.nonce, state.headNonce))
    return
  if (!parts.isSignedBy(Head, head, author.guestSig)) return
  const self = ownEntry(turn, state.base.record.members)
  const seen = object.seen.find(({ index }) => index === self?.index)
  const e = meantEpoch(parts.networkId, object)
  state.heads.set(object.index, { e, k: object.k, vaultSeq: seen?.vaultSeq ?? 0 })
}

/** At the end of every turn, until the heads of L members, oneself included, are here and none shows an epoch that is not. */
export function considerFresh(turn: Turn): void {
  const { parts, state, effects } = turn
  if (state.standing !== 'asking') return
  const { record } = state.base
  const { f, L: l } = numbersOf(record)
  const self = ownEntry(turn, record.members)
  if (state.heads.size < (self === undefined ? l : l - 1)) return
  const heads = [...state.heads.values()]
  // The f highest may be invented.
  const e = heads.map((head) => head.e).sort((a, b) => b - a)[Math.min(f, heads.length - 1)] ?? -1
  if (e > record.e) {
    askEpochs(turn)
    return
  }
  const seen = Math.max(...heads.map(({ vaultSeq }) => vaultSeq))
  if (seen > parts.vaultSeq() && !state.isRejoining) {
    state.standing = 'stopped'
    effects.push({ do: 'exit', code: 72, why: 'rolled-back' })
    return
  }
  state.standing = 'member'
  if (state.isRejoining) quarantine(turn, seen, record.e + 1, Math.max(...heads.map(({ k }) => k)))
  resume(turn)
}

function askEpochs(turn: Turn): void {
  const { state } = turn
  if (state.hasAskedEpochs === state.base.record.e) return
  state.hasAskedEpochs = state.base.record.e
  const { members, e } = state.base.record
  send(turn, members, { type: 'ask', what: 'epoch', e: e + 1, k: 0 })
}

/** It cannot know which votes it forgot, and no time heals that: none until an epoch is active for which it was READY after its return (03 §9.4). */
function quarantine(turn: Turn, seen: number, e: number, k: number): void {
  const { state } = turn
  state.quarantine = { e, k }
  promise(turn, put('quarantine', [], state.quarantine), put('seq', [], seen))
  notice(turn, { about: 'quarantine', e, k })
  for (const attempt of state.attempts.values()) attempt.qbft = null
}
