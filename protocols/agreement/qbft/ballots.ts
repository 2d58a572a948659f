import { sameBytes } from '../compare-bytes.ts'
import type { SignatureList } from '../objects/signed.ts'
import type { VoteMessage } from './message.ts'
import { type SignedVote, sameVote, type Value, type VoteKind, valueKey } from './vote.ts'

/** A vote that counts, with what came attached to it. */
export interface Ballot extends SignedVote {
  readonly attached?: Pick<VoteMessage, 'proof' | 'changes' | 'prepares'>
}

/** Rounds ahead of the own one in which votes are kept (03 §5). */
export const ROUND_WINDOW = 64

/** Verified votes by kind, round and author, in memory only. The first of each counts (03 §5). */
export class Ballots {
  readonly #votes = new Map<VoteKind, Map<number, Map<number, Ballot>>>()
  /** By author, the highest round for which it left another: kept whatever the window. */
  readonly #changes = new Map<number, number>()

  get(kind: VoteKind, round: number, from: number): Ballot | undefined {
    return this.#votes.get(kind)?.get(round)?.get(from)
  }

  /** Whether exactly this was counted before. */
  holds({ from, vote, signature }: SignedVote): boolean {
    const held = this.get(vote.kind, vote.round, from)
    return held !== undefined && sameVote(held.vote, vote) && sameBytes(held.signature, signature)
  }

  /** In order of index. */
  all(kind: VoteKind, round: number): Ballot[] {
    return [...(this.#votes.get(kind)?.get(round)?.values() ?? [])].sort((a, b) => a.from - b.from)
  }

  rounds(kind: VoteKind): number[] {
    return [...(this.#votes.get(kind)?.keys() ?? [])]
  }

  /** Takes a vote, or returns the earlier one of the same kind, round and author that says something else. */
  add(ballot: Ballot): Ballot | undefined {
    const { vote, from } = ballot
    const earlier = this.get(vote.kind, vote.round, from)
    if (earlier !== undefined) return sameVote(earlier.vote, vote) ? undefined : earlier
    const byRound = entry(this.#votes, vote.kind)
    entry(byRound, vote.round).set(from, ballot)
    if (vote.kind === 'round-change')
      this.#changes.set(from, Math.max(vote.round, this.#changes.get(from) ?? 0))
    return undefined
  }

  /** The highest ROUND-CHANGE of each author, highest first. */
  highestChanges(): number[] {
    return [...this.#changes.values()].sort((a, b) => b - a)
  }

  /** The one value that `quorum` members named in this round, with their signatures. */
  quorum(
    kind: 'prepare' | 'commit',
    round: number,
    quorum: number,
  ): { value: Value; signatures: SignatureList } | undefined {
    const ballots = this.all(kind, round)
    if (ballots.length < quorum) return undefined
    for (const { vote } of ballots) {
      const same = ballots.filter((other) => valueKey(other.vote.value) === valueKey(vote.value))
      if (same.length >= quorum)
        return {
          value: vote.value,
          signatures: same.map(({ from, signature }) => [from, signature] as const),
        }
    }
    return undefined
  }

  /** Drops, in round `own`, what is heavy and counts no more, and far ROUND-CHANGEs but the highest of each author. */
  prune(own: number): void {
    for (const [kind, byRound] of this.#votes)
      for (const [round, ballots] of byRound) {
        if (round < own && (kind === 'pre-prepare' || kind === 'round-change'))
          byRound.delete(round)
        if (round > own + ROUND_WINDOW)
          for (const from of ballots.keys())
            if (this.#changes.get(from) !== round) ballots.delete(from)
        if (ballots.size === 0) byRound.delete(round)
      }
  }
}

function entry<K, V>(map: Map<K, Map<number, V>>, key: K): Map<number, V> {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = new Map<number, V>()
  map.set(key, made)
  return made
}
