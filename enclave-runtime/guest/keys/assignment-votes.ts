import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { bytesField, listField, uintField } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Committee, guestOf } from '../committee.ts'
import { isSignedBy } from './vote-verifier.ts'

const MAX_GUESTS = 16
const MAX_INDEX = 0xffff
const MAX_VOTES: number = 2 * MAX_GUESTS // a first and a final vote of each
export const MAX_VOTES_BYTES: number = 8 * 1024 // that many signatures, and the keys that they name
const TAG: Uint8Array = utf8ToBytes('holdfast/guest/assign/1')

/** One guest's word that this key is the account's: its first, and, when first votes differ, its final one. */
export interface Vote {
  readonly party: PartyIndex
  readonly final: boolean
  readonly keyId: Uint8Array
  /** Ed25519 by the guest key, 64 bytes. */
  readonly signature: Uint8Array
}

/** What a vote signs: `tag 00 network 32 committee 32 account 16 key 32 final u8`, of fixed length. */
export const voteMessage = (
  { networkId, committeeId }: Pick<Committee, 'networkId' | 'committeeId'>,
  accountId: Uint8Array,
  { keyId, final }: Pick<Vote, 'keyId' | 'final'>,
): Uint8Array =>
  concatBytes(
    TAG,
    Uint8Array.of(0),
    networkId,
    committeeId,
    accountId,
    keyId,
    Uint8Array.of(final ? 1 : 0),
  )

/** Whether a member of this committee gave this vote for this account. */
export function isVote(committee: Committee, accountId: Uint8Array, vote: Vote): boolean {
  const id = guestOf(committee, vote.party)?.id
  return id !== undefined && isSignedBy(id, voteMessage(committee, accountId, vote), vote.signature)
}

/** The key that most first votes name; of several the lowest id. The same for everyone who has the same votes. */
export function choiceOf(votes: readonly Vote[]): Uint8Array | undefined {
  const counts = new Map<string, number>()
  for (const { keyId } of votes) counts.set(hex(keyId), (counts.get(hex(keyId)) ?? 0) + 1)
  const [first] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return first && new Uint8Array(Buffer.from(first[0], 'hex'))
}

/**
 * The key that these votes give to the account: all of `size` members named it first, or `quorum` of them
 * finally. An honest member votes finally only when it knows the first votes of all, so that the final votes
 * need nothing beside them. Of a party that is for several keys, each counts.
 */
export function decisionOf(
  votes: readonly Vote[],
  size: number,
  quorum: number,
): Uint8Array | undefined {
  const parties = new Map<string, { readonly keyId: Uint8Array; readonly of: Set<PartyIndex> }>()
  for (const { party, final, keyId } of votes) {
    const place = `${hex(keyId)}/${final}`
    const { of } = parties.get(place) ?? { of: new Set() }
    parties.set(place, { keyId, of: of.add(party) })
    if (of.size >= (final ? quorum : size)) return keyId
  }
  return undefined
}

/** Each key that is named once, then `[party, final, number of the key, signature]`. */
export function encodeVotes(votes: readonly Vote[]): Uint8Array {
  const keys = [...new Set(votes.map(({ keyId }) => hex(keyId)))]
  return encodeCanonical([
    keys.map((key) => new Uint8Array(Buffer.from(key, 'hex'))),
    votes.map(({ party, final, keyId, signature }) => [
      party,
      final ? 1 : 0,
      keys.indexOf(hex(keyId)),
      signature,
    ]),
  ])
}

/** Throws `DecodeError`. No bytes are no votes. */
export function decodeVotes(bytes: Uint8Array): readonly Vote[] {
  if (bytes.length === 0) return []
  const [keys, votes] = listField(decodeCanonical(bytes, MAX_VOTES_BYTES), 'votes', 2)
  const keyIds = listField(keys, 'keys', MAX_VOTES).map((key) => bytesField(key, 'key', 32))
  return listField(votes, 'votes', MAX_VOTES).map((vote) => {
    const [party, final, key, signature] = listField(vote, 'vote', 4)
    const keyId = keyIds[uintField(key, 'key', MAX_VOTES)]
    if (keyId === undefined) throw new DecodeError('a vote for no key')
    return {
      party: uintField(party, 'party', MAX_INDEX),
      final: uintField(final, 'final', 1) === 1,
      keyId,
      signature: bytesField(signature, 'signature', 64),
    }
  })
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
