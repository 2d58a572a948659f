import { equalBytes } from '@noble/curves/utils.js'
import type { Kernel } from '../kernel/kernel.ts'
import { M2_BYTES } from '../ot/sizes.ts'
import type { PairSetup } from '../pair-setup/set-up-pair.ts'
import { Reader } from '../session/codec.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import { itemOf, MAX_BATCH, type Propose } from './messages.ts'

/** Where a check stands: the round whose message it looks at, and who sent that. */
export interface Place {
  readonly round: string
  readonly from: PartyIndex
}

const SCALARS_OF_M2 = 32 * (512 * 3 + 1) // the bytes of Ã and η; μ is a hash

/** The setup may still be used: asked in the turn of every use, and before anything that tells of a passed check. */
export function checkOpen({ gate, epochId }: PairSetup, epoch: Uint8Array, place: Place): void {
  if (gate.closed !== undefined) throw new ProtocolError({ kind: gate.closed, ...place })
  if (!equalBytes(epochId, epoch)) throw new ProtocolError({ kind: 'generation', ...place })
}

/** C1: a batch of a size that exists, over the setup that I hold, and the one that the session is about. */
export function checkProposal(
  c1: Propose,
  { setupId }: PairSetup,
  batchNo: number,
  count: number,
  place: Place,
): void {
  const theirs = new Reader(c1.count).u16()
  if (theirs < 1 || theirs > MAX_BATCH) throw malformed(place, `a batch of ${theirs}`)
  if (!equalBytes(c1.setupId, setupId)) throw new ProtocolError({ kind: 'generation', ...place })
  if (theirs !== count || new Reader(c1.batchNo).u32() !== batchNo)
    throw new ProtocolError({ kind: 'binding', ...place })
}

/** C1 and C2: the boot that the peer's channel told of, where the caller knows it. */
export function checkBoot(theirs: Uint8Array, known: Uint8Array | undefined, place: Place): void {
  if (known !== undefined) checkSame(theirs, known, place)
}

/** C5: the peer saw the same messages. */
export function checkSame(theirs: Uint8Array, mine: Uint8Array, place: Place): void {
  if (!equalBytes(theirs, mine)) throw new ProtocolError({ kind: 'binding', ...place })
}

/** Every scalar of every m2 is below q: comes before all mathematics, so that broken bytes ban nobody. */
export function checkScalars(kernel: Kernel, m2s: Uint8Array, count: number, place: Place): void {
  for (let k = 0; k < count; k++)
    if (!kernel.areScalars(itemOf(m2s, k, M2_BYTES).subarray(0, SCALARS_OF_M2)))
      throw malformed(place, 'm2 is not made of scalars')
}

export const malformed = (place: Place, reason: string): ProtocolError =>
  new ProtocolError({ kind: 'malformed', ...place, reason })

/** A failed check over oblivious-transfer material: the pair is closed before anything else can happen. */
export function ban(kind: 'cote' | 'mu', { gate }: PairSetup, place: Place): ProtocolError {
  gate.close('banned')
  return new ProtocolError({ kind, ...place })
}
