import { quorums } from '../quorums.ts'

/** Fewest members for which a threshold below n and a majority exist (03 §1.3 R4). */
export const MIN_MEMBERS = 3

/** Thresholds that a committee of n may have, ends included (03 §1.3 R4): n/2 < t <= min(n-1, q). */
export const thresholdRange = (n: number): { readonly least: number; readonly most: number } => ({
  least: Math.floor(n / 2) + 1,
  most: Math.min(n - 1, quorums(n, 0).q),
})

/** What is wrong with n members and threshold t (03 §1.3 R4); undefined if nothing is. */
export function thresholdReason(n: number, t: number, maxMembers: number): string | undefined {
  if (n < MIN_MEMBERS || n > maxMembers)
    return `${n} members, where ${MIN_MEMBERS} to ${maxMembers} are allowed`
  const { least, most } = thresholdRange(n)
  return t < least || t > most
    ? `threshold ${t} is not above ${n}/2 and at most ${most}`
    : undefined
}

/** Members that may leave at once (03 §1.3 R5): t dealers remain, and those who go cannot rebuild a key. */
export const maxLeaves = (n: number, t: number): number => Math.min(n - t, t - 1)

/** Members that may come at once (03 §1.3 R6): alone they cannot sign. */
export const maxJoins = (nextT: number): number => nextT - 1

/** How many members may be missing (03 §2). */
export interface Tolerance {
  /** While epochs and log entries are still decided: n - q. */
  readonly decisions: number
  /** While signing goes on: n - max(t, L). */
  readonly signing: number
}

export function tolerance(n: number, t: number): Tolerance {
  const { q, L } = quorums(n, t)
  return { decisions: n - q, signing: n - Math.max(t, L) }
}
