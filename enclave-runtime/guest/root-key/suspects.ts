import type { PartyIndex } from '../../../protocols/session/faults.ts'

/** What became of a test subset. */
export interface Tried {
  readonly signers: readonly PartyIndex[]
  readonly passed: boolean
}

/**
 * Who may be the reason that subsets failed (03 §4.1 S7): who is in all that failed, and in none that signed. If all of
 * those have signed in another subset, one of them cheated in some and not in others: then all who are in every failed one.
 */
export function suspectsOf(tried: readonly Tried[]): PartyIndex[] {
  const failed = tried.filter(({ passed }) => !passed)
  const [first] = failed
  if (first === undefined) return []
  const inAll = first.signers.filter((party) =>
    failed.every(({ signers }) => signers.includes(party)),
  )
  const cleared = clearedBy(tried)
  const left = inAll.filter((party) => !cleared.includes(party))
  return left.length > 0 ? left : inAll
}

/**
 * Further subsets where the cover leaves several suspects: each of them with t − 1 members that signed, the first in
 * order without a banned pair. Empty when there is nothing to find out, or nobody to find it out with.
 */
export function narrowing(
  tried: readonly Tried[],
  t: number,
  isAllowed: (signers: readonly PartyIndex[]) => boolean,
): (readonly PartyIndex[])[] {
  const suspects = suspectsOf(tried)
  const cleared = clearedBy(tried).filter((party) => !suspects.includes(party))
  if (suspects.length < 2) return []
  const known = new Set(tried.map(({ signers }) => signers.join()))
  return suspects
    .flatMap((suspect) => {
      const chosen = firstSubset([suspect], cleared, t, isAllowed)
      return chosen === undefined ? [] : [chosen.toSorted((a, b) => a - b)]
    })
    .filter((subset) => !known.has(subset.join()))
}

/** Extends `chosen` to t members out of `from`, in order; undefined if no such subset is allowed. */
export function firstSubset(
  chosen: readonly PartyIndex[],
  from: readonly PartyIndex[],
  t: number,
  isAllowed: (signers: readonly PartyIndex[]) => boolean,
): readonly PartyIndex[] | undefined {
  if (!isAllowed(chosen)) return undefined
  if (chosen.length === t) return chosen
  for (const [place, next] of from.entries()) {
    const found = firstSubset([...chosen, next], from.slice(place + 1), t, isAllowed)
    if (found !== undefined) return found
  }
  return undefined
}

const clearedBy = (tried: readonly Tried[]): PartyIndex[] =>
  [...new Set(tried.filter(({ passed }) => passed).flatMap(({ signers }) => [...signers]))].sort(
    (a, b) => a - b,
  )
