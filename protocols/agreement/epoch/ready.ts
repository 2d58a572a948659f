import { Ready } from '../objects/ready.ts'
import type { EpochRecord } from '../objects/record.ts'
import { EpochRecord as RecordCodec, transcriptHashOf } from '../objects/record.ts'
import type { Signed } from '../objects/signed.ts'
import { nextRecord } from '../rules/change.ts'
import { allChunks, ask, isOver, keysOf, mayBecomeReady } from './attempt.ts'
import { hexOf, same } from './hex-of.ts'
import { endsQuarantine } from './quarantine.ts'
import { put } from './records.ts'
import type { Attempt } from './state.ts'
import { byIndex, ownEntry, promise, send, type Turn, union } from './turn.ts'

/** S7, at the end of every turn: with setups, TAIL and every chunk durable the record is known, and its test signatures are asked for. */
export function considerTests(turn: Turn, attempt: Attempt): void {
  const { parts } = turn
  if (attempt.tail === null || !mayBecomeReady(attempt)) return
  if (!attempt.hasSetups || ownEntry(turn, attempt.members) === undefined) return
  attempt.record ??= recordOf(turn, attempt)
  if (attempt.record === null) return
  ask(turn, attempt, { kind: 'tests', recordHash: parts.hash(RecordCodec, attempt.record) })
}

/** The record that this attempt makes, with TAIL and every chunk durable here; `null` before. */
export function recordOf({ parts, state }: Turn, attempt: Attempt): EpochRecord | null {
  const { started, tail, change } = attempt
  if (tail === null) return null
  const chunks = allChunks(attempt)
  const transcripts: Uint8Array[] = []
  for (let chunk = 0; chunk < chunks; chunk++) {
    const transcript = attempt.transcripts.get(chunk)
    if (transcript === undefined) return null
    transcripts.push(transcript)
  }
  const rootKey =
    attempt.started.proposal === null ? attempt.rootKey?.publicKey : state.base.record.rootKey
  if (rootKey === undefined) return null
  const keys = keysOf(parts, attempt)
  attempt.keys = keys
  return nextRecord(state.base.base, change, started.start.object, {
    rootKey,
    keyCount: keys.length,
    keySetRoot: parts.keyRoot(keys),
    transcriptHash: transcriptHashOf(transcripts),
  })
}

/** S8, at the end of every turn: only with own shares of every chunk, all proofs and all test subsets. */
export function considerReady(turn: Turn, attempt: Attempt): void {
  const { parts, state } = turn
  const { e, k, record } = attempt
  const self = ownEntry(turn, attempt.members)
  if (record === null || !attempt.isTested || !mayBecomeReady(attempt)) return
  if (self === undefined || (state.quarantine !== null && !endsQuarantine(turn, e, k))) return
  const { committeeId } = parts
  const recordHash = parts.hash(RecordCodec, record)
  attempt.ready = parts.sign(Ready, {
    committeeId,
    e,
    k,
    recordHash,
    prekey: parts.prekey(e, k),
    index: self.index,
  })
  promise(turn, put('ready', [e, k], attempt.ready))
  sendReady(turn, attempt)
  takeReady(attempt, attempt.ready, record)
}

export function sendReady(turn: Turn, attempt: Attempt): void {
  const { ready, record } = attempt
  if (ready === null || record === null) return
  send(turn, union(turn.state.base.record.members, attempt.members), {
    type: 'ready',
    ready,
    record,
  })
}

export function onReady(turn: Turn, from: string, ready: Signed<Ready>, record: EpochRecord): void {
  const { parts, state } = turn
  const { k, index, e, recordHash } = ready.object
  if (isOver(turn, from, e, k)) return
  const attempt = state.attempts.get(k)
  const author = attempt === undefined ? undefined : byIndex(attempt.members, index)
  if (attempt === undefined || author === undefined || e !== attempt.e) return
  if (record.e !== e || record.k !== k || !same(parts.hash(RecordCodec, record), recordHash)) return
  if (!parts.isSignedBy(Ready, ready, author.guestSig)) return
  takeReady(attempt, ready, record)
}

function takeReady(attempt: Attempt, ready: Signed<Ready>, record: EpochRecord): void {
  const hash = hexOf(ready.object.recordHash)
  const of = attempt.readies.get(hash) ?? new Map<number, Signed<Ready>>()
  attempt.readies.set(hash, of)
  attempt.records.set(hash, record)
  of.set(ready.object.index, ready)
}

/** READY of **all** members of the record, by its hash (C1, 03 §4.1 S8). */
export function readyOfAll({
  readies,
  records,
}: Attempt): { record: EpochRecord; readies: readonly Signed<Ready>[] } | null {
  for (const [hash, of] of readies) {
    const record = records.get(hash)
    if (record === undefined) continue
    const found = record.members.flatMap(({ index }) => of.get(index) ?? [])
    if (found.length === record.members.length) return { record, readies: found }
  }
  return null
}
