import { committeeIdOf, type Genesis } from '../../protocols/agreement/genesis.ts'
import type { EpochRecord } from '../../protocols/agreement/objects/record.ts'
import { quorums } from '../../protocols/agreement/quorums.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { type Guest, inOrder } from '../../protocols/session/guest.ts'
import type { EpochName } from './epochs/epoch-work.ts'
import { FIRST_EPOCH } from './vault/epoch-name.ts'

/** Whom this guest works with in one epoch. */
export interface Committee {
  readonly networkId: Uint8Array
  readonly epoch: EpochName
  readonly epochId: Uint8Array
  readonly committeeId: Uint8Array
  /** Not among `guests` where this guest only helps to make the epoch and then leaves. */
  readonly me: Guest
  /** All members, ascending by index. */
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
  const guests = guestsOf(genesis.members)
  const me = guests.find(({ id }) => Buffer.from(id).equals(guestSig))
  if (me === undefined) return undefined
  const { t, setupsPerHour } = genesis.params
  return {
    networkId,
    epoch: FIRST_EPOCH, // before there is a record: epochId = networkId (03 §1.2)
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

/** The committee of a certified record in which `guestSig` is a member; undefined when it is none. */
export function committeeOfRecord(
  record: EpochRecord,
  guestSig: Uint8Array,
  { development }: Pick<Committee, 'development'>,
): Committee | undefined {
  const guests = guestsOf(record.members)
  const me = guests.find(({ id }) => Buffer.from(id).equals(guestSig))
  if (me === undefined) return undefined
  const { networkId, committeeId, epochId, e, k, t, rootKey } = record
  return {
    ...{ networkId, committeeId, epochId, epoch: { e, k }, me, guests, threshold: t, development },
    quorum: quorums(guests.length, t).q,
    setupsPerHour: record.params.setupsPerHour,
    rootKey,
  }
}

/** Members as conversations know them. */
export const guestsOf = (
  members: readonly { readonly index: PartyIndex; readonly guestSig: Uint8Array }[],
): readonly Guest[] => inOrder(members.map(({ index, guestSig }) => ({ index, id: guestSig })))

export const otherGuests = ({ guests, me }: Pick<Committee, 'guests' | 'me'>): readonly Guest[] =>
  guests.filter(({ index }) => index !== me.index)

export const guestOf = ({ guests }: Committee, party: PartyIndex): Guest | undefined =>
  guests.find(({ index }) => index === party)

export const isMember = ({ guests, me }: Committee): boolean =>
  guests.some(({ index }) => index === me.index)
