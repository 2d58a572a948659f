import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { choiceOf, decisionOf, type Vote } from './assignment-votes.ts'

/** Why an account has its key: as many votes for it as it takes. */
export interface Decision {
  readonly keyId: Uint8Array
  readonly votes: readonly Vote[]
}

/** The votes about one account that one member knows. */
export class AccountVotes {
  readonly #me: PartyIndex
  readonly #votes = new Map<string, Vote>()
  #told: Decision | undefined

  constructor(me: PartyIndex, votes: readonly Vote[] = []) {
    this.#me = me
    for (const vote of votes) this.add(vote)
  }

  get votes(): readonly Vote[] {
    return [...this.#votes.values()].sort(
      (a, b) => Number(a.final) - Number(b.final) || a.party - b.party,
    )
  }

  /** This guest's own. */
  vote(final: boolean): Vote | undefined {
    return this.#votes.get(placeOf(this.#me, final))
  }

  has({ party, final }: Pick<Vote, 'party' | 'final'>): boolean {
    return this.#votes.has(placeOf(party, final))
  }

  /** The known one that says the same. */
  same({ party, final, keyId }: Pick<Vote, 'party' | 'final' | 'keyId'>): Vote | undefined {
    const known = this.#votes.get(placeOf(party, final))
    return known !== undefined && equal(known.keyId, keyId) ? known : undefined
  }

  /** The first of a party counts, like the first copy of any message; a second one for another key changes nothing. */
  add(vote: Vote): void {
    if (!this.has(vote)) this.#votes.set(placeOf(vote.party, vote.final), vote)
  }

  /**
   * Votes that came together. If they are a decision by themselves they are believed as one, whatever was heard
   * before: a member that said this to some and that to others must not keep anyone from what is decided.
   */
  hear(votes: readonly Vote[], size: number, quorum: number): void {
    for (const vote of votes) this.add(vote)
    const keyId = decisionOf(votes, size, quorum)
    if (keyId !== undefined) this.#told ??= decisionFor(keyId, votes)
  }

  /** The key for which every first vote of `size` members is, or `quorum` final ones. */
  decided(size: number, quorum: number): Decision | undefined {
    if (this.#told !== undefined) return this.#told
    const keyId = decisionOf(this.votes, size, quorum)
    return keyId && decisionFor(keyId, this.votes)
  }

  /** For what a final vote may be: known once the first votes of all are. */
  choice(size: number): Uint8Array | undefined {
    const firsts = this.votes.filter(({ final }) => !final)
    return firsts.length === size ? choiceOf(firsts) : undefined
  }
}

const decisionFor = (keyId: Uint8Array, votes: readonly Vote[]): Decision => {
  const its = votes.filter((vote) => equal(vote.keyId, keyId))
  return {
    keyId,
    votes: [...new Map(its.map((vote) => [placeOf(vote.party, vote.final), vote])).values()],
  }
}

const placeOf = (party: PartyIndex, final: boolean): string => `${party}/${final ? 1 : 0}`
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
