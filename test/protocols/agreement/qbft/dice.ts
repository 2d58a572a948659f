/** Fast repeatable numbers for a search: the same seed gives the same rolls. */
export interface Dice {
  /** From 0 to below `sides`. */
  below(sides: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

export function dice(seed: number): Dice {
  let state = (seed * 0x9e3779b9 + 0x85ebca6b) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (sides: number): number => Math.floor(next() * sides)
  return {
    below,
    chance: (probability) => next() < probability,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new Error('bug: nothing to pick from')
      return items[below(items.length)] as T
    },
  }
}
