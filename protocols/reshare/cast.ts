import type { PartyIndex } from '../session/faults.ts'
import { type Guest, guestAt, inOrder } from '../session/guest.ts'
import { partiesOf } from '../sharing/hashes.ts'

/** Who takes part in a reshare, and as what, seen by one of them. Lists are in party order. */
export interface Cast {
  readonly mine: Guest
  /** O. */
  readonly dealers: readonly Guest[]
  /** N. */
  readonly receivers: readonly Guest[]
  readonly everyone: readonly Guest[]
  readonly others: readonly Guest[]
  /** O without N. */
  readonly leavers: readonly Guest[]
  /** N that knows the keys. */
  readonly stayers: readonly Guest[]
  readonly newcomers: readonly Guest[]
  /** What I am: a dealer; a receiver; one of the newcomers. */
  readonly deals: boolean
  readonly receives: boolean
  readonly joins: boolean
}

export function castOf(
  everyDealer: readonly Guest[],
  everyReceiver: readonly Guest[],
  newcomerIndices: readonly PartyIndex[],
  me: PartyIndex,
): Cast {
  const dealers = inOrder(everyDealer)
  // One value per member, whichever list it came with, so that members can be compared.
  const receivers = inOrder(everyReceiver).map((guest) => sameIn(dealers, guest) ?? guest)
  const everyone = partiesOf(dealers, receivers)
  const within = (guests: readonly Guest[], party: PartyIndex) =>
    guests.some(({ index }) => index === party)
  const newcomers = receivers.filter(({ index }) => newcomerIndices.includes(index))
  return {
    mine: guestAt(everyone, me),
    dealers,
    receivers,
    everyone,
    others: everyone.filter(({ index }) => index !== me),
    leavers: dealers.filter(({ index }) => !within(receivers, index)),
    stayers: receivers.filter(({ index }) => !within(newcomers, index)),
    newcomers,
    deals: within(dealers, me),
    receives: within(receivers, me),
    joins: within(newcomers, me),
  }
}

/** The guest of the same index in this list, if it is there. */
export const sameIn = (guests: readonly Guest[], { index }: Guest): Guest | undefined =>
  guests.find((guest) => guest.index === index)

export const indicesOf = (guests: readonly Guest[]): PartyIndex[] =>
  guests.map(({ index }) => index)
