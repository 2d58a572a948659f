/** The numbers of a committee of n (spec "Thresholds", 03 §2). */
export interface Quorums {
  /** Dishonest members that agreement survives. */
  readonly f: number
  /** Votes of a certificate. */
  readonly q: number
  /** Members that a reader must have heard, itself included. */
  readonly L: number
  /** Members that must be up for a new key. */
  readonly h: number
}

/** f, q, L and h of 03 §2 for n members and threshold t. */
export function quorums(n: number, t: number): Quorums {
  const f = Math.floor((n - 1) / 3)
  const q = Math.ceil((2 * n) / 3)
  return { f, q, L: n - q + f + 1, h: Math.max(q, Math.min(n, t + f)) }
}
