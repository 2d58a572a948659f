import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { Breathe } from '../crypto/breathe.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { ProtocolError } from '../session/faults.ts'
import type { Guest } from '../session/guest.ts'
import type { Party } from '../session/round.ts'
import { POINTS_AT_ONCE } from '../sharing/checks.ts'
import { partiesOf } from '../sharing/hashes.ts'
import { item, MAX_COEFFICIENTS, POINT_BYTES, type PublicDeal } from '../sharing/messages.ts'
import { indicesOf, sameIn } from './cast.ts'
import type { OldKey } from './old-keys.ts'
import type { ReshareParameters } from './reshare-keys.ts'

/** Keys of one chunk (02 §8): each holds two shares at once, and 16 chunks of them fit the kernel. */
export const MAX_CHUNK_KEYS = 256

/** cc of com and of K2: a reshare makes no new one. */
export const NO_CHAIN_CODE: Uint8Array = new Uint8Array(32)

/** What the caller has to get right; a mistake here is a defect, not a fault of a party. */
export function checkShape(parameters: ReshareParameters, { me, everyone }: Party): void {
  const { oldThreshold, threshold, dealers, receivers, newcomers, keyIds, keys, shares } =
    parameters
  const [deals, receives] = [indicesOf(dealers), indicesOf(receivers)]
  if (indicesOf(partiesOf(dealers, receivers)).join() !== everyone.join())
    throw new Error('bug: dealers and receivers are not the participants')
  if (receivers.some((guest) => !equalBytes((sameIn(dealers, guest) ?? guest).id, guest.id)))
    throw new Error('bug: one index, two members')
  if (threshold < 2 || threshold > receivers.length)
    throw new Error('bug: no such threshold for the new committee')
  if (dealers.length !== oldThreshold)
    throw new Error('bug: as many dealers as the old threshold, no more and no fewer')
  if (newcomers.some((party) => deals.includes(party) || !receives.includes(party)))
    throw new Error('bug: a newcomer only receives')
  const count = keyIds.length
  if (count < 1 || count > MAX_CHUNK_KEYS || count * threshold > MAX_COEFFICIENTS)
    throw new Error('bug: too many keys for one chunk, or none')
  if (
    (keys === undefined) !== newcomers.includes(me) ||
    (shares === undefined) === deals.includes(me)
  )
    throw new Error('bug: who is no newcomer knows the keys, and who deals has their shares')
  if (keys !== undefined && !fits(keys, keyIds, oldThreshold))
    throw new Error('bug: these are not the keys of the chunk')
  if (shares !== undefined && shares.length !== count) throw new Error('bug: one share per key')
}

const fits = (keys: readonly OldKey[], keyIds: readonly Uint8Array[], t: number): boolean =>
  keys.length === keyIds.length &&
  keys.every(
    ({ keyId, commitment }, b) =>
      equalBytes(keyId, keyIds[b] ?? new Uint8Array()) && commitment.length === t * POINT_BYTES,
  )

/** Whether F_{i,b}[0] = λ_{i,O}·S_{i,b} for every key: the dealer deals what it holds, times its weight (02 §8). */
export async function fixesConstants(
  kernel: Kernel,
  threshold: number,
  keys: readonly OldKey[],
  dealer: Guest,
  dealers: readonly Guest[],
  F: Uint8Array,
  breathe: Breathe,
): Promise<boolean> {
  const lambda = kernel.lagrange(dealer.index, indicesOf(dealers))
  const atOnce = POINTS_AT_ONCE / 2
  for (let from = 0; from < keys.length; from += atOnce) {
    const some = keys.slice(from, from + atOnce)
    const held = some.map(({ commitment }) => kernel.evaluateCommitment(commitment, dealer.index))
    const points = held.filter((point) => point !== undefined)
    if (points.length !== some.length) return false // a certified key has no share that is nothing
    const constants = some.map((_, k) => item(F, (from + k) * threshold, POINT_BYTES))
    if (!kernel.areMultiples(concatBytes(...constants), lambda, concatBytes(...points)))
      return false
    await breathe()
  }
  return true
}

/** A reshare makes no chain code: com and K2 carry 32 zero bytes in its place (02 §8). */
export function checkNoChainCode(
  round: string,
  { index: from }: Guest,
  { chainCode }: Pick<PublicDeal, 'chainCode'>,
): void {
  if (!equalBytes(chainCode, NO_CHAIN_CODE))
    throw new ProtocolError({ kind: 'malformed', round, from, reason: 'a chain code' })
}

/** ΣF[0] = P − X_D follows from the constants: anything else is our own contradiction, and halts (02 §8). */
export function checkUnchanged({ commitment }: OldKey, sum: Uint8Array): void {
  if (!equalBytes(item(commitment, 0, POINT_BYTES), item(sum, 0, POINT_BYTES)))
    throw new ProtocolError({ kind: 'own-share', reason: 'a public key would change' })
}
