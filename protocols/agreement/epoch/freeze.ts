import { FAULT_CODES } from '../objects/attempt.ts'
import { Freeze, Frozen, Tail } from '../objects/freeze.ts'
import type { Signed } from '../objects/signed.ts'
import { blame, cutChunks } from './attempt.ts'
import type { HeldKey } from './held-key.ts'
import { hexOf, same } from './hex-of.ts'
import { areInKeyOrder, inKeyOrder } from './key-lists.ts'
import type { FrozenList } from './messages.ts'
import { put } from './records.ts'
import type { Attempt } from './state.ts'
import {
  byIndex,
  mayVote,
  numbersOf,
  ownEntry,
  promise,
  send,
  type Turn,
  timer,
  union,
} from './turn.ts'

/** From the own FROZEN on, an attempt may take this long (03 §4.1 S3). */
const FROZEN_MS = 60_000

/** S6, at the end of every turn: the initiator freezes the keys once all other chunks are durable. */
export function considerFreeze(turn: Turn, attempt: Attempt): void {
  const { parts, state } = turn
  const self = ownEntry(turn, state.base.record.members)
  if (self?.index !== attempt.started.start.object.initiator || !mayVote(turn)) return
  if (attempt.hasFrozen || attempt.tail !== null) return
  const chunks = cutChunks(attempt)
  for (let chunk = 0; chunk < chunks; chunk++) if (!attempt.transcripts.has(chunk)) return
  attempt.hasFrozen = true
  const { committeeId } = parts
  const freeze = parts.sign(Freeze, {
    committeeId,
    e: attempt.e - 1,
    k: attempt.k,
    chunks,
    index: self.index,
  })
  send(turn, state.base.record.members, { type: 'freeze', freeze })
  freezeOwn(turn, attempt)
}

export function onFreeze(turn: Turn, { object, ...rest }: Signed<Freeze>): void {
  const { parts, state } = turn
  const attempt = state.attempts.get(object.k)
  const initiator = byIndex(state.base.record.members, object.index)
  if (attempt === undefined || initiator === undefined || object.e !== state.base.record.e) return
  if (initiator.index !== attempt.started.start.object.initiator || !mayVote(turn)) return
  if (!parts.isSignedBy(Freeze, { object, ...rest }, initiator.guestSig)) return
  freezeOwn(turn, attempt)
}

/** FROZEN: from here on this member signs neither K4 nor `held` of e, so that q of them know every key that was released (03 §6.1). */
function freezeOwn(turn: Turn, attempt: Attempt): void {
  const { parts, state, now } = turn
  const self = ownEntry(turn, state.base.record.members)
  if (self === undefined) return
  const own = attempt.lists.get(self.index)
  if (own === undefined) {
    const keys = lateKeys(turn, attempt)
    const { committeeId } = parts
    const frozen = parts.sign(Frozen, {
      committeeId,
      e: state.base.record.e,
      k: attempt.k,
      count: keys.length,
      root: parts.certificatesRoot(keys),
      index: self.index,
    })
    state.frozen = attempt.k
    attempt.lists.set(self.index, { frozen, keys })
    attempt.deadlineAt = Math.min(attempt.deadlineAt, now + FROZEN_MS)
    const { started, deadlineAt, e, k } = attempt
    promise(
      turn,
      put('frozen', [e - 1, k], { frozen, keys }),
      put('att', [e, k], { started, deadlineAt }),
    )
    timer(turn, `deadline/${e}/${k}`, deadlineAt - now)
  }
  const initiator = byIndex(state.base.record.members, attempt.started.start.object.initiator)
  const list = attempt.lists.get(self.index)
  if (initiator !== undefined && list !== undefined)
    send(turn, [initiator], { type: 'frozen', ...list })
}

/** Keys that this member holds a certificate of and that are not under the cut. */
function lateKeys({ state }: Turn, { started }: Attempt): readonly HeldKey[] {
  const cut = new Set(started.cut.map(({ keyId }) => hexOf(keyId)))
  return inKeyOrder([...state.made.values()].filter(({ keyId }) => !cut.has(hexOf(keyId))))
}

/** The initiator collects q lists; their union is the final tail. */
export function onFrozen(turn: Turn, list: FrozenList): void {
  const { state } = turn
  const { object } = list.frozen
  const attempt = state.attempts.get(object.k)
  const self = ownEntry(turn, state.base.record.members)
  if (attempt === undefined || self?.index !== attempt.started.start.object.initiator) return
  if (attempt.tail !== null || !isList(turn, attempt, list)) return
  attempt.lists.set(object.index, list)
}

/** At the end of every turn: with q lists the initiator ends the freeze. */
export function considerTail(turn: Turn, attempt: Attempt): void {
  const { parts, state } = turn
  const self = ownEntry(turn, state.base.record.members)
  if (self?.index !== attempt.started.start.object.initiator) return
  if (attempt.tail !== null || attempt.lists.size < numbersOf(state.base.record).q) return
  const lists = [...attempt.lists.values()].sort(
    (a, b) => a.frozen.object.index - b.frozen.object.index,
  )
  const { committeeId } = parts
  const tail = parts.sign(Tail, {
    committeeId,
    e: state.base.record.e,
    k: attempt.k,
    frozen: lists.map(({ frozen }) => frozen),
    initiator: self.index,
  })
  takeTail(turn, attempt, lists)
  attempt.tailSent = { type: 'tail', tail, lists }
  send(turn, union(state.base.record.members, attempt.members), attempt.tailSent)
}

/** The first TAIL of (e, k) wins at each member. */
export function onTail(turn: Turn, tail: Signed<Tail>, lists: readonly FrozenList[]): void {
  const { parts, state } = turn
  const { object } = tail
  const attempt = state.attempts.get(object.k)
  const initiator = byIndex(state.base.record.members, object.initiator)
  if (attempt === undefined || attempt.tail !== null || initiator === undefined) return
  if (object.e !== attempt.e - 1 || initiator.index !== attempt.started.start.object.initiator)
    return
  if (!parts.isSignedBy(Tail, tail, initiator.guestSig)) return
  if (lists.length !== object.frozen.length) return
  const authors = new Set(lists.map(({ frozen }) => frozen.object.index))
  if (authors.size < numbersOf(state.base.record).q) return
  if (!lists.every((list) => isList(turn, attempt, list))) return
  takeTail(turn, attempt, lists)
}

function takeTail(turn: Turn, attempt: Attempt, lists: readonly FrozenList[]): void {
  const { state } = turn
  const { e, k } = attempt
  const keys = tailKeys(attempt, lists)
  attempt.tail = { lists, keys }
  promise(turn, put('tail', [e, k], attempt.tail))
  const listed = new Set([...attempt.started.cut, ...keys].map(({ keyId }) => hexOf(keyId)))
  const missing = [...state.base.keys, ...state.made.values()].some(
    ({ keyId }) => !listed.has(hexOf(keyId)),
  )
  if (missing) blame(turn, attempt, FAULT_CODES.tail, attempt.started.start.object.initiator)
}

/** The union of the lists, without entries that nothing certifies, in order of id. */
function tailKeys({ started }: Attempt, lists: readonly FrozenList[]): readonly HeldKey[] {
  const cut = new Set(started.cut.map(({ keyId }) => hexOf(keyId)))
  const found = new Map(
    lists.flatMap(({ keys }) => keys).map((key) => [hexOf(key.keyId), key] as const),
  )
  return inKeyOrder([...found].flatMap(([id, key]) => (cut.has(id) ? [] : [key])))
}

function isList({ parts, state }: Turn, attempt: Attempt, { frozen, keys }: FrozenList): boolean {
  const { object } = frozen
  const author = byIndex(state.base.record.members, object.index)
  if (author === undefined || object.e !== attempt.e - 1 || object.k !== attempt.k) return false
  if (!areInKeyOrder(keys) || keys.some(({ certificate }) => certificate === null)) return false
  if (keys.length !== object.count || !same(parts.certificatesRoot(keys), object.root)) return false
  if (!keys.every((key) => parts.isKeyCertified(key, state.base))) return false
  return parts.isSignedBy(Frozen, frozen, author.guestSig)
}
