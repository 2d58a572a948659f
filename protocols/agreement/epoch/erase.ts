import { Erased } from '../objects/handoff.ts'
import type { RootSig } from '../objects/root-signatures.ts'
import type { Signed } from '../objects/signed.ts'
import { everyoneOf } from './activate.ts'
import { same } from './hex-of.ts'
import { put } from './records.ts'
import type { Ending } from './state.ts'
import { byIndex, note, numbersOf, ownEntry, promise, send, type Turn, timer } from './turn.ts'

/** Between two members that try to lead the root signature, and before the same one tries again (03 §4.1 S11). */
const ROOT_TURN_MS = 2_000

/** S11, at the end of every turn: any member leads, each in its turn, for ever. */
export function considerRoot(turn: Turn, ending: Ending): void {
  const { parts } = turn
  const { record } = ending.next
  const place = record.members.findIndex(({ guestSig }) => same(guestSig, parts.guestSig))
  if (ending.root !== null || ending.rootTimer || place < 0) return
  if (!parts.holdsShares(record.e, record.k)) return
  ending.rootTimer = true
  timer(turn, `root/${record.e}`, place * ROOT_TURN_MS)
}

export function onRootDue({ state, effects }: Turn, e: number): void {
  const ending = state.endings.get(e - 1)
  if (ending === undefined || ending.root !== null) return
  effects.push({ do: 'sign-root', e, recordHash: ending.next.hash })
  effects.push({
    do: 'timer',
    name: `root/${e}`,
    ms: ROOT_TURN_MS * ending.next.record.members.length,
  })
}

/** A root signature, made here or told: whoever verifies it has it. */
export function onRoot(turn: Turn, root: RootSig, isOwn: boolean): void {
  const { parts, state } = turn
  const ending = [...state.endings.values()].find(({ next }) => same(next.hash, root.recordHash))
  if (ending === undefined || ending.root !== null) return
  if (!parts.isRootSignature(root, ending.next.record.rootKey)) return
  ending.root = root
  note(turn, put('root', [ending.next.record.e], root))
  if (isOwn) send(turn, everyoneOf(ending), { type: 'root', root })
}

export function onDrained({ state }: Turn, e: number): void {
  const ending = state.endings.get(e)
  if (ending !== undefined) ending.isDrained = true
}

/** S12, at the end of every turn: only with ACTIVE of q', the root signature and the drain are the shares of e destroyed (C3). */
export function considerErase(turn: Turn, ending: Ending): void {
  const { epoch, next } = ending
  if (ending.isErased || ending.root === null || !ending.isDrained) return
  if (ending.actives.size < numbersOf(next.record).q) return
  promise(turn, put('erasing', [epoch.record.e], true))
  erase(turn, ending)
}

/** Also what a restart in the middle goes on with: nothing in it depends on how far it came before. */
export function erase(turn: Turn, ending: Ending): void {
  const { parts, effects } = turn
  const { e, k } = ending.epoch.record
  const self = ownEntry(turn, ending.epoch.record.members)
  ending.isErased = true
  effects.push({ do: 'destroy', e, k })
  if (self === undefined) return
  ending.erased = parts.sign(Erased, {
    committeeId: parts.committeeId,
    e,
    recordHash: ending.epoch.hash,
    index: self.index,
  })
  ending.receipts.set(self.index, ending.erased)
  note(turn, put('erased', [e], ending.erased))
  send(turn, everyoneOf(ending), { type: 'erased', erased: ending.erased })
}

export function onErased({ parts, state }: Turn, erased: Signed<Erased>): void {
  const { object } = erased
  const ending = state.endings.get(object.e)
  const author =
    ending === undefined ? undefined : byIndex(ending.epoch.record.members, object.index)
  if (ending === undefined || author === undefined || !same(object.recordHash, ending.epoch.hash))
    return
  if (parts.isSignedBy(Erased, erased, author.guestSig)) ending.receipts.set(object.index, erased)
}
