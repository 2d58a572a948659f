import { concatBytes } from '@noble/hashes/utils.js'
import { Reader, u8, u16, u32 } from '../../../protocols/session/codec.ts'
import type { Fault, PartyIndex } from '../../../protocols/session/faults.ts'
import { FORMS, type Form } from '../../../protocols/session/instance.ts'

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

/** The forms in which a peer may lack what was named. */
const FORM_OF = { 'corr-unknown': FORMS.correlated, 'presig-unknown': FORMS.presigned } as const

const HEAD_BYTES = 3
const BOOT_ID_BYTES = 16
const NOBODY = 0 // no party has this index

/** What hi still holds, said to lo alone when it does not know a name (02 §4.4). */
export interface Holdings {
  /** Of this start of the sender, 16 bytes. */
  readonly bootId: Uint8Array
  /** Batches of which it holds something, at most `MAX_HELD`. */
  readonly batches: readonly number[]
}

export const MAX_HELD = 64

/** What a sender says of the end of a session: a hint whom to do without, never evidence. */
export interface Abort {
  readonly kind: AbortKind
  /** Whom the sender waited for in vain; with `timeout` alone. */
  readonly missing: PartyIndex | undefined
  /** With `corr-unknown`, from hi to lo. */
  readonly holdings?: Holdings
}

/**
 * The body of an abort for a fault of ours, 3 bytes: the kind, and as u16 the first party of a timeout, 0
 * for every other kind; after `corr-unknown`, to lo, what is held here. `as` says less than the fault does. Deviation: 02 §11 lets an abort carry the kind
 * alone; the party is what lets a leader do without a peer that only its followers cannot reach.
 */
export function encodeAbort(fault: Fault, as?: AbortKind, holdings?: Holdings): Uint8Array {
  const kind = ABORT_KINDS.find((known) => known === (as ?? fault.kind)) ?? 'aborted'
  const missing = kind === 'timeout' && fault.kind === 'timeout' ? fault.missing[0] : undefined
  const head = Uint8Array.of(...u8(ABORT_KINDS.indexOf(kind)), ...u16(missing ?? NOBODY))
  if (kind !== 'corr-unknown' || holdings === undefined) return head
  const { bootId, batches } = holdings
  return concatBytes(head, bootId, u8(batches.length), ...batches.map(u32))
}

/** Throws `DecodeError` for anything that `encodeAbort` does not write. */
export function decodeAbort(body: Uint8Array): Abort {
  const reader = new Reader(body)
  const kind = ABORT_KINDS[reader.u8(ABORT_KINDS.length - 1)] ?? 'aborted'
  const party = kind === 'timeout' ? reader.u16() : reader.u16(NOBODY)
  const missing = party === NOBODY ? undefined : party
  if (kind !== 'corr-unknown' || body.length === HEAD_BYTES) return reader.end({ kind, missing })
  return reader.end({ kind, missing, holdings: readHoldings(reader) })
}

function readHoldings(reader: Reader): Holdings {
  const bootId = reader.take(BOOT_ID_BYTES)
  return { bootId, batches: Array.from({ length: reader.u8(MAX_HELD) }, () => reader.u32()) }
}

/**
 * What another party's abort means here. A claim against a third party is not believed: only what the
 * sender says of its own state is kept, everything else is `cancelled`. So is what a peer can know nothing
 * of: in a session that uses no correlations, or no presignature, it would only hide who ended it.
 */
export function faultOfAbort(
  kind: AbortKind,
  from: PartyIndex,
  round: string,
  form: Form = FORMS.none,
): Fault {
  if (kind in FORM_OF && form !== FORM_OF[kind as keyof typeof FORM_OF])
    return { kind: 'cancelled', round }
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
