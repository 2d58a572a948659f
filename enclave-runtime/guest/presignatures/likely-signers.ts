import type { Random } from '../../../protocols/crypto/random.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Committee, otherGuests } from '../committee.ts'

/**
 * This guest and t − 1 others, ascending, for a key that nobody signed with yet: drawn at random of those that are
 * able to now, so that no member has all of them; undefined where they are too few. `mayAll`: no two of these are
 * banned from each other.
 */
export function likelySigners(
  committee: Pick<Committee, 'me' | 'guests' | 'threshold'>,
  random: Random,
  isAble: (peer: PartyIndex) => boolean,
  mayAll: (signers: readonly PartyIndex[]) => boolean,
): readonly PartyIndex[] | undefined {
  const { me, threshold } = committee
  const signers = [me.index]
  const drawn = otherGuests(committee)
    .filter(({ index }) => isAble(index))
    .map(({ index }) => ({ index, lot: Buffer.from(random(4)).readUInt32BE() }))
    .sort((a, b) => a.lot - b.lot)
  for (const { index } of drawn)
    if (signers.length < threshold && mayAll([...signers, index])) signers.push(index)
  return signers.length === threshold ? signers.sort((a, b) => a - b) : undefined
}
