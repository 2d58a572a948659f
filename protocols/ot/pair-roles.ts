import type { Direction } from './session-ids.ts'

/**
 * A pair's two directions seen from one of its parties (02 §1.1): which it runs as Alice and which as
 * Bob. lo is Alice in direction 0, hi in direction 1.
 */
export interface PairRoles {
  readonly asAlice: Direction
  readonly asBob: Direction
}

export const pairRoles = (lo: boolean): PairRoles =>
  lo ? { asAlice: 0, asBob: 1 } : { asAlice: 1, asBob: 0 }
