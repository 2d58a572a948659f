import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { Kernel } from '../kernel/kernel.ts'
import type { PairSetup } from '../pair-setup/set-up-pair.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import type { Opened } from './form.ts'
import { type Commit, PREFIX_BYTES } from './messages.ts'

/** The bytes of a setupId that R1 carries. */
export const prefixOf = ({ setupId }: PairSetup): Uint8Array => setupId.slice(0, PREFIX_BYTES)

/** The setup that I hold with `peer`, if it may still be used: asked before every use of its secrets. */
export function usable(
  pairs: ReadonlyMap<PartyIndex, PairSetup>,
  peer: PartyIndex,
  epochId: Uint8Array,
  round: string,
): PairSetup {
  const pair = pairs.get(peer)
  if (pair === undefined) throw new ProtocolError({ kind: 'setup-missing', round, from: peer })
  const kind = pair.gate.closed
  if (kind !== undefined) throw new ProtocolError({ kind, round, from: peer })
  if (!equalBytes(pair.epochId, epochId))
    // a setup of one epoch never serves another
    throw new ProtocolError({ kind: 'generation', round, from: peer })
  return pair
}

/** R1: the peer and I hold the same setup. `position` is mine among the peer's other signers. */
export function checkPrefix(
  round: string,
  from: PartyIndex,
  { prefixes }: Commit,
  position: number,
  pair: PairSetup,
): void {
  const theirs = prefixes.subarray(PREFIX_BYTES * position, PREFIX_BYTES * (position + 1))
  if (!equalBytes(theirs, prefixOf(pair)))
    throw new ProtocolError({ kind: 'generation', round, from })
}

/** The peer computed the same session id from what it saw in R1. */
export function checkSession(
  round: string,
  from: PartyIndex,
  theirs: Uint8Array,
  mine: Uint8Array,
): void {
  if (!equalBytes(theirs, mine)) throw new ProtocolError({ kind: 'binding', round, from })
}

export const SCALARS_OF_M2: number = 32 * (512 * 3 + 1) // the bytes of Ã and η; μ is a hash

/** R2, check 2 of 02 §6.2: four points on the curve, every scalar below q. */
export function checkShape(
  kernel: Kernel,
  round: string,
  from: PartyIndex,
  { opening: { R, pk, gammaU, gammaV, psi }, scalars }: Opened,
): void {
  if (!kernel.arePoints(concatBytes(R, pk, gammaU, gammaV)))
    throw malformed(round, from, 'R, pk and Γ are not points')
  if (!kernel.isScalar(psi)) throw malformed(round, from, 'psi is not a scalar')
  if (!kernel.areScalars(scalars)) throw malformed(round, from, 'not made of scalars')
}

/** R3 and the online message: both parts are below q. */
export function checkParts(
  kernel: Kernel,
  round: string,
  from: PartyIndex,
  { u, w }: { readonly u: Uint8Array; readonly w: Uint8Array },
): void {
  for (const [name, scalar] of Object.entries({ u, w }))
    if (!kernel.isScalar(scalar)) throw malformed(round, from, `${name} is not a scalar`)
}

export const malformed = (round: string, from: PartyIndex, reason: string): ProtocolError =>
  new ProtocolError({ kind: 'malformed', round, from, reason })

/** A failed check over oblivious-transfer material: the pair is closed before anything else can happen. */
export function ban(
  kind: 'cote' | 'mu' | 'check1' | 'check2',
  round: string,
  from: PartyIndex,
  pair: PairSetup,
): ProtocolError {
  pair.gate.close('banned')
  return new ProtocolError({ kind, round, from })
}
