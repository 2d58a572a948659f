import { Reader, u8, u16 } from '../../../protocols/session/codec.ts'
import type { Fault, PartyIndex } from '../../../protocols/session/faults.ts'

/**
 * What an abort may say, one byte each (02 §11). Append only. Which check over oblivious-transfer
 * material failed is never among them: the answer would be an oracle (02 §2.8).
 */
const ABORT_KINDS = [
  'aborted',
  'cancelled',
  'timeout',
  'refused',
  'malformed',
  'commitment',
  'proof',
  'share',
  'equivocation',
  'binding',
  'generation',
  'setup-missing',
  'corr-unknown',
  'presig-unknown',
  'banned',
  'pprf',
  'sum',
  'signature',
] as const

export type AbortKind = (typeof ABORT_KINDS)[number]

const NOBODY = 0 // no party has this index

/** What a sender says of the end of a session: a hint whom to do without, never evidence. */
export interface Abort {
  readonly kind: AbortKind
  /** Whom the sender waited for in vain; with `timeout` alone. */
  readonly missing: PartyIndex | undefined
}

/**
 * The body of an abort for a fault of ours, 3 bytes: the kind, and as u16 the first party of a timeout, 0
 * for every other kind. `as` says less than the fault does. Deviation: 02 §11 lets an abort carry the kind
 * alone; the party is what lets a leader do without a peer that only its followers cannot reach.
 */
export function encodeAbort(fault: Fault, as?: AbortKind): Uint8Array {
  const kind = ABORT_KINDS.find((known) => known === (as ?? fault.kind)) ?? 'aborted'
  const missing = kind === 'timeout' && fault.kind === 'timeout' ? fault.missing[0] : undefined
  return Uint8Array.of(...u8(ABORT_KINDS.indexOf(kind)), ...u16(missing ?? NOBODY))
}

/** Throws `DecodeError` for anything that `encodeAbort` does not write. */
export function decodeAbort(body: Uint8Array): Abort {
  const reader = new Reader(body)
  const kind = ABORT_KINDS[reader.u8(ABORT_KINDS.length - 1)] ?? 'aborted'
  const party = kind === 'timeout' ? reader.u16() : reader.u16(NOBODY)
  return reader.end({ kind, missing: party === NOBODY ? undefined : party })
}

/**
 * What another party's abort means here. A claim against a third party is not believed: only what the
 * sender says of its own state is kept, everything else is `cancelled`.
 */
export function faultOfAbort(kind: AbortKind, from: PartyIndex, round: string): Fault {
  switch (kind) {
    case 'generation':
    case 'setup-missing':
    case 'banned':
    case 'refused':
    case 'corr-unknown':
    case 'presig-unknown':
      return { kind, round, from }
    default:
      return { kind: 'cancelled', round }
  }
}
