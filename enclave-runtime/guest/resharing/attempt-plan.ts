import type { Member } from '../../../protocols/agreement/objects/member.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import type { Guest } from '../../../protocols/session/guest.ts'
import { type Committee, guestsOf } from '../committee.ts'
import type { AttemptFacts } from '../epochs/epoch-work.ts'
import type { RoomPlan } from '../rooms/room-plan.ts'

/** What a room needs that no START says. */
export interface PlanContext extends Pick<Committee, 'networkId' | 'committeeId' | 'development'> {
  /** The own guest key. */
  readonly guestSig: Uint8Array
  readonly setupsPerHour: number
}

/** Everybody of both committees, in order of index: an index names one member for ever. */
export function everyoneOf({
  members,
  oldMembers,
}: Pick<AttemptFacts, 'members' | 'oldMembers'>): readonly Member[] {
  const all = new Map([...oldMembers, ...members].map((member) => [member.index, member]))
  return [...all.values()].sort((a, b) => a.index - b.index)
}

/** The forming room of an attempt. Throws when this guest has no part in it: a defect of the caller. */
export function planOf(facts: AttemptFacts, context: PlanContext): RoomPlan {
  const { epoch, epochId, members, threshold, rootKey, unban } = facts
  const { networkId, committeeId, development, guestSig, setupsPerHour } = context
  const everyone = everyoneOf(facts)
  const me = guestsOf(everyone).find(({ id }) => Buffer.from(id).equals(guestSig))
  if (me === undefined) throw new Error('bug: an attempt of others')
  const guests: readonly Guest[] = guestsOf(members)
  return {
    committee: {
      ...{ networkId, committeeId, epoch, epochId, me, guests, threshold, development },
      quorum: quorums(guests.length, threshold).q,
      setupsPerHour,
      rootKey,
    },
    channelMembers: everyone.map(({ index, guestEnc }) => ({ index, guestEnc })),
    isForming: true,
    unban,
  }
}
