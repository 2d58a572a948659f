import { concatBytes } from '@noble/hashes/utils.js'
import { tags } from '../crypto/tags.ts'
import { type Oracle, oracle } from '../crypto/transcript.ts'
import { u8, u16 } from '../session/codec.ts'
import { type Guest, inOrder } from '../session/guest.ts'
import type { Kind } from '../session/instance.ts'
import type { Commit, PublicDeal } from './messages.ts'

/** A dealer's part of something, by dealer. */
export type ByGuest<T> = (guest: Guest) => T

/** RO(deal-com; instanceId, dealer, blind, cc, F). */
export const commitmentTo = (
  instanceId: Uint8Array,
  dealer: Uint8Array,
  { blind, chainCode, F }: Pick<PublicDeal, 'blind' | 'chainCode' | 'F'>,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.dealCommitment, 32, instanceId, dealer, blind, chainCode, F)

/**
 * sid = RO(deal-sid; u8 kind, instanceId, per party: id, nonce, com). A pure receiver has no com, an absent one no
 * nonce either: both empty fields.
 */
export const dealSidOf = (
  kind: Kind,
  instanceId: Uint8Array,
  guests: readonly Guest[],
  commitOf: ByGuest<Commit>,
  hash: Oracle = oracle,
): Uint8Array =>
  hash(
    tags.dealSid,
    32,
    u8(kind),
    instanceId,
    ...inOrder(guests).flatMap((guest) => {
      const { nonce, commitment } = commitOf(guest)
      return [guest.id, nonce, commitment]
    }),
  )

/** cc_b = RO(chain; sid, u16 b, per dealer: guest, cc). */
export const chainCodeOf = (
  sid: Uint8Array,
  index: number,
  dealers: readonly Guest[],
  dealOf: ByGuest<PublicDeal>,
  hash: Oracle = oracle,
): Uint8Array =>
  hash(
    tags.chain,
    32,
    sid,
    u16(index),
    ...inOrder(dealers).flatMap((dealer) => [dealer.id, dealOf(dealer).chainCode]),
  )

/** keyId_b = RO(key-id; networkId, sid, u16 b, u8 curve, P_b). */
export const keyIdOf = (
  networkId: Uint8Array,
  sid: Uint8Array,
  index: number,
  curve: number,
  publicKey: Uint8Array,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.keyId, 32, networkId, sid, u16(index), u8(curve), publicKey)

/** pub = RO(deal-pub; sid, ids of D, ids of N, K1 of each party, K2 without shares of each dealer). */
export const publicHashOf = (
  sid: Uint8Array,
  fields: readonly Uint8Array[],
  hash: Oracle = oracle,
): Uint8Array => hash(tags.dealPublic, 32, sid, ...fields)

/**
 * The fields of pub behind sid. Each list of ids is one field; each K1 and each K2 is a field of its own,
 * because their lengths may differ.
 */
export const publicFieldsOf = (
  dealers: readonly Guest[],
  receivers: readonly Guest[],
  commitOf: ByGuest<Commit>,
  dealOf: ByGuest<PublicDeal>,
): Uint8Array[] => [
  concatBytes(...inOrder(dealers).map(({ id }) => id)),
  concatBytes(...inOrder(receivers).map(({ id }) => id)),
  ...partiesOf(dealers, receivers).map((party) => {
    const { nonce, commitment } = commitOf(party)
    return concatBytes(nonce, commitment)
  }),
  ...inOrder(dealers).map((dealer) => {
    const { sid, blind, chainCode, F, proofs } = dealOf(dealer)
    return concatBytes(sid, blind, chainCode, F, proofs)
  }),
]

/** D ∪ N in party order. */
export const partiesOf = (dealers: readonly Guest[], receivers: readonly Guest[]): Guest[] =>
  inOrder([
    ...dealers,
    ...receivers.filter(({ index }) => !dealers.some((dealer) => dealer.index === index)),
  ])

/** T = RO(deal-tr; pub, rec_0 ‖ … ‖ rec_{B−1}). */
export const transcriptOf = (
  pub: Uint8Array,
  records: readonly Uint8Array[],
  hash: Oracle = oracle,
): Uint8Array => hash(tags.dealTranscript, 32, pub, concatBytes(...records))
