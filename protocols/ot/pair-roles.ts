import type { Handle, Kernel } from '../kernel/kernel.ts'
import { type Direction, pairDirection } from './session-ids.ts'

/**
 * A pair's two directions seen from one of its parties (02 §1.1): which it runs as Alice and which as
 * Bob. lo is Alice in direction 0, hi in direction 1.
 */
export interface PairRoles {
  readonly asAlice: Direction
  readonly asBob: Direction
}

export const pairRoles = (lo: boolean): PairRoles =>
  lo ? { asAlice: 0, asBob: 1 } : { asAlice: 1, asBob: 0 }

/** P2: my φ as Alice, against the peer's A of that direction. */
export const choose = (
  kernel: Kernel,
  lo: boolean,
  pairSid: Uint8Array,
  theirA: Uint8Array,
): { phi: Uint8Array; receiver: Handle<'receiver'> } | 'malformed' =>
  kernel.pairReceive(pairDirection(pairSid, pairRoles(lo).asAlice), theirA)

/** P3: my PPRF message as Bob, from the peer's φ. Consumes `sender`. */
export const build = (
  kernel: Kernel,
  lo: boolean,
  pairSid: Uint8Array,
  sender: Handle<'sender'>,
  theirPhi: Uint8Array,
): { pprf: Uint8Array; bob: Handle<'bob'> } | 'malformed' =>
  kernel.pairBuild(sender, pairDirection(pairSid, pairRoles(lo).asBob), theirPhi)

/** After P3: my leaves as Alice, from the peer's PPRF message. Consumes `receiver`. */
export const evaluate = (
  kernel: Kernel,
  lo: boolean,
  pairSid: Uint8Array,
  receiver: Handle<'receiver'>,
  theirPprf: Uint8Array,
): Handle<'alice'> | 'pprf' | 'malformed' =>
  kernel.pairEvaluate(receiver, pairDirection(pairSid, pairRoles(lo).asAlice), theirPprf)
