import type { Pair } from '../objects/items.ts'

/** Which members sign the test messages of an epoch (03 §2, §4.1 S7). */
export interface TestSubsets {
  /** Sorted lists of t' indices, in the order in which they were chosen. */
  readonly subsets: readonly (readonly number[])[]
  /** Pairs that are not banned and are in no subset: every subset with them holds a banned pair. */
  readonly uncovered: readonly Pair[]
}

/** A set of members: bit p is the member at place p. Committees have at most 16. */
type Mask = number

/**
 * Greedy cover of all pairs by subsets of `t` members (03 §2): each time the subset with most uncovered
 * pairs, of equals the lexicographically first. Banned pairs are left out of the pairs and of the subsets.
 * At most C(16, 9) = 11,440 subsets are looked at for each one chosen.
 */
export function testSubsets(
  members: readonly number[],
  t: number,
  banned: readonly Pair[] = [],
): TestSubsets {
  const sorted = members.toSorted((a, b) => a - b)
  const maskOf = (indices: readonly number[]): Mask =>
    indices.reduce((mask, index) => mask | (1 << sorted.indexOf(index)), 0)
  const membersOf = (mask: Mask) => sorted.filter((_, place) => (mask & (1 << place)) !== 0)

  const refused = banned.filter((pair) => pair.every((index) => sorted.includes(index))).map(maskOf)
  const allowed = masks(sorted.length, t).filter((subset) =>
    refused.every((pair) => (subset & pair) !== pair),
  )
  let open = masks(sorted.length, 2).filter((pair) => !refused.includes(pair))
  const subsets: (readonly number[])[] = []
  for (;;) {
    const best = bestOf(allowed, open)
    if (best === undefined)
      return { subsets, uncovered: open.map((pair) => pairOf(membersOf(pair))) }
    subsets.push(membersOf(best))
    open = open.filter((pair) => (best & pair) !== pair)
  }
}

/** The first subset that covers most; undefined if none covers any. */
function bestOf(subsets: readonly Mask[], open: readonly Mask[]): Mask | undefined {
  let best: Mask | undefined
  let most = 0
  for (const subset of subsets) {
    let covered = 0
    for (const pair of open) if ((subset & pair) === pair) covered++
    if (covered > most) {
      best = subset
      most = covered
    }
  }
  return best
}

/** All subsets of `size` of the places from `first` to n, in lexicographic order of places. */
function masks(n: number, size: number, first = 0): Mask[] {
  if (size === 0) return [0]
  const all: Mask[] = []
  for (let place = first; place + size <= n; place++)
    for (const rest of masks(n, size - 1, place + 1)) all.push(rest | (1 << place))
  return all
}

const pairOf = ([low = 0, high = 0]: readonly number[]): Pair => [low, high]
