import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { objectFields } from '../fields.ts'
import { type SignatureList, signatureList } from '../objects/signed.ts'
import { type Decision, decisionOf, MAX_MESSAGE_BYTES, MAX_PRE_PREPARE_BYTES } from './message.ts'
import { ABORT, roundField, type Value, type VoteKind, valueField } from './vote.ts'

/** The value that a member saw a quorum prepare last, with the PREPAREs. */
export interface Prepared {
  readonly round: number
  readonly value: Value
  readonly prepares: SignatureList
}

export const NOTHING_PREPARED: Prepared = { round: 0, value: ABORT, prepares: [] }

/** The messages that a member sent in its present round, as the bytes that went out (03 §5). */
export type Sent = { readonly [kind in VoteKind]?: Uint8Array }

/** All that a member must not forget of one instance: record `qb/<iid>` (03 §5). */
export interface QbftRecord {
  /** 0: not started. */
  readonly round: number
  readonly sent: Sent
  readonly prepared: Prepared | null
  readonly decision: Decision | null
}

/** Before anything happened. */
export const NEW_RECORD: QbftRecord = { round: 0, sent: {}, prepared: null, decision: null }

/** The order in which votes are stored and sent again. */
export const SENT_ORDER: readonly VoteKind[] = ['round-change', 'pre-prepare', 'prepare', 'commit']

/** One PRE-PREPARE, three other messages, two certificates. */
export const MAX_QBFT_RECORD_BYTES: number = MAX_PRE_PREPARE_BYTES + 5 * MAX_MESSAGE_BYTES

export function encodeQbftRecord(iid: Uint8Array, record: QbftRecord): Uint8Array {
  const { round, sent, prepared, decision } = record
  return encodeCanonical([
    'qb-record',
    1,
    iid,
    round,
    SENT_ORDER.map((kind) => sent[kind] ?? null),
    prepared && [prepared.round, prepared.value, prepared.prepares],
    decision && [decision.round, decision.value, decision.commits],
  ])
}

/** The record of instance `iid`; other bytes, and those of another instance, are a `DecodeError`. */
export function decodeQbftRecord(iid: Uint8Array, bytes: Uint8Array): QbftRecord {
  const [id, round, sent, prepared, decision] = objectFields(
    decodeCanonical(bytes, MAX_QBFT_RECORD_BYTES),
    'qb-record',
    5,
  )
  if (!(id instanceof Uint8Array) || id.length !== 32 || iid.some((byte, at) => byte !== id[at]))
    throw new DecodeError('the record of another instance')
  return {
    round: roundField(round, 'round', 0),
    sent: sentField(sent),
    prepared: prepared === null ? null : preparedField(prepared),
    decision: decision === null ? null : decisionField(decision),
  }
}

function sentField(value: unknown): Sent {
  const sent: { [kind in VoteKind]?: Uint8Array } = {}
  const rows = fixed(value, 'sent', SENT_ORDER.length)
  for (const [at, kind] of SENT_ORDER.entries()) {
    const bytes = rows[at]
    if (bytes === null) continue
    if (!(bytes instanceof Uint8Array)) throw new DecodeError('what was sent is not bytes')
    sent[kind] = bytes
  }
  return sent
}

function preparedField(value: unknown): Prepared {
  const [round, prepared, prepares] = fixed(value, 'prepared', 3)
  return {
    round: roundField(round, 'round'),
    value: valueField(prepared, 'value'),
    prepares: signatureList.read(prepares, 'prepares'),
  }
}

function decisionField(value: unknown): Decision {
  const [round, decided, commits] = fixed(value, 'decision', 3)
  return decisionOf(round, decided, commits)
}

function fixed(value: unknown, name: string, length: number): readonly unknown[] {
  if (Array.isArray(value) && value.length === length) return value as unknown[]
  throw new DecodeError(`${name} is not ${length} fields`)
}
