import { equalBytes } from '@noble/curves/utils.js'
import type { Kernel } from '../kernel/kernel.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import { commitmentTo } from './hashes.ts'
import { type Open, rounds } from './messages.ts'

/** The peer and I mean the same session: every round after the first carries pairSid. */
export function checkSession(
  round: string,
  from: PartyIndex,
  theirs: Uint8Array,
  mine: Uint8Array,
): void {
  if (!equalBytes(theirs, mine)) throw new ProtocolError({ kind: 'binding', round, from })
}

/** z is the one that P1 promised. */
export function checkOpening(
  { oracle }: Kernel,
  from: PartyIndex,
  guest: Uint8Array,
  promised: Uint8Array,
  { z, blind }: Open,
): void {
  if (!equalBytes(commitmentTo(guest, z, blind, oracle), promised))
    throw new ProtocolError({ kind: 'commitment', round: rounds.open.name, from })
}

/** A result of the kernel that is no value: the peer's message did not pass. */
export function passed<T>(
  result: T | 'malformed' | 'pprf',
  round: string,
  from: PartyIndex,
  reason: string,
): T {
  if (result === 'malformed') throw new ProtocolError({ kind: 'malformed', round, from, reason })
  if (result === 'pprf') throw new ProtocolError({ kind: 'pprf', round, from })
  return result as T
}
