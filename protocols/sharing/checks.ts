import { equalBytes } from '@noble/curves/utils.js'
import type { Breathe } from '../crypto/breathe.ts'
import type { Kernel, PokStatement } from '../kernel/kernel.ts'
import { ProtocolError } from '../session/faults.ts'
import type { Guest } from '../session/guest.ts'
import { commitmentTo } from './hashes.ts'
import {
  type Deal,
  item,
  POINT_BYTES,
  POK_BYTES,
  type PublicDeal,
  SCALAR_BYTES,
} from './messages.ts'

const SHARE_COEFFICIENT = 65535 // marks the proof of a share (02 §5)
/** Commitments of one equation: 64 keys with t = 2, less than ten milliseconds. More would hold everything else up. */
export const POINTS_AT_ONCE = 128

export interface Dealing {
  readonly sid: Uint8Array
  readonly threshold: number
  readonly count: number
  readonly round: string
}

/** Both mean the same session: every round after the first carries sid. */
export function checkSession(
  round: string,
  { index: from }: Guest,
  theirs: Uint8Array,
  mine: Uint8Array,
): void {
  if (!equalBytes(theirs, mine)) throw new ProtocolError({ kind: 'binding', round, from })
}

/** K2: opens what K1 promised, with points that are points. */
export function checkOpening(
  kernel: Kernel,
  { round }: Dealing,
  instanceId: Uint8Array,
  { index: from, id }: Guest,
  promised: Uint8Array,
  deal: PublicDeal,
): void {
  if (!equalBytes(commitmentTo(instanceId, id, deal, kernel.oracle), promised))
    throw new ProtocolError({ kind: 'commitment', round, from })
  if (!kernel.arePoints(deal.F))
    throw new ProtocolError({ kind: 'malformed', round, from, reason: 'F is not made of points' })
}

/** K2: the dealer knows every coefficient it committed to. */
export async function checkDealProofs(
  kernel: Kernel,
  { sid, threshold, count, round }: Dealing,
  dealer: Guest,
  { F, proofs }: Pick<PublicDeal, 'F' | 'proofs'>,
  breathe: Breathe,
): Promise<void> {
  const statements = Array.from({ length: threshold * count }, (_, i) => ({
    sid,
    guest: dealer.id,
    index: Math.floor(i / threshold),
    coefficient: i % threshold,
    Y: item(F, i, POINT_BYTES),
    proof: item(proofs, i, POK_BYTES),
  }))
  await checkProofs(kernel, round, dealer, statements, breathe)
}

/** K2: my shares are the values at my point of the polynomials that were committed to. */
export async function checkShares(
  kernel: Kernel,
  { threshold, round }: Dealing,
  x: number,
  { index: from }: Guest,
  { shares, F }: Pick<Deal, 'shares' | 'F'>,
  breathe: Breathe,
): Promise<void> {
  if (!kernel.areScalars(shares))
    throw new ProtocolError({ kind: 'malformed', round, from, reason: 'a share is no scalar' })
  const keys = Math.max(1, Math.floor(POINTS_AT_ONCE / threshold))
  for (let b = 0; SCALAR_BYTES * b < shares.length; b += keys) {
    const some = shares.subarray(SCALAR_BYTES * b, SCALAR_BYTES * (b + keys))
    const theirF = F.subarray(POINT_BYTES * threshold * b, POINT_BYTES * threshold * (b + keys))
    if (!kernel.verifyFeldman(some, x, theirF, threshold))
      throw new ProtocolError({ kind: 'share', round, from })
    await breathe()
  }
}

/** What K3 proves: `guest` holds the share of each key whose public point, S_j, F gives. */
export const shareStatements = (
  sid: Uint8Array,
  guest: Guest,
  publicShares: readonly Uint8Array[],
  proofs: Uint8Array,
): PokStatement[] =>
  publicShares.map((Y, index) => ({
    sid,
    guest: guest.id,
    index,
    coefficient: SHARE_COEFFICIENT,
    Y,
    proof: item(proofs, index, POK_BYTES),
  }))

/** One equation over the proofs of one party, who is named when it fails; several where they are many. */
export async function checkProofs(
  kernel: Kernel,
  round: string,
  { index: from }: Guest,
  statements: readonly PokStatement[],
  breathe: Breathe,
): Promise<void> {
  for (let i = 0; i < statements.length; i += POINTS_AT_ONCE) {
    if (!kernel.verifyPoks(statements.slice(i, i + POINTS_AT_ONCE)))
      throw new ProtocolError({ kind: 'proof', round, from })
    await breathe()
  }
}
