import { equalBytes } from '@noble/curves/utils.js'
import type { Kernel, PokStatement } from '../kernel/kernel.ts'
import { ProtocolError } from '../session/faults.ts'
import type { Guest } from '../session/guest.ts'
import { commitmentTo } from './hashes.ts'
import type { KeyRecord } from './key-record.ts'
import { type Deal, item, POINT_BYTES, POK_BYTES, SCALAR_BYTES } from './messages.ts'

const SHARE_COEFFICIENT = 65535 // marks the proof of a share (02 §5)

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
  { round, threshold, count }: Dealing,
  instanceId: Uint8Array,
  { index: from, id }: Guest,
  promised: Uint8Array,
  deal: Deal,
): void {
  if (!equalBytes(commitmentTo(instanceId, id, deal), promised))
    throw new ProtocolError({ kind: 'commitment', round, from })
  for (let i = 0; i < threshold * count; i++)
    if (!kernel.isPoint(item(deal.F, i, POINT_BYTES)))
      throw new ProtocolError({ kind: 'malformed', round, from, reason: 'F is not made of points' })
}

/** K2: every dealer knows every coefficient it committed to. All at once; one by one to name the culprit. */
export function checkDealProofs(
  kernel: Kernel,
  { sid, threshold, count, round }: Dealing,
  deals: readonly { readonly dealer: Guest; readonly deal: Deal }[],
): void {
  const statements = deals.map(({ dealer, deal }) => ({
    party: dealer,
    statements: Array.from({ length: threshold * count }, (_, i) => ({
      sid,
      guest: dealer.id,
      index: Math.floor(i / threshold),
      coefficient: i % threshold,
      Y: item(deal.F, i, POINT_BYTES),
      proof: item(deal.proofs, i, POK_BYTES),
    })),
  }))
  checkProofs(kernel, round, statements)
}

/** K2: my shares are the values at my point of the polynomials that were committed to. */
export function checkShares(
  kernel: Kernel,
  { threshold, count, round }: Dealing,
  x: number,
  { index: from }: Guest,
  { shares, F }: Deal,
): void {
  for (let b = 0; b < count; b++)
    if (!kernel.isScalar(item(shares, b, SCALAR_BYTES)))
      throw new ProtocolError({ kind: 'malformed', round, from, reason: 'a share is no scalar' })
  if (!kernel.verifyFeldman(shares, x, F, threshold))
    throw new ProtocolError({ kind: 'share', round, from })
}

/** What K3 proves: `guest` holds the share of each key that F gives it. `undefined`: F gives it none. */
export function shareStatements(
  kernel: Kernel,
  sid: Uint8Array,
  keys: readonly Pick<KeyRecord, 'commitment'>[],
  guest: Guest,
  proofs: Uint8Array,
): PokStatement[] | undefined {
  const statements: PokStatement[] = []
  for (const [index, { commitment }] of keys.entries()) {
    const Y = kernel.evaluateCommitment(commitment, guest.index)
    if (Y === undefined) return undefined
    const proof = item(proofs, index, POK_BYTES)
    statements.push({ sid, guest: guest.id, index, coefficient: SHARE_COEFFICIENT, Y, proof })
  }
  return statements
}

/** One equation over everyone's proofs; when it fails, one proof after the other, to name who. */
export function checkProofs(
  kernel: Kernel,
  round: string,
  all: readonly { readonly party: Guest; readonly statements: readonly PokStatement[] }[],
): void {
  if (kernel.verifyPoks(all.flatMap(({ statements }) => statements))) return
  for (const { party, statements } of all)
    for (const statement of statements)
      if (!kernel.verifyPok(statement))
        throw new ProtocolError({ kind: 'proof', round, from: party.index })
  throw new Error('bug: proofs fail together, and each alone holds')
}
