import { committeeIdOf, type Genesis } from '../../protocols/agreement/genesis.ts'
import { quorums } from '../../protocols/agreement/quorums.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { type Guest, inOrder } from '../../protocols/session/guest.ts'

/** Whom this guest works with. Without epochs: the genesis file, epoch 0, epochId = networkId (03 §1.2). */
export interface Committee {
  readonly networkId: Uint8Array
  readonly epochId: Uint8Array
  readonly committeeId: Uint8Array
  readonly me: Guest
  /** All members, own one included, ascending by index. */
  readonly guests: readonly Guest[]
  readonly threshold: number
  /** Votes of a certificate (03 §2). */
  readonly quorum: number
  readonly development: boolean
  readonly setupsPerHour: number
  /** Compressed secp256k1 key, 33 bytes: no request is signed with it. Null before record 0 names it (03 §1.2). */
  readonly rootKey: Uint8Array | null
}

/** The committee of a genesis file in which `guestSig` is a member; undefined when it is none. */
export function committeeOf(
  genesis: Genesis,
  networkId: Uint8Array,
  guestSig: Uint8Array,
): Committee | undefined {
  const guests = inOrder(
    genesis.members.map((member) => ({ index: member.index, id: member.guestSig })),
  )
  const me = guests.find(({ id }) => Buffer.from(id).equals(guestSig))
  if (me === undefined) return undefined
  const { t, setupsPerHour } = genesis.params
  return {
    networkId,
    epochId: networkId,
    committeeId: committeeIdOf(networkId, 0),
    me,
    guests,
    threshold: t,
    quorum: quorums(guests.length, t).q,
    development: genesis.environment === 'development',
    setupsPerHour,
    rootKey: null,
  }
}

export const otherGuests = ({ guests, me }: Committee): readonly Guest[] =>
  guests.filter(({ index }) => index !== me.index)

export const guestOf = ({ guests }: Committee, party: PartyIndex): Guest | undefined =>
  guests.find(({ index }) => index === party)
