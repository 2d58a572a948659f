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
import { AccountVotes } from './account-votes.ts'
import { decodeVotes, encodeVotes, type Vote } from './assignment-votes.ts'

const MAX_BYTES: number = 16 * 1024 // a request and all votes

/** An account for which this guest gave its vote, until its key is decided. */
export class OpenAssignment extends AccountVotes {
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

  constructor(
    { networkId, me }: Pick<Committee, 'networkId' | 'me'>,
    request: Uint8Array,
    votes: readonly Vote[],
  ) {
    super(me.index, votes)
    const { core, digest } = decodePlainRequest(request)
    this.accountId = accountIdOf(networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest)
    this.request = request
    this.digest = digest
    this.credential = parseParams('holdfast_createAccount', core.params).credential
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
