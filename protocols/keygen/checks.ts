import { concatBytes } from '@noble/hashes/utils.js'
import type { Kernel } from '../kernel/kernel.ts'
import { ProtocolError } from '../session/faults.ts'
import type { Guest } from '../session/guest.ts'
import type { ByGuest } from '../sharing/hashes.ts'
import { chainCodeOf, keyIdOf } from '../sharing/hashes.ts'
import { type KeyRecord, keyRecordHash, NO_DEVICE, SECP256K1 } from '../sharing/key-record.ts'
import { type Deal, item, MAX_COEFFICIENTS, POINT_BYTES } from '../sharing/messages.ts'

/** What the caller has to get right; a mistake here is a defect, not a fault of a party. */
export function checkParameters(
  everyone: readonly number[],
  guests: readonly Guest[],
  threshold: number,
  count: number,
  quorum: number,
): void {
  if (guests.map(({ index }) => index).join() !== everyone.join())
    throw new Error('bug: the guests are not the participants')
  if (threshold < 2 || threshold > guests.length || quorum < threshold || quorum > guests.length)
    throw new Error('bug: no such threshold or quorum')
  if (count < 1 || count * threshold > MAX_COEFFICIENTS)
    throw new Error('bug: too many keys for one run, or none')
}

/** F = Σ F_d, P = F[0], chain code, id and record of key `index`. A sum that is O has no culprit. */
export function keyRecordOf(
  kernel: Kernel,
  round: string,
  networkId: Uint8Array,
  sid: Uint8Array,
  index: number,
  threshold: number,
  guests: readonly Guest[],
  dealOf: ByGuest<Deal>,
): KeyRecord {
  const F = Array.from({ length: threshold }, (_, k) => {
    const at = index * threshold + k
    const sum = kernel.sumPoints(guests.map((guest) => item(dealOf(guest).F, at, POINT_BYTES)))
    if (sum === undefined) throw new ProtocolError({ kind: 'sum', round })
    return sum
  })
  const commitment = concatBytes(...F)
  const publicKey = commitment.slice(0, POINT_BYTES)
  const key = {
    keyId: keyIdOf(networkId, sid, index, SECP256K1, publicKey, kernel.oracle),
    curve: SECP256K1,
    t: threshold,
    publicKey,
    chainCode: chainCodeOf(sid, index, guests, dealOf, kernel.oracle),
    commitment,
  }
  return { ...key, record: keyRecordHash(key, NO_DEVICE, kernel.oracle) }
}

/** S_j of each guest, in their order; none is O, for nobody's share is nothing. */
export const publicSharesOf = (
  kernel: Kernel,
  round: string,
  { commitment }: KeyRecord,
  guests: readonly Guest[],
): Uint8Array[] =>
  guests.map(({ index }) => {
    const point = kernel.evaluateCommitment(commitment, index)
    if (point === undefined) throw new ProtocolError({ kind: 'sum', round })
    return point
  })
