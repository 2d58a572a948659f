import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { RootRoom } from './root-room.ts'
import { firstSubset } from './suspects.ts'

/**
 * t members with this guest among them and no banned pair: the first such set in the order of `candidates`, ascending.
 * Undefined when there is none.
 */
export function chooseSigners(
  { committee, bans }: Pick<RootRoom, 'committee' | 'bans'>,
  candidates: readonly PartyIndex[],
): PartyIndex[] | undefined {
  const { me, threshold, guests } = committee
  const known = guests.map(({ index }) => index)
  const others = candidates.filter((party) => party !== me.index && known.includes(party))
  const isAllowed = (signers: readonly PartyIndex[]): boolean => bans.among(signers) === undefined
  return firstSubset([me.index], others, threshold, isAllowed)?.toSorted((a, b) => a - b)
}
