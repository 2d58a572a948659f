import { Held, keyCertHash } from '../objects/freeze.ts'
import type { Signed } from '../objects/signed.ts'
import type { HeldKey } from './held-key.ts'
import { hexOf, same } from './hex-of.ts'
import { put } from './records.ts'
import {
  byIndex,
  entryOf,
  mayVote,
  numbersOf,
  ownEntry,
  promise,
  reply,
  send,
  type Turn,
} from './turn.ts'

/** K4 of a key of the base: a frozen member signs none (03 §6.1). */
export function onKeyProved(turn: Turn, keyId: Uint8Array): void {
  if (turn.state.frozen === null && mayVote(turn)) turn.effects.push({ do: 'certify', keyId })
}

/** A certificate that this member put together: it goes to all, and its address is told once q hold it. */
export function onKeyMade(turn: Turn, key: HeldKey): void {
  const { state } = turn
  if (!hold(turn, key)) return
  const self = ownEntry(turn, state.base.record.members)
  if (self === undefined) return
  state.holders.set(hexOf(key.keyId), new Set([self.index]))
  send(turn, state.base.record.members, { type: 'key', key })
}

/** A certificate of another member: stored before it is answered. A frozen member answers nothing. */
export function onKey(turn: Turn, from: string, key: HeldKey): void {
  const { parts, state } = turn
  const self = ownEntry(turn, state.base.record.members)
  if (
    self === undefined ||
    entryOf(state.base.record.members, from) === undefined ||
    key.certificate === null ||
    !hold(turn, key)
  )
    return
  const certHash = keyCertHash(key.certificate)
  const held = parts.sign(Held, {
    committeeId: parts.committeeId,
    keyId: key.keyId,
    keyCertHash: certHash,
    index: self.index,
  })
  reply(turn, from, { type: 'held', held })
}

function hold(turn: Turn, key: HeldKey): boolean {
  const { parts, state } = turn
  if (state.frozen !== null || !mayVote(turn) || key.certificate === null) return false
  if (!parts.isKeyCertified(key, state.base)) return false
  const id = hexOf(key.keyId)
  if (!state.made.has(id)) promise(turn, put('key', [state.base.record.e, id], key))
  state.made.set(id, key)
  return true
}

export function onHeld(turn: Turn, held: Signed<Held>): void {
  const { parts, state, effects } = turn
  const { object } = held
  const id = hexOf(object.keyId)
  const holders = state.holders.get(id)
  const key = state.made.get(id)
  const author = byIndex(state.base.record.members, object.index)
  if (
    holders === undefined ||
    key === undefined ||
    key.certificate === null ||
    author === undefined ||
    holders.has(object.index)
  )
    return
  if (!same(keyCertHash(key.certificate), object.keyCertHash)) return
  if (!parts.isSignedBy(Held, held, author.guestSig)) return
  holders.add(object.index)
  if (holders.size === numbersOf(state.base.record).q)
    effects.push({ do: 'release', keyId: key.keyId })
}
