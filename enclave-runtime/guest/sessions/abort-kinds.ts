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

type AbortKind = (typeof ABORT_KINDS)[number]

/** The body of an abort for a fault of ours. */
export function encodeAbort(fault: Fault): Uint8Array {
  const told = ABORT_KINDS.indexOf(fault.kind as AbortKind)
  return Uint8Array.of(told < 0 ? 0 : told)
}

/**
 * What another party's abort means here. A claim against a third party is not believed: only what the
 * sender says of its own state is kept, everything else is `cancelled`.
 */
export function faultOfAbort(body: Uint8Array, from: PartyIndex, round: string): Fault {
  const kind = body.length === 1 ? ABORT_KINDS[body[0] ?? 0] : undefined
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
