import { sameBytes } from '../compare-bytes.ts'
import type { Genesis } from '../genesis.ts'
import { setupsReason } from '../genesis-rules.ts'
import type { SignedJoin } from '../objects/join.ts'
import { EPOCH_KINDS } from '../objects/kinds.ts'
import type { Member } from '../objects/member.ts'
import { LEAVE_REASONS, Proposal, type SignedProposal } from '../objects/proposal.ts'
import type { Base } from './base.ts'
import { type BrokenRule, type Demand, firstBroken } from './broken-rule.ts'
import { areJoinsOf, type Change, changeOf, nextRoster, updatedBy } from './change.ts'
import { brokenJoin } from './join-rules.ts'
import { brokenRoster } from './record-rules.ts'
import { STRICT, type Verify } from './verify.ts'

/** What the rules that depend on history or time look at (03 §1.3): only S1 to S3 ask them. */
export interface Circumstances {
  /** Unix milliseconds. */
  readonly now: number
  readonly environment: Genesis['environment']
  /** Entries of members that were removed for a fault, in whatever epoch. */
  readonly removedForFault: readonly Member[]
}

/**
 * Why a proposal with its joins is not valid now (03 §4.1 S1): its form, its signature, its joins, and
 * R3-R6, R8, R9 for the committee it would make.
 */
export function brokenProposal(
  base: Base,
  signed: SignedProposal,
  joins: readonly SignedJoin[],
  circumstances: Circumstances,
  verify: Verify = STRICT,
): BrokenRule | undefined {
  const { object: proposal } = signed
  const proposer = base.members.find(({ index }) => index === proposal.proposerIndex)
  const broken =
    firstBroken([
      ['R1', sameBytes(proposal.committeeId, base.committeeId), 'another committee'],
      ['R1', sameBytes(proposal.baseHash, base.hash), 'another base'],
      ['proposal', proposer !== undefined, 'the proposer is no member'],
      [
        'proposal',
        proposer !== undefined &&
          verify.isSignedBy(Proposal, signed, base.networkId, proposer.guestSig),
        'not signed by its proposer',
      ],
      ['proposal', proposal.expiresAt > circumstances.now, 'expired'],
      ['proposal', () => areJoinsOf(proposal, joins), 'not the joins that it names'],
    ]) ?? firstBrokenJoin(base, joins, circumstances, verify)
  if (broken !== undefined) return broken
  const { params } = proposal
  const setups =
    params === null ? undefined : setupsReason(circumstances.environment, params.setupsPerHour)
  return (
    firstBroken([['proposal', setups === undefined, setups ?? '']]) ??
    brokenChange(base, changeOf(proposal, joins))
  )
}

/** Why a change cannot be applied to this base, whenever it is looked at: its parts, and R3-R6, R8, R9 (03 §1.3). */
export const brokenChange = (base: Base, change: Change): BrokenRule | undefined =>
  firstBroken(changeDemands(base, change)) ?? brokenRoster(base, nextRoster(base, change))

const firstBrokenJoin = (
  base: Base,
  joins: readonly SignedJoin[],
  circumstances: Circumstances,
  verify: Verify,
): BrokenRule | undefined => {
  for (const join of joins) {
    const broken = brokenJoin(base, join, circumstances, verify)
    if (broken !== undefined) return broken
  }
  return undefined
}

/** What must be true of a change before it is applied: each part of it means something. */
function changeDemands(base: Base, change: Change): Demand[] {
  const { kind, leaves, allowAdd, allowDrop, unban, params } = change
  const isMember = (member: number) => base.members.some(({ index }) => index === member)
  const gone = new Set(leaves.map(({ index }) => index))
  const updated = change.joins
    .map((join) => updatedBy(base, join)?.index)
    .filter((i) => i !== undefined)
  const allows = (hash: Uint8Array) => base.allow.some((other) => sameBytes(other, hash))
  const isEmpty = [change.joins, leaves, allowAdd, allowDrop].every(({ length }) => length === 0)
  return [
    ['proposal', kind !== EPOCH_KINDS.recovery, 'nothing makes a recovery yet'],
    [
      'proposal',
      kind !== EPOCH_KINDS.refresh || (isEmpty && params === null && change.t === base.t),
      'a refresh changes nothing',
    ],
    ['proposal', leaves.every(({ index }) => isMember(index)), 'who leaves is no member'],
    [
      'proposal',
      leaves.every(
        ({ index, reason }) => reason !== LEAVE_REASONS.own || index === change.proposerIndex,
      ),
      'only a member itself proposes that it leaves by its own wish',
    ],
    ['R3', updated.every((index) => !gone.has(index)), 'who leaves is not updated'],
    ['R3', new Set(updated).size === updated.length, 'a member is updated twice'],
    ['R8', allowAdd.every((hash) => !allows(hash)), 'what is added to allow is in it'],
    ['R8', allowDrop.every(allows), 'what is dropped from allow is not in it'],
    [
      'proposal',
      unban.flat().every((index) => isMember(index) && !gone.has(index)),
      'an unbanned pair does not stay',
    ],
  ]
}
