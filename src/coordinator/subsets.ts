import type { PartyIndex } from '../../protocols/session/faults.ts'

export interface SubsetChoice {
  readonly leader: PartyIndex
  /** How many sign, the leader included. */
  readonly threshold: number
  /** Who may sign, the leader aside, in rendezvous order: earlier wins where round trips are equal. */
  readonly candidates: readonly PartyIndex[]
  rttMs(party: PartyIndex): number
  banned(a: PartyIndex, b: PartyIndex): boolean
  /** What speaks against taking `party` beside those chosen before it, the leader aside; none by default. */
  doubt?(party: PartyIndex, beside: readonly PartyIndex[]): number
  /** How often exactly these have failed together; never by default. */
  failures?(parties: readonly PartyIndex[]): number
}

interface Best {
  readonly parties: PartyIndex[]
  readonly failures: number
  readonly doubt: number
  readonly slowest: number
}

/**
 * The signers of one attempt (03 §9.1): of all subsets of `threshold` parties with the leader and
 * without a banned pair, the one that failed least often, of those the one with the least doubt, then
 * the one whose slowest member is nearest; of equals the first in the order of `candidates`. Undefined
 * where there is none. At most C(15, 8) = 6,435 subsets.
 */
export function chooseSigners(choice: SubsetChoice): PartyIndex[] | undefined {
  const { leader, threshold, candidates, rttMs, banned } = choice
  const doubtOf = choice.doubt ?? (() => 0)
  const failuresOf = choice.failures ?? (() => 0)
  let best: Best | undefined
  const extend = (chosen: PartyIndex[], from: number, doubt: number, slowest: number): void => {
    // A subset that never failed cannot become better by growing.
    if (best?.failures === 0 && !better({ failures: 0, doubt, slowest }, best)) return
    if (chosen.length === threshold) {
      const failures = failuresOf(chosen)
      const found = { parties: chosen, failures, doubt, slowest }
      if (best === undefined || better(found, best)) best = found
      return
    }
    for (let at = from; candidates.length - at >= threshold - chosen.length; at++) {
      const next = candidates[at]
      if (next === undefined || next === leader) continue
      if (chosen.some((other) => banned(other, next))) continue
      const more = doubt + doubtOf(next, chosen.slice(1))
      extend([...chosen, next], at + 1, more, Math.max(slowest, rttMs(next)))
    }
  }
  extend([leader], 0, 0, 0)
  return best?.parties.toSorted((a, b) => a - b)
}

function better(one: Omit<Best, 'parties'>, other: Omit<Best, 'parties'>): boolean {
  if (one.failures !== other.failures) return one.failures < other.failures
  if (one.doubt !== other.doubt) return one.doubt < other.doubt
  return one.slowest < other.slowest
}
