import { AttemptFault, FAULT_CODES, type FaultCode } from '../objects/attempt.ts'
import { epochIdOf } from '../objects/record.ts'
import type { Signed } from '../objects/signed.ts'
import { Start } from '../objects/start.ts'
import { nextRoster } from '../rules/change.ts'
import { brokenStart, brokenStartTime } from '../rules/start-rules.ts'
import { takeAbort } from './aborts.ts'
import { faultsOf } from './accepted.ts'
import type { TaskDone, TaskFailed } from './events.ts'
import { changeOfSubject, expiryOf, isGenesis } from './genesis-epoch.ts'
import type { HeldKey } from './held-key.ts'
import { hexOf, same } from './hex-of.ts'
import { areInKeyOrder, inChunkOrder, inKeyOrder } from './key-lists.ts'
import type { Started } from './messages.ts'
import type { Parts } from './parts.ts'
import { put } from './records.ts'
import type { Attempt } from './state.ts'
import { byIndex, notice, ownEntry, promise, reply, send, type Turn, timer, union } from './turn.ts'

/** Keys of one chunk (03 §6), and the coefficients that a dealer proves for them (02 §8). */
const CHUNK_KEYS = 256
const CHUNK_COEFFICIENTS = 2_048

/** The attempt that may be started now: the one after the last that was aborted (C2, 03 §4.1). */
export const nextAttempt = ({ state }: Turn): number => Math.max(0, ...state.aborts.keys()) + 1

/** S3: a START from another member. The first of (e + 1, k) wins here; nobody acts in k without the ABORT of k - 1. */
export function onStart(turn: Turn, started: Started): void {
  const { state, now } = turn
  const { start, abort } = started
  if (start.object.e !== state.base.record.e + 1) return
  if (abort !== null) takeAbort(turn, abort)
  const { k } = start.object
  const known = state.attempts.get(k)
  if (known !== undefined) {
    onOtherStart(turn, known, started)
    return
  }
  if (k !== nextAttempt(turn) || !isGood(turn, started)) return
  // One that is heard of too late takes part in nothing but its ABORT, or it would stay undecided for ever.
  const isTimely = brokenStartTime(start.object, now) === undefined && expiryOf(started) > now
  openAttempt(turn, started, isTimely ? start.object.deadlineMs : 0)
}

/** Writes the START down before anything is done for it. */
export function openAttempt(
  turn: Turn,
  started: Started,
  deadlineMs: number = started.start.object.deadlineMs,
): void {
  const { state, now } = turn
  const { e, k, proposalHash } = started.start.object
  const deadlineAt = now + deadlineMs
  promise(turn, put('att', [e, k], { started, deadlineAt }))
  const live = state.proposals.get(hexOf(proposalHash))
  if (live !== undefined) live.starts++
  state.attempts.set(k, attemptOf(turn, started, deadlineAt, deadlineMs === 0))
  timer(turn, `deadline/${e}/${k}`, deadlineMs)
}

/** An attempt of which nothing is done yet but the START. */
export function attemptOf(
  { parts, state }: Pick<Turn, 'parts' | 'state'>,
  started: Started,
  deadlineAt: number,
  isOverdue: boolean = false,
): Attempt {
  const { object } = started.start
  const change = changeOfSubject(state.base.base, started)
  return {
    e: object.e,
    k: object.k,
    started,
    startHash: parts.hash(Start, object),
    epochId: epochIdOf(object),
    change,
    members: nextRoster(state.base.base, change).members,
    deadlineAt,
    isOverdue,
    hasSetups: false,
    transcripts: new Map(),
    hasFrozen: false,
    lists: new Map(),
    tail: isGenesis(state.base) ? { lists: [], keys: [] } : null, // no key can be late
    rootKey: null,
    record: null,
    keys: null,
    running: new Set(),
    isTested: false,
    ready: null,
    readies: new Map(),
    records: new Map(),
    ownFault: null,
    fault: null,
    twoStarts: null,
    qbft: null,
    valuesTold: '',
    decision: null,
    hasAsked: false,
    tailSent: null,
    judged: new Map(),
  }
}

/** Everything a START must be, but for what an earlier one of the same attempt decides. */
function isGood(turn: Turn, started: Started): boolean {
  const { parts, state } = turn
  const { start, cut, abort } = started
  const { base } = state.base
  if (faultsOf(turn, started, start.object.createdAt).length > 0) return false
  const change = changeOfSubject(base, started)
  if (brokenStart(base, change, start, abort, parts.verify) !== undefined) return false
  const { cutCount, cutRoot } = start.object
  if (cutCount !== cut.length || !areInKeyOrder(cut)) return false
  if (!same(parts.keyRoot(cut), cutRoot)) return false
  return cut.every((key) => parts.isKeyCertified(key, state.base))
}

/** Another START of an attempt that has one: evidence if one member signed both, and in any case nobody waits for the deadline (row 3 of 03 §10). */
function onOtherStart(turn: Turn, attempt: Attempt, other: Started): void {
  const { parts, state } = turn
  const { start } = other
  const mine = attempt.started.start
  if (same(parts.hash(Start, start.object), attempt.startHash)) return
  const initiator = byIndex(state.base.record.members, start.object.initiator)
  if (initiator === undefined || !parts.isSignedBy(Start, start, initiator.guestSig)) return
  if (mine.object.initiator === initiator.index) takeTwoStarts(turn, [mine, start])
  if (attempt.ready === null) blame(turn, attempt, FAULT_CODES.otherStart, start.object.initiator)
}

/** Two STARTs of one attempt by one initiator make ABORT valid (03 §5). */
export function takeTwoStarts(turn: Turn, starts: readonly [Signed<Start>, Signed<Start>]): void {
  const { state } = turn
  const [{ object: one }, { object: other }] = starts
  const attempt = state.attempts.get(one.k)
  const initiator = byIndex(state.base.record.members, one.initiator)
  if (attempt === undefined || attempt.twoStarts !== null || initiator === undefined) return
  if (!areTwoStarts(turn, attempt, starts)) return
  attempt.twoStarts = starts
  notice(turn, { about: 'evidence', of: other.initiator, what: 'two-starts' })
  send(turn, union(state.base.record.members, attempt.members), { type: 'two-starts', starts })
}

export function areTwoStarts(
  { parts, state }: Turn,
  { e, k }: Attempt,
  [one, other]: readonly [Signed<Start>, Signed<Start>],
): boolean {
  const initiator = byIndex(state.base.record.members, one.object.initiator)
  return (
    initiator !== undefined &&
    one.object.initiator === other.object.initiator &&
    [one, other].every(({ object }) => object.e === e && object.k === k) &&
    !same(parts.hash(Start, one.object), parts.hash(Start, other.object)) &&
    [one, other].every((start) => parts.isSignedBy(Start, start, initiator.guestSig))
  )
}

/** Says at once that this member cannot finish, so that nobody waits for the deadline (03 §4.1 S3). Once per attempt, and never after READY. */
export function blame(turn: Turn, attempt: Attempt, code: FaultCode, about: number): void {
  const { parts, state } = turn
  const self = ownEntry(turn, attempt.members)
  if (self === undefined || attempt.ownFault !== null || attempt.ready !== null) return
  const { e, k } = attempt
  const { committeeId } = parts
  const fault = { committeeId, e, k, code, about, evidenceHash: null, index: self.index }
  attempt.ownFault = parts.sign(AttemptFault, fault)
  attempt.fault ??= attempt.ownFault
  promise(turn, put('fault', [e, k], attempt.ownFault))
  send(turn, union(state.base.record.members, attempt.members), {
    type: 'fault',
    fault: attempt.ownFault,
  })
}

export function onFault(turn: Turn, from: string, fault: Signed<AttemptFault>): void {
  const { parts, state } = turn
  if (isOver(turn, from, fault.object.e, fault.object.k)) return
  const attempt = state.attempts.get(fault.object.k)
  if (attempt === undefined || attempt.fault !== null || !isFaultOf({ parts }, attempt, fault))
    return
  attempt.fault = fault
}

/** Whether a new member of this attempt signed it (03 §5). */
export function isFaultOf(
  { parts }: Pick<Turn, 'parts'>,
  attempt: Attempt,
  fault: Signed<AttemptFault>,
): boolean {
  const { e, k, index } = fault.object
  const author = byIndex(attempt.members, index)
  if (author === undefined || e !== attempt.e || k !== attempt.k) return false
  return parts.isSignedBy(AttemptFault, fault, author.guestSig)
}

/** Chunks of the keys under the cut; those of keys that came later, the tail, stand behind them (03 §6). */
export const cutChunks = (attempt: Attempt): number =>
  Math.ceil(attempt.started.cut.length / chunkKeys(attempt))

const chunkKeys = ({ change }: Attempt): number =>
  Math.min(CHUNK_KEYS, Math.floor(CHUNK_COEFFICIENTS / change.t))

/** Transcripts that the record covers, once the keys are final: the root key is the one chunk of the genesis epoch (03 §1.2). */
export const allChunks = (attempt: Attempt): number =>
  attempt.started.proposal === null
    ? 1
    : cutChunks(attempt) + Math.ceil((attempt.tail?.keys.length ?? 0) / chunkKeys(attempt))

/** The keys of the epoch that this attempt makes, in order of id: they are final, and their new shares are durable here. */
export const keysOf = (
  parts: Pick<Parts, 'reshared'>,
  { e, k, started, tail, rootKey }: Attempt,
): readonly HeldKey[] =>
  rootKey === null
    ? inKeyOrder(parts.reshared(e, k, [...started.cut, ...(tail?.keys ?? [])]))
    : [rootKey]

/** Whether this member may still come to READY: not after it, nor after its own fault or deadline, which leave ABORT alone. */
export const mayBecomeReady = ({ ready, ownFault, isOverdue }: Attempt): boolean =>
  ready === null && ownFault === null && !isOverdue

/** S4 and S5, at the end of every turn: what is not made yet is asked for, once. */
export function considerTasks(turn: Turn, attempt: Attempt): void {
  if (!mayBecomeReady(attempt)) return
  const self = ownEntry(turn, attempt.members)
  if (self !== undefined && !attempt.hasSetups) ask(turn, attempt, { kind: 'setups' })
  if (attempt.started.proposal === null && attempt.rootKey === null)
    ask(turn, attempt, { kind: 'root' })
  const size = chunkKeys(attempt)
  let cut: readonly HeldKey[] | null = null
  for (let chunk = 0; chunk < cutChunks(attempt); chunk++) {
    if (attempt.transcripts.has(chunk) || attempt.running.has(`chunk/${chunk}`)) continue
    cut ??= inChunkOrder(attempt.started.cut, turn.state.base.base.rootKey)
    askChunk(turn, attempt, chunk, cut.slice(chunk * size, (chunk + 1) * size))
  }
  const late = attempt.tail?.keys ?? []
  for (let from = 0, chunk = cutChunks(attempt); from < late.length; from += size, chunk++)
    if (!attempt.transcripts.has(chunk))
      askChunk(turn, attempt, chunk, late.slice(from, from + size))
}

const askChunk = (turn: Turn, attempt: Attempt, chunk: number, keys: readonly HeldKey[]): void =>
  ask(turn, attempt, { kind: 'chunk', chunk, keys: keys.map(({ keyId }) => keyId) })

type Asked =
  | { readonly kind: 'setups' }
  | { readonly kind: 'root' }
  | { readonly kind: 'chunk'; readonly chunk: number; readonly keys: readonly Uint8Array[] }
  | { readonly kind: 'tests'; readonly recordHash: Uint8Array }

/** Gives the resharing a task of this attempt, unless it has it. */
export function ask({ effects }: Turn, attempt: Attempt, asked: Asked): void {
  const { e, k, epochId, running } = attempt
  const name = asked.kind === 'chunk' ? `chunk/${asked.chunk}` : asked.kind
  if (running.has(name)) return
  running.add(name)
  effects.push({ do: 'reshare', task: { e, k, epochId, ...asked } })
}

export function onTaskDone({ parts, state }: Turn, done: TaskDone): void {
  const attempt = state.attempts.get(done.k)
  if (attempt === undefined || !same(attempt.epochId, done.epochId)) return
  if (done.kind === 'setups') attempt.hasSetups = true
  else if (done.kind === 'root') {
    attempt.transcripts.set(0, done.transcript)
    attempt.rootKey = parts.rootKeyOf(attempt.k)
  } else if (done.kind === 'chunk') attempt.transcripts.set(done.chunk, done.transcript)
  else attempt.isTested = true
}

export function onTaskFailed(turn: Turn, failed: TaskFailed): void {
  const attempt = turn.state.attempts.get(failed.k)
  if (attempt === undefined || !same(attempt.epochId, failed.epochId)) return
  blame(turn, attempt, failed.code as FaultCode, failed.about)
}

/** Who still speaks of an attempt that ended is told how (03 §4.2). */
export function isOver(turn: Turn, from: string, e: number, k: number): boolean {
  const { state } = turn
  const abort = e === state.base.record.e + 1 ? state.aborts.get(k) : undefined
  if (abort !== undefined) reply(turn, from, { type: 'aborted', cert: abort })
  const epoch = e <= state.base.record.e ? state.epochs.get(e) : undefined
  if (epoch?.cert) reply(turn, from, { type: 'epoch', cert: epoch.cert, keys: epoch.keys })
  return abort !== undefined || e <= state.base.record.e
}
