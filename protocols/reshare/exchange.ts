import type { PartyIndex } from '../session/faults.ts'
import type { Guest } from '../session/guest.ts'
import type { Party } from '../session/round.ts'
import type { ByGuest } from '../sharing/hashes.ts'
import type { Commit, Deal, PublicDeal } from '../sharing/messages.ts'
import { type Cast, indicesOf } from './cast.ts'
import type { Introduction, ReshareRounds } from './messages.ts'

const NOBODY: readonly PartyIndex[] = []
const NO_COMMITMENT = new Uint8Array()

const lettersTo = <T>(
  guests: readonly Guest[],
  messageFor: (to: PartyIndex) => T,
): ReadonlyMap<PartyIndex, T> => new Map(guests.map(({ index }) => [index, messageFor(index)]))

/** K1: dealers promise, the others say a nonce. */
export async function exchangeCommits(
  party: Party,
  round: ReshareRounds,
  { mine, dealers, everyone, others, deals }: Cast,
  myCommit: Commit,
): Promise<ByGuest<Commit>> {
  const onlyReceive = everyone.filter((guest) => !dealers.includes(guest))
  const { nonce } = myCommit
  const spoken = deals ? [] : others
  // What is said comes before what is waited for, so that nobody waits for somebody who waits.
  await party.exchange(
    round.nonce,
    lettersTo(spoken, () => ({ nonce })),
    NOBODY,
  )
  const promised = lettersTo(deals ? others : [], () => myCommit)
  const commits = await party.exchange(round.commit, promised, indicesOf(dealers))
  const nonces = await party.exchange(round.nonce, new Map(), indicesOf(onlyReceive))
  return (guest) => {
    if (guest === mine) return myCommit
    if (dealers.includes(guest)) return commits.from(guest.index)
    return { nonce: nonces.from(guest.index).nonce, commitment: NO_COMMITMENT }
  }
}

/** What I deal in K2. */
export interface MyDeal {
  readonly open: PublicDeal
  readonly sharesFor: (to: PartyIndex) => Uint8Array
  /** What newcomers are told of the keys. */
  readonly known: Uint8Array
}

/** What K2 brought, by dealer. */
export interface HeardDeals {
  readonly dealOf: ByGuest<PublicDeal>
  /** For receivers. */
  readonly sharesOf: ByGuest<Uint8Array>
  /** For newcomers. */
  readonly knownOf: ByGuest<Uint8Array>
}

/** K2: every dealer to everyone, to each what it has to know. */
export async function exchangeDeals(
  party: Party,
  round: ReshareRounds,
  { mine, dealers, leavers, stayers, newcomers, receives, joins }: Cast,
  myDeal: MyDeal | undefined,
): Promise<HeardDeals> {
  const speakers = indicesOf(dealers)
  const letters = <T extends PublicDeal>(
    guests: readonly Guest[],
    rest: (deal: MyDeal, to: PartyIndex) => Omit<T, keyof PublicDeal>,
  ): ReadonlyMap<PartyIndex, T> =>
    myDeal === undefined
      ? new Map()
      : lettersTo(
          guests.filter((guest) => guest !== mine),
          (to) => ({ ...myDeal.open, ...rest(myDeal, to) }) as T,
        )
  const shares = ({ sharesFor }: MyDeal, to: PartyIndex) => ({ shares: sharesFor(to) })
  const [shown, dealt, introduced] = await Promise.all([
    party.exchange(
      round.show,
      letters<PublicDeal>(leavers, () => ({})),
      receives ? NOBODY : speakers,
    ),
    party.exchange(
      round.deal,
      letters<Deal>(stayers, shares),
      receives && !joins ? speakers : NOBODY,
    ),
    party.exchange(
      round.introduce,
      letters<Introduction>(newcomers, (deal, to) => ({ ...shares(deal, to), known: deal.known })),
      joins ? speakers : NOBODY,
    ),
  ])
  const heard = joins ? introduced : receives ? dealt : shown
  const ownShares = receives ? myDeal?.sharesFor(mine.index) : undefined
  return {
    dealOf: (guest) =>
      guest === mine && myDeal !== undefined ? myDeal.open : heard.from(guest.index),
    sharesOf: (guest) =>
      guest === mine && ownShares !== undefined
        ? ownShares
        : (joins ? introduced : dealt).from(guest.index).shares,
    knownOf: (guest) => introduced.from(guest.index).known,
  }
}
