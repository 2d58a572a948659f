import type { PartyIndex } from '../../protocols/session/faults.ts'

export interface SubsetChoice {
  readonly leader: PartyIndex
  /** How many sign, the leader included. */
  readonly threshold: number
  /** Who may sign, the leader aside, in rendezvous order: earlier wins where round trips are equal. */
  readonly candidates: readonly PartyIndex[]
  rttMs(party: PartyIndex): number
  banned(a: PartyIndex, b: PartyIndex): boolean
}

/**
 * The signers of one attempt (03 §9.1): of all subsets of `threshold` parties with the leader and
 * without a banned pair, the one whose slowest member is nearest; of equals the first in the
 * order of `candidates`. Undefined where there is none. At most C(15, 8) = 6,435 subsets.
 */
export function chooseSigners(choice: SubsetChoice): PartyIndex[] | undefined {
  const { leader, threshold, candidates, rttMs, banned } = choice
  let best: { parties: PartyIndex[]; slowest: number } | undefined
  const extend = (chosen: PartyIndex[], from: number, slowest: number): void => {
    if (best !== undefined && slowest >= best.slowest) return // cannot become better by growing
    if (chosen.length === threshold) {
      best = { parties: chosen, slowest }
      return
    }
    for (let at = from; candidates.length - at >= threshold - chosen.length; at++) {
      const next = candidates[at]
      if (next === undefined || next === leader) continue
      if (chosen.some((other) => banned(other, next))) continue
      extend([...chosen, next], at + 1, Math.max(slowest, rttMs(next)))
    }
  }
  extend([leader], 0, 0)
  return best?.parties.toSorted((a, b) => a - b)
}
