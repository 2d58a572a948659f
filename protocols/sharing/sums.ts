import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { Handle, Kernel } from '../kernel/kernel.ts'
import { ProtocolError } from '../session/faults.ts'
import type { Guest } from '../session/guest.ts'
import { shareStatements } from './checks.ts'
import type { ByGuest } from './hashes.ts'
import type { KeyRecord } from './key-record.ts'
import { item, POINT_BYTES, POK_BYTES, type PublicDeal } from './messages.ts'

/** F = Σ F_d of key `index`, t × 33 bytes (02 §5). A sum that is O has no culprit. */
export const summedCommitment = (
  kernel: Kernel,
  round: string,
  index: number,
  threshold: number,
  dealers: readonly Guest[],
  dealOf: ByGuest<PublicDeal>,
): Uint8Array =>
  concatBytes(
    ...Array.from({ length: threshold }, (_, k) => {
      const at = index * threshold + k
      const sum = kernel.sumPoints(dealers.map((dealer) => item(dealOf(dealer).F, at, POINT_BYTES)))
      if (sum === undefined) throw new ProtocolError({ kind: 'sum', round })
      return sum
    }),
  )

/** S_j of each guest, in their order; none is O, for nobody's share is nothing. */
export const publicSharesOf = (
  kernel: Kernel,
  round: string,
  { commitment }: Pick<KeyRecord, 'commitment'>,
  guests: readonly Guest[],
): Uint8Array[] =>
  guests.map(({ index }) => {
    const point = kernel.evaluateCommitment(commitment, index)
    if (point === undefined) throw new ProtocolError({ kind: 'sum', round })
    return point
  })

/** Feldman held for every summand, so the sums fit: anything else is our own contradiction, and halts. */
export function checkOwnShares(
  kernel: Kernel,
  expected: readonly Uint8Array[],
  shares: readonly Handle<'share'>[],
): void {
  for (const [b, share] of shares.entries())
    if (!equalBytes(kernel.sharePublic(share), expected[b] ?? new Uint8Array()))
      throw new ProtocolError({ kind: 'own-share', reason: `key ${b} of the run` })
}

/** Whether `from` proved in K3 that it holds its share of every key: asked again after a crash, and of a late K3. */
export function verifyShareProofs(
  kernel: Kernel,
  { sid, keys }: { readonly sid: Uint8Array; readonly keys: readonly KeyRecord[] },
  from: Guest,
  proofs: Uint8Array,
): boolean {
  if (proofs.length !== POK_BYTES * keys.length) return false
  const points = keys.map(({ commitment }) => kernel.evaluateCommitment(commitment, from.index))
  const publicShares = points.filter((point) => point !== undefined)
  if (publicShares.length !== keys.length) return false
  return kernel.verifyPoks(shareStatements(sid, from, publicShares, proofs))
}
