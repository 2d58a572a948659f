import { isErrorId } from '../../protocols/request/errors.ts'
import { assertJsonValue } from '../../protocols/request/json-value.ts'
import { decodeCanonical, encodeCanonical } from '../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { Outcome } from './lead.ts'

/**
 * The two frames of `/holdfast/rpc/1.0.0` between hosts: asking another member to lead an attempt, and
 * how it ended. They carry nothing that decides: the guests check the request themselves.
 */
export interface LeadAsk {
  readonly request: Uint8Array
  readonly attempt: number
  readonly remainingMs: number
  readonly excluded: readonly PartyIndex[]
}

const MAX_FRAME_BYTES = 600 * 1024 // 07 §7
const MAX_DEPTH = 20 // a JSON value of depth 16 within the arrays around it
const MAX_PARTIES = 16 // 03 §1.2
const MAX_FAULT_CHARS = 32
const MAX_WAIT_MS = 60_000 // the answer's own limit, 07 §7
const U32 = 0xffff_ffff

/** Undefined when the request is too long to travel; the entry node then leads itself. */
export function encodeLeadAsk(ask: LeadAsk): Uint8Array | undefined {
  const frame = encodeCanonical([
    'lead',
    1,
    ask.request,
    ask.attempt,
    Math.floor(ask.remainingMs),
    ask.excluded,
  ])
  return frame.length <= MAX_FRAME_BYTES ? frame : undefined
}

export function decodeLeadAsk(frame: Uint8Array): LeadAsk {
  const [, , request, attempt, remainingMs, excluded] = fields(frame, 'lead', 6)
  if (!(request instanceof Uint8Array)) throw new DecodeError('request is not bytes')
  return {
    request,
    attempt: uint(attempt, U32),
    remainingMs: uint(remainingMs, MAX_WAIT_MS),
    excluded: parties(excluded),
  }
}

export function encodeOutcome(outcome: Outcome): Uint8Array {
  switch (outcome.kind) {
    case 'done':
      return encodeCanonical(['led', 1, 'done', outcome.result, outcome.signers])
    case 'error':
      return encodeCanonical(['led', 1, 'error', outcome.id])
    case 'failed': {
      const { fault, retryAfterMs, ids, signers } = outcome
      return encodeCanonical([
        'led',
        1,
        'failed',
        fault,
        outcome.parties,
        Math.min(Math.floor(retryAfterMs), MAX_WAIT_MS),
        ids,
        signers,
      ])
    }
    case 'short':
      return encodeCanonical(['led', 1, 'short', outcome.reason, outcome.reachable, outcome.needed])
  }
}

/** What another host says about an attempt it led: hearsay, which our own guest must confirm. */
export function decodeOutcome(frame: Uint8Array): Outcome {
  const value = list(decodeCanonical(frame, MAX_FRAME_BYTES, MAX_DEPTH), 8)
  if (value[0] !== 'led' || value[1] !== 1) throw new DecodeError('not the end of an attempt')
  const [, , kind, first, second, third, fourth, fifth] = value
  if (kind === 'done' && value.length === 5) {
    assertJsonValue(first)
    return { kind, result: first, signers: parties(second) }
  }
  if (kind === 'error' && value.length === 4) return { kind, id: errorId(first), message: '' }
  if (kind === 'failed' && value.length === 8)
    return {
      kind,
      fault: faultOf(first),
      parties: parties(second),
      retryAfterMs: uint(third, MAX_WAIT_MS),
      ids: list(fourth, MAX_PARTIES).map(errorId),
      signers: parties(fifth),
    }
  if (kind === 'short' && value.length === 6) {
    if (first !== 'links' && first !== 'pairs' && first !== 'bans')
      throw new DecodeError('unknown reason')
    return { kind, reason: first, reachable: parties(second), needed: uint(third, MAX_PARTIES) }
  }
  throw new DecodeError('not the end of an attempt')
}

function fields(frame: Uint8Array, name: string, count: number): readonly unknown[] {
  const value = list(decodeCanonical(frame, MAX_FRAME_BYTES, MAX_DEPTH), count)
  if (value.length !== count || value[0] !== name || value[1] !== 1)
    throw new DecodeError(`not a ${name}`)
  return value
}

function list(value: unknown, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) throw new DecodeError(`more than ${max} items`)
  return value as unknown[]
}

const parties = (value: unknown): PartyIndex[] =>
  list(value, MAX_PARTIES).map((party) => uint(party, 0xffff))

function uint(value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max)
    throw new DecodeError(`not an integer from 0 to ${max}`)
  return value
}

function errorId(value: unknown): string {
  if (typeof value !== 'string' || !isErrorId(value)) throw new DecodeError('unknown error id')
  return value
}

type Fault = Extract<Outcome, { kind: 'failed' }>['fault']

/** Kinds are sorted by `verdict`, where one that is not known counts as any other failure. */
function faultOf(value: unknown): Fault {
  if (typeof value !== 'string' || value.length > MAX_FAULT_CHARS || !/^[a-z0-9-]+$/.test(value))
    throw new DecodeError('not a fault kind')
  return value as Fault
}
