import type { Kernel } from '../kernel/kernel.ts'
import type { Guest } from '../session/guest.ts'
import type { ByGuest } from '../sharing/hashes.ts'
import { chainCodeOf, keyIdOf } from '../sharing/hashes.ts'
import { type KeyRecord, keyRecordHash, NO_DEVICE, SECP256K1 } from '../sharing/key-record.ts'
import { MAX_COEFFICIENTS, POINT_BYTES, type PublicDeal } from '../sharing/messages.ts'
import { summedCommitment } from '../sharing/sums.ts'

const PREKEY_BYTES = 32

/** Who takes part in a run, and how much of what it makes. */
export interface RunShape {
  readonly threshold: number
  readonly count: number
  readonly quorum: number
  readonly holders: number
  /** N. */
  readonly guests: readonly Guest[]
  /** D. */
  readonly dealers: readonly Guest[]
  readonly absent: readonly Guest[]
  readonly prekeys: ReadonlyMap<number, Uint8Array>
}

/** What the caller has to get right; a mistake here is a defect, not a fault of a party. */
export function checkShape({
  threshold,
  count,
  quorum,
  holders,
  guests,
  dealers,
  absent,
  prekeys,
}: RunShape): void {
  if (threshold < 2 || threshold > guests.length || quorum < threshold || quorum > guests.length)
    throw new Error('bug: no such threshold or quorum')
  if (dealers.length + absent.length !== guests.length || dealers.length < quorum)
    throw new Error('bug: the dealers are no quorum of the members')
  if (holders < threshold || holders > guests.length)
    throw new Error('bug: no such number of holders')
  if (absent.some(({ index }) => prekeys.get(index)?.length !== PREKEY_BYTES))
    throw new Error('bug: an absent member has no prekey')
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
  dealers: readonly Guest[],
  dealOf: ByGuest<PublicDeal>,
): KeyRecord {
  const commitment = summedCommitment(kernel, round, index, threshold, dealers, dealOf)
  const publicKey = commitment.slice(0, POINT_BYTES)
  const key = {
    keyId: keyIdOf(networkId, sid, index, SECP256K1, publicKey, kernel.oracle),
    curve: SECP256K1,
    t: threshold,
    publicKey,
    chainCode: chainCodeOf(sid, index, dealers, dealOf, kernel.oracle),
    commitment,
  }
  return { ...key, record: keyRecordHash(key, NO_DEVICE, kernel.oracle) }
}
