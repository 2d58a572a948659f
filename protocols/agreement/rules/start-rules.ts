import { sameBytes } from '../compare-bytes.ts'
import { AbortCert } from '../objects/certificates.ts'
import { EPOCH_KINDS } from '../objects/kinds.ts'
import { Answer, type SignedAnswer } from '../objects/proposal.ts'
import { type SignedStart, Start } from '../objects/start.ts'
import { quorums } from '../quorums.ts'
import type { Base } from './base.ts'
import { type BrokenRule, type Demand, firstBroken } from './broken-rule.ts'
import { type Change, needsOperators } from './change.ts'
import { STRICT, type Verify } from './verify.ts'

/** Time that every attempt has from START, and what each key adds (03 §4.1 S3). */
export const ATTEMPT_MS: number = 120_000
export const ATTEMPT_MS_PER_KEY = 30
/** How far the clock of an initiator may be from a member's (03 §1.3 R10). */
export const START_SKEW_MS: number = 5 * 60_000

/** The deadline of an attempt for this many keys, ms from START (03 §4.1 S3). */
export const attemptMs = (keys: number): number => ATTEMPT_MS + ATTEMPT_MS_PER_KEY * keys

/**
 * Why a START opens no attempt on this base (03 §4.1 S3): its place, its initiator's signature, the
 * answers, the dealers, the deadline. `abort` is the certificate of attempt k-1, or null for the first;
 * its signatures are checked by `brokenAbortCert`, the clock by `brokenStartTime`.
 */
export function brokenStart(
  base: Base,
  change: Change,
  signed: SignedStart,
  abort: AbortCert | null,
  verify: Verify = STRICT,
): BrokenRule | undefined {
  const { object: start } = signed
  const initiator = base.members.find(({ index }) => index === start.initiator)
  const isFirst = change.kind === EPOCH_KINDS.genesis
  const dealers = isFirst ? base.members.length : base.t
  const answers = isFirst ? base.members.length : quorums(base.members.length, base.t).q
  return firstBroken([
    ['start', sameBytes(start.committeeId, base.committeeId), 'another committee'],
    ['start', start.e === base.next, `not for epoch ${base.next}`],
    ['start', sameBytes(start.proposalHash, change.proposalHash), 'another proposal'],
    ['start', initiator !== undefined, 'the initiator is no member'],
    [
      'start',
      () =>
        initiator !== undefined &&
        verify.isSignedBy(Start, signed, base.networkId, initiator.guestSig),
      'not signed by its initiator',
    ],
    ...abortDemands(start, abort),
    [
      'start',
      start.dealers.length === dealers && start.dealers.every((dealer) => isMember(base, dealer)),
      `dealers are not ${dealers} members`,
    ],
    ['start', start.deadlineMs === attemptMs(start.cutCount), 'not the deadline of its keys'],
    ['start', start.answers.length >= answers, `fewer than ${answers} answers`],
    [
      'start',
      new Set(start.answers.map(({ object }) => object.index)).size === start.answers.length,
      'a member answers twice',
    ],
    ...start.answers.flatMap((answer) => answerDemands(base, change, answer, verify)),
  ])
}

/** R10 (03 §1.3): checked when START is first seen, and by nobody later. */
export const brokenStartTime = ({ createdAt }: Start, now: number): BrokenRule | undefined =>
  firstBroken([['R10', Math.abs(createdAt - now) <= START_SKEW_MS, 'createdAt is not about now']])

/** Why an answer counts for nothing (03 §4.1 S2): place, member, signatures. A no is as good as a yes. */
export const brokenAnswer = (
  base: Base,
  change: Change,
  answer: SignedAnswer,
  verify: Verify = STRICT,
): BrokenRule | undefined => firstBroken(signedAnswerDemands(base, change, answer, verify))

const answerDemands = (
  base: Base,
  change: Change,
  answer: SignedAnswer,
  verify: Verify,
): Demand[] => [
  ['answer', answer.object.yes, `the answer of ${answer.object.index} is no`],
  ...signedAnswerDemands(base, change, answer, verify),
]

function signedAnswerDemands(
  base: Base,
  change: Change,
  answer: SignedAnswer,
  verify: Verify,
): Demand[] {
  const { object } = answer
  const member = base.members.find(({ index }) => index === object.index)
  const named = `the answer of ${object.index}`
  if (member === undefined) return [['answer', false, `${named} is not a member's`]]
  return [
    ['answer', sameBytes(object.committeeId, base.committeeId), `${named}: another committee`],
    ['answer', sameBytes(object.baseHash, base.hash), `${named}: another base`],
    ['answer', sameBytes(object.proposalHash, change.proposalHash), `${named}: another proposal`],
    [
      'answer',
      () => verify.isSignedBy(Answer, answer, base.networkId, member.guestSig),
      `${named} is not signed by its guest`,
    ],
    [
      'answer',
      () =>
        object.operatorSig === null
          ? !(object.yes && needsOperators(base, change))
          : verify.isOperatorAnswer(answer, base.networkId, member.operatorKey),
      `${named} is not signed by its operator`,
    ],
  ]
}

/** Nobody acts in attempt k without the certificate that k-1 was aborted. */
function abortDemands(start: Start, abort: AbortCert | null): Demand[] {
  if (abort === null)
    return [['start', start.k === 1, 'not the first, and no certificate of an ABORT']]
  const { abortCertHash } = start
  return [
    [
      'start',
      abortCertHash !== null && sameBytes(abortCertHash, AbortCert.hash(abort)),
      'names another certificate of an ABORT',
    ],
    [
      'start',
      sameBytes(abort.committeeId, start.committeeId) &&
        abort.e === start.e &&
        abort.k === start.k - 1,
      'the certificate is not that of the attempt before',
    ],
  ]
}

const isMember = (base: Base, member: number): boolean =>
  base.members.some(({ index }) => index === member)
