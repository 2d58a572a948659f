import type { Seen as SeenMember } from '../objects/beat.ts'
import { Beat } from '../objects/beat.ts'
import type { Member } from '../objects/member.ts'
import type { Signed } from '../objects/signed.ts'
import { noteBoot } from './clone.ts'
import { contributesHere, hearBeat } from './contributing.ts'
import { meantEpoch, statedEpoch } from './genesis-epoch.ts'
import { hexOf } from './hex-of.ts'
import { put } from './records.ts'
import type { State } from './state.ts'
import { entryOf, note, ownEntry, reply, send, type Turn, timer, union } from './turn.ts'

/** Between two beats of one member; what it saw of the others is on disk as often (03 §9.4). */
export const BEAT_MS = 5_000

/** Says where this member is. Begins with the process, before its own checks end (03 §9.5). */
export function onBeatDue(turn: Turn): void {
  const { parts, state, now } = turn
  timer(turn, 'beat', BEAT_MS)
  const self = knownEntry(turn, hexOf(parts.guestSig))
  if (self === undefined || state.standing === 'stopped') return
  const beat = parts.sign(Beat, {
    committeeId: parts.committeeId,
    time: now,
    e: statedEpoch(state.base.record),
    recordHash: state.base.hash,
    bootId: state.bootId,
    bootCounter: parts.bootCounter,
    vaultSeq: parts.vaultSeq(),
    headHash: parts.headHash(),
    erasedEpoch: erasedEpoch(turn),
    headsRoot: new Uint8Array(32),
    changed: [],
    open: [],
    seen: seenOfBase(state).map((seen) => ({
      ...seen,
      contributing: contributesHere(turn, seen.index),
    })),
    index: self.index,
  })
  send(turn, audience(turn), { type: 'beat', beat })
  if (state.seenChanged)
    note(
      turn,
      put(
        'seen',
        [],
        [...state.seen].map(([index, one]) => [index, one.bootId, one.vaultSeq] as const),
      ),
    )
  state.seenChanged = false
}

/** What was seen of the members of the base, by index: of nobody else does anybody ask. */
export const seenOfBase = ({ base, seen }: Pick<State, 'base' | 'seen'>): readonly SeenMember[] =>
  base.record.members.flatMap(({ index }) => {
    const one = seen.get(index)
    return one === undefined ? [] : [{ index, ...one }]
  })

/** The highest epoch of which, and of all before it, this member keeps no share, and needs nothing to serve the next. */
function erasedEpoch(turn: Turn): number | null {
  const { state } = turn
  const open = [...state.endings.values()]
    .filter(({ isErased, active, next }) => {
      const serves = active !== null || ownEntry(turn, next.record.members) === undefined
      return !isErased || !serves // a newcomer had no share, and may still lack the CLOSE of those who had
    })
    .map(({ epoch }) => epoch.record.e)
  const erased = Math.min(state.base.record.e, ...open) - 1
  return erased < 0 ? null : erased
}

/** Members of the base, and of every epoch that still ends. */
const audience = ({ state }: Turn): readonly Member[] =>
  [...state.endings.values()].reduce<readonly Member[]>(
    (all, { epoch, receipts }) =>
      receipts.size < epoch.record.members.length ? union(all, epoch.record.members) : all,
    state.base.record.members,
  )

/** An entry by address, in any epoch that this member knows. */
function knownEntry({ state }: Turn, address: string): Member | undefined {
  const now = entryOf(state.base.record.members, address)
  if (now !== undefined) return now
  for (const { record } of [...state.epochs.values()].reverse()) {
    const before = entryOf(record.members, address)
    if (before !== undefined) return before
  }
  return undefined
}

/** Whoever is behind is told what it lacks; whoever is ahead is asked. */
export function onBeat(turn: Turn, from: string, signed: Signed<Beat>): void {
  const { parts, state } = turn
  const { object } = signed
  const author = knownEntry(turn, from)
  if (author?.index !== object.index || !parts.isSignedBy(Beat, signed, author.guestSig)) return
  noteBoot(turn, object)
  if (entryOf(state.base.record.members, from)) hearBeat(turn, object)
  const before = state.seen.get(author.index)
  if (
    entryOf(state.base.record.members, from) &&
    (before === undefined || before.vaultSeq < object.vaultSeq)
  ) {
    state.seen.set(author.index, { bootId: object.bootId, vaultSeq: object.vaultSeq })
    state.seenChanged = true
  }
  const { e } = state.base.record
  const theirs = meantEpoch(parts.networkId, object)
  if (theirs > e) {
    reply(turn, from, { type: 'ask', what: 'epoch', e: e + 1, k: 0 })
    return
  }
  if (theirs < e) {
    tellEpochs(turn, from, theirs + 1)
    return
  }
  for (const ending of state.endings.values())
    if ((object.erasedEpoch ?? -1) < ending.epoch.record.e)
      tellEnding(turn, from, ending.epoch.record.e)
}

/** Every epoch from `e` on, in order (STALE, 03 §4.1 S10). */
export function tellEpochs(turn: Turn, to: string, e: number): void {
  for (let next = e; ; next++) {
    const epoch = turn.state.epochs.get(next)
    if (epoch === undefined || epoch.cert === null) return
    reply(turn, to, { type: 'epoch', cert: epoch.cert, keys: epoch.keys })
  }
}

/** What somebody may lack that has not erased epoch e yet. */
function tellEnding(turn: Turn, to: string, e: number): void {
  const ending = turn.state.endings.get(e)
  if (ending === undefined) return
  const { active, actives, root, closes, next } = ending
  const asker = entryOf(next.record.members, to)
  if (asker !== undefined && !actives.has(asker.index))
    for (const close of closes.values()) reply(turn, to, { type: 'close', ...close })
  if (active !== null) reply(turn, to, { type: 'active', active })
  if (root !== null) reply(turn, to, { type: 'root', root })
}

export function onAsk(
  turn: Turn,
  from: string,
  what: 'start' | 'epoch',
  e: number,
  k: number,
): void {
  const { state } = turn
  if (e <= state.base.record.e) {
    tellEpochs(turn, from, e)
    return
  }
  if (what === 'epoch' || e !== state.base.record.e + 1) return
  const abort = state.aborts.get(k)
  const attempt = state.attempts.get(k)
  if (abort !== undefined) reply(turn, from, { type: 'aborted', cert: abort })
  else if (attempt !== undefined) reply(turn, from, { type: 'start', ...attempt.started })
}
