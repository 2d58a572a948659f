import { objectFields } from '../../../protocols/agreement/fields.ts'
import {
  accountIdOf,
  NO_IDENTIFIER_HASH,
  NO_SCOPE_ID,
} from '../../../protocols/request/account-id.ts'
import type { ErrorId } from '../../../protocols/request/errors.ts'
import { parseParams } from '../../../protocols/request/methods.ts'
import { decodePlainRequest } from '../../../protocols/request/plain-request.ts'
import type { PublicKey } from '../../../protocols/request/proofs.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Committee } from '../committee.ts'
import { choiceOf, decodeVotes, encodeVotes, type Vote } from './assignment-votes.ts'

const MAX_BYTES: number = 16 * 1024 // a request and all votes

/** An account for which this guest gave its vote, until its key is decided. */
export class OpenAssignment {
  readonly accountId: Uint8Array
  readonly request: Uint8Array
  readonly digest: Uint8Array
  readonly credential: PublicKey
  /** How often this guest asked about it. */
  asks = 0
  /** Who gives no vote, and why. */
  readonly refused: Map<PartyIndex, ErrorId> = new Map()
  /** Called when anything is new, or all is over. */
  readonly changed: Set<() => void> = new Set()
  readonly #me: PartyIndex
  readonly #votes = new Map<string, Vote>()

  constructor(
    { networkId, me }: Pick<Committee, 'networkId' | 'me'>,
    request: Uint8Array,
    votes: readonly Vote[],
  ) {
    const { core, digest } = decodePlainRequest(request)
    this.#me = me.index
    this.accountId = accountIdOf(networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest)
    this.request = request
    this.digest = digest
    this.credential = parseParams('holdfast_createAccount', core.params).credential
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

  /** The first of a party counts, like the first copy of any message; a second one for another key changes nothing. */
  add(vote: Vote): void {
    if (!this.has(vote)) this.#votes.set(placeOf(vote.party, vote.final), vote)
  }

  /** The key for which every first vote of `size` members is; or, where they differ, `quorum` final ones. */
  decided(size: number, quorum: number): Uint8Array | undefined {
    const choice = this.choice(size)
    if (choice === undefined) return undefined
    if (this.#count(choice, false) === size) return choice
    const named = choiceOf(this.votes.filter(({ final }) => final))
    return named !== undefined && this.#count(named, true) >= quorum ? named : undefined
  }

  /** For what a final vote may be: known once the first votes of all are. */
  choice(size: number): Uint8Array | undefined {
    const firsts = this.votes.filter(({ final }) => !final)
    return firsts.length === size ? choiceOf(firsts) : undefined
  }

  #count(keyId: Uint8Array, final: boolean): number {
    return this.votes.filter((vote) => vote.final === final && equal(vote.keyId, keyId)).length
  }
}

export const assigningName = (accountId: Uint8Array): string =>
  `assigning/${Buffer.from(accountId).toString('hex')}`

export const encodeAssigning = (request: Uint8Array, votes: readonly Vote[]): Uint8Array =>
  encodeCanonical(['assigning', 1, request, encodeVotes(votes)])

/** Throws `DecodeError`. */
export function decodeAssigning(
  committee: Pick<Committee, 'networkId' | 'me'>,
  bytes: Uint8Array,
): OpenAssignment {
  const [request, votes] = objectFields(decodeCanonical(bytes, MAX_BYTES), 'assigning', 2)
  if (!(request instanceof Uint8Array) || !(votes instanceof Uint8Array))
    throw new DecodeError('not an assignment')
  return new OpenAssignment(committee, request, decodeVotes(votes))
}

const placeOf = (party: PartyIndex, final: boolean): string => `${party}/${final ? 1 : 0}`
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
