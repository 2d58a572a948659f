import { sameBytes } from '../compare-bytes.ts'
import { AttemptFault } from '../objects/attempt.ts'
import type { DoubleStart } from '../objects/double-start.ts'
import { isSignedBy, type Signed } from '../objects/signed.ts'
import { type SignedStart, Start } from '../objects/start.ts'
import type { Base } from './base.ts'
import { type BrokenRule, firstBroken } from './broken-rule.ts'
import { type Change, nextRoster } from './change.ts'

/**
 * Why a fault does not let an attempt end at once (03 §4.1 S3): it must be of this attempt and of a member
 * of the epoch that is attempted, who could as well have withheld its READY.
 */
export function brokenFault(
  base: Base,
  change: Change,
  k: number,
  fault: Signed<AttemptFault>,
): BrokenRule | undefined {
  const { object } = fault
  const author = nextRoster(base, change).members.find(({ index }) => index === object.index)
  return firstBroken([
    ['fault', sameBytes(object.committeeId, base.committeeId), 'another committee'],
    ['fault', object.e === base.next && object.k === k, 'not of this attempt'],
    ['fault', author !== undefined, 'not by a new member'],
    [
      'fault',
      () =>
        author !== undefined && isSignedBy(AttemptFault, fault, base.networkId, author.guestSig),
      'not signed by its author',
    ],
  ])
}

/** Why two STARTs convict nobody (03 §4.1 S3): they must be two, of one attempt, and both of one member. */
export function brokenDoubleStart(
  base: Base,
  k: number,
  { first, second }: DoubleStart,
): BrokenRule | undefined {
  const [a, b] = [first.object, second.object]
  const initiator = base.members.find(({ index }) => index === a.initiator)
  const ofThis = ({ object }: SignedStart) =>
    sameBytes(object.committeeId, base.committeeId) && object.e === base.next && object.k === k
  const signed = (start: SignedStart) =>
    initiator !== undefined && isSignedBy(Start, start, base.networkId, initiator.guestSig)
  return firstBroken([
    ['start', ofThis(first) && ofThis(second), 'not both of this attempt'],
    ['start', initiator !== undefined && b.initiator === a.initiator, 'not of one member'],
    ['start', !sameBytes(first.objectBytes, second.objectBytes), 'one START twice'],
    ['start', () => signed(first) && signed(second), 'not both signed by that member'],
  ])
}
