import type { EpochCert } from '../objects/certificates.ts'
import { Active, Close } from '../objects/handoff.ts'
import type { Member } from '../objects/member.ts'
import { LEAVE_REASONS } from '../objects/proposal.ts'
import { EpochRecord } from '../objects/record.ts'
import type { Signed } from '../objects/signed.ts'
import { baseOfRecord } from '../rules/base.ts'
import { isEpochOf } from './epoch-certificate.ts'
import { isGenesis } from './genesis-epoch.ts'
import type { HeldKey } from './held-key.ts'
import { same } from './hex-of.ts'
import type { ClosedLog, OpenInstance } from './messages.ts'
import { forgetProposals } from './proposals.ts'
import { endsQuarantine } from './quarantine.ts'
import { put, remove } from './records.ts'
import type { Attempt, BaseEpoch, Ending, Epoch } from './state.ts'
import {
  byIndex,
  note,
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

/** An epoch that others say was decided: what ends an attempt, and what a member that is behind is told (STALE). */
export function onEpoch(
  turn: Turn,
  from: string,
  cert: EpochCert,
  keys: readonly HeldKey[] | null,
): void {
  const { parts, state } = turn
  const { e } = cert.record
  if (e === state.base.record.e + 1) {
    if (keys !== null && isEpochOf(turn, state.base, cert, keys)) takeEpoch(turn, cert, keys)
  } else if (e > state.base.record.e)
    reply(turn, from, { type: 'ask', what: 'epoch', e: state.base.record.e + 1, k: 0 })
  else {
    const [mine, before] = [state.epochs.get(e), state.epochs.get(e - 1)]
    if (mine === undefined || before === undefined) return
    if (
      same(parts.hash(EpochRecord, cert.record), mine.hash) ||
      !isEpochOf(turn, before, cert, null)
    )
      return
    state.standing = 'stopped'
    notice(turn, { about: 'fork', e })
  }
}

/** S10: pointer and certificate in one batch; from now on the epoch before only ends. */
export function takeEpoch(turn: Turn, cert: EpochCert, keys: readonly HeldKey[]): void {
  const { parts, state, effects } = turn
  const { e, k } = cert.record
  const hash = parts.hash(EpochRecord, cert.record)
  const old = state.base
  const next: BaseEpoch = { record: cert.record, hash, base: baseOfRecord(cert.record), cert, keys }
  const removed = removedForFault(old, state.attempts.get(k))
  const isReleased = state.attempts.get(k)?.ready != null && endsQuarantine(turn, e, k)
  promise(
    turn,
    put('cert', [e], { cert, keys }),
    put('pointer', [], { e, k }),
    ...(isReleased ? [remove('quarantine', [])] : []),
    ...(removed.length > 0 ? [put('removed', [e], removed)] : []),
  )
  state.removed = [...state.removed, ...removed]
  if (isReleased) state.quarantine = null
  // Also the attempt that made it, for a leaver: it keeps nothing of an epoch that it is not in.
  const isIn = ownEntry(turn, next.record.members) !== undefined
  for (const attempt of state.attempts.values())
    if (attempt.k !== k || !isIn) effects.push({ do: 'drop-attempt', e, k: attempt.k })
  note(turn, ...forgetProposals(turn))
  state.attempts.clear()
  state.aborts.clear()
  state.early.clear()
  state.made.clear()
  state.heard.clear()
  state.holders.clear()
  Object.assign(state, { base: next, preflight: null, startTimer: null, frozen: null })
  state.epochs.set(old.record.e, { ...old, keys: null })
  state.epochs.set(e, next)
  openEnding(turn, old, next, null)
  notice(turn, { about: 'active', e, k })
  if (ownEntry(turn, next.record.members) && !parts.holdsShares(e, k))
    notice(turn, { about: 'shareless', e })
}

/** Who leaves for a fault, as far as this member saw why. */
function removedForFault({ record }: Epoch, attempt: Attempt | undefined): readonly Member[] {
  const gone = (attempt?.change.leaves ?? []).filter(({ reason }) => reason === LEAVE_REASONS.fault)
  return record.members.filter(({ index }) => gone.some((leaver) => leaver.index === index))
}

/** The epoch before, as far as this member knows it: what follows is S10 to S12. Of what the genesis file says there is nothing to close or to erase. */
export function openEnding(turn: Turn, epoch: Epoch, next: Epoch, close: ClosedLog | null): Ending {
  const { state } = turn
  const { e } = epoch.record
  const ending: Ending = {
    epoch,
    next,
    close,
    closes: new Map(close === null ? [] : [[close.close.object.index, close]]),
    handedOff: isGenesis(epoch),
    active: null,
    actives: new Map(),
    root: null,
    rootTimer: false,
    isDrained: false,
    isErased: isGenesis(epoch) || ownEntry(turn, epoch.record.members) === undefined,
    erased: null,
    receipts: new Map(),
  }
  state.endings.set(e, ending)
  if (isGenesis(epoch)) {
    turn.effects.push({ do: 'open-log', e: next.record.e, closes: [] })
    return ending
  }
  timer(turn, `drain/${e}`, next.record.params.drainMs)
  if (!ending.isErased && close === null) turn.effects.push({ do: 'close-log', e })
  return ending
}

/** The log of e takes no vote of this member any more; CLOSE says what was open (03 §9.3). */
export function onLogClosed(turn: Turn, e: number, open: readonly OpenInstance[]): void {
  const { parts, state } = turn
  const ending = state.endings.get(e)
  const self = ending === undefined ? undefined : ownEntry(turn, ending.epoch.record.members)
  if (
    ending === undefined ||
    self === undefined ||
    ending.close !== null ||
    state.quarantine !== null
  )
    return
  const close = parts.sign(Close, {
    committeeId: parts.committeeId,
    e,
    recordHash: ending.next.hash,
    headsRoot: new Uint8Array(32),
    openRoot: parts.openRoot(open),
    index: self.index,
  })
  ending.close = { close, open }
  ending.closes.set(self.index, ending.close)
  promise(turn, put('closed', [e], ending.close))
  send(turn, everyoneOf(ending), { type: 'close', close, open })
}

export function onClose(
  { parts, state }: Turn,
  close: Signed<Close>,
  open: readonly OpenInstance[],
): void {
  const { object } = close
  const ending = state.endings.get(object.e)
  const author =
    ending === undefined ? undefined : byIndex(ending.epoch.record.members, object.index)
  if (ending === undefined || author === undefined || ending.closes.has(object.index)) return
  if (!same(object.recordHash, ending.next.hash) || !same(parts.openRoot(open), object.openRoot))
    return
  if (parts.isSignedBy(Close, close, author.guestSig))
    ending.closes.set(object.index, { close, open })
}

/** S10, at the end of every turn: with q CLOSE of the old members log votes of the new epoch begin, and with own shares this member serves it and says so. */
export function considerActive(turn: Turn, ending: Ending): void {
  const { parts, state, effects } = turn
  const { epoch, next } = ending
  const { e, k } = next.record
  const self = ownEntry(turn, next.record.members)
  if (self === undefined || state.standing !== 'member') return
  if (!ending.handedOff && ending.closes.size >= numbersOf(epoch.record).q) {
    ending.handedOff = true
    promise(turn, put('handoff', [epoch.record.e], [...ending.closes.values()]))
    effects.push({ do: 'open-log', e, closes: [...ending.closes.values()] })
  }
  if (ending.active !== null || !ending.handedOff || !parts.holdsShares(e, k)) return
  ending.active = parts.sign(Active, {
    committeeId: parts.committeeId,
    e,
    recordHash: next.hash,
    index: self.index,
  })
  ending.actives.set(self.index, ending.active)
  promise(turn, put('active', [e], ending.active))
  send(turn, everyoneOf(ending), { type: 'active', active: ending.active })
}

export function onActive({ parts, state }: Turn, active: Signed<Active>): void {
  const { object } = active
  const ending = state.endings.get(object.e - 1)
  const author =
    ending === undefined ? undefined : byIndex(ending.next.record.members, object.index)
  if (ending === undefined || author === undefined || !same(object.recordHash, ending.next.hash))
    return
  if (parts.isSignedBy(Active, active, author.guestSig)) ending.actives.set(object.index, active)
}

export const everyoneOf = ({ epoch, next }: Ending): ReturnType<typeof union> =>
  union(epoch.record.members, next.record.members)
