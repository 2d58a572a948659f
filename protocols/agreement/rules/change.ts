import { compareBytes, sameBytes } from '../compare-bytes.ts'
import type { Pair } from '../objects/items.ts'
import { evidenceHash, type Join, joinHash, type SignedJoin } from '../objects/join.ts'
import { EPOCH_KINDS, type EpochKind } from '../objects/kinds.ts'
import type { Member } from '../objects/member.ts'
import type { Params } from '../objects/params.ts'
import { LEAVE_REASONS, type Leaver, Proposal } from '../objects/proposal.ts'
import { type EpochRecord, epochIdOf } from '../objects/record.ts'
import type { Start } from '../objects/start.ts'
import type { Base } from './base.ts'

/** A proposal with the joins it names; for the genesis epoch, nothing at all (03 §1.2). */
export interface Change {
  /** H(proposal; proposal); networkId for the genesis epoch. */
  readonly proposalHash: Uint8Array
  readonly kind: EpochKind
  readonly joins: readonly Join[]
  readonly leaves: readonly Leaver[]
  /** t' */
  readonly t: number
  readonly params: Params | null
  readonly allowAdd: readonly Uint8Array[]
  readonly allowDrop: readonly Uint8Array[]
  readonly unban: readonly Pair[]
  /** Null for the genesis epoch. */
  readonly proposerIndex: number | null
}

/** Whether these are exactly the joins that a proposal names, in any order: asked before `changeOf` of what came from outside. */
export const areJoinsOf = ({ joins: named }: Proposal, joins: readonly SignedJoin[]): boolean =>
  joins.length === named.length &&
  named.every((hash) => joins.some((join) => sameBytes(joinHash(join), hash)))

/** `joins` are those the proposal names, in any order; any other list is a defect of the caller. */
export function changeOf(proposal: Proposal, joins: readonly SignedJoin[]): Change {
  const found = proposal.joins.map((hash) => joins.find((join) => sameBytes(joinHash(join), hash)))
  const named = found.flatMap((join) => (join === undefined ? [] : [join.object]))
  if (named.length !== found.length || joins.length !== found.length)
    throw new Error('bug: not the joins of this proposal')
  return { ...proposal, proposalHash: Proposal.hash(proposal), joins: named }
}

/** The genesis epoch changes nobody: its members are old and new members at once. */
export const genesisChange = (base: Base): Change => ({
  proposalHash: base.networkId,
  kind: EPOCH_KINDS.genesis,
  joins: [],
  leaves: [],
  t: base.t,
  params: null,
  allowAdd: [],
  allowDrop: [],
  unban: [],
  proposerIndex: null,
})

/** The member whose entry a join updates; undefined if it brings somebody new (03 §1.2). */
export const updatedBy = (base: Base, join: Join): Member | undefined =>
  base.members.find(({ guestSig }) => sameBytes(guestSig, join.guestSig))

/**
 * Whether every answer needs the operator's signature (03 §4.1 S2): all but a plain refresh, and a member
 * that goes by its own proposal.
 */
export function needsOperators(base: Base, change: Change): boolean {
  if (change.kind === EPOCH_KINDS.genesis) return true
  const { joins, allowAdd, allowDrop, unban, params, proposerIndex } = change
  const untouched = [joins, allowAdd, allowDrop, unban].every(({ length }) => length === 0)
  if (!untouched || params !== null || change.t !== base.t) return true
  return !change.leaves.every(
    ({ index, reason }) => reason === LEAVE_REASONS.own && index === proposerIndex,
  )
}

/** Who the members of an epoch are, and under which terms. */
export type Roster = Pick<
  EpochRecord,
  'kind' | 't' | 'members' | 'nextIndex' | 'allow' | 'unban' | 'params'
>

/** The one roster that a change makes of its base; whether it may be, the rules say. */
export function nextRoster(base: Base, change: Change): Roster {
  const gone = new Set(change.leaves.map(({ index }) => index))
  const updates = change.joins.filter((join) => updatedBy(base, join) !== undefined)
  const survivors = base.members
    .filter(({ index }) => !gone.has(index))
    .map((member) => {
      const update = updates.find(({ guestSig }) => sameBytes(guestSig, member.guestSig))
      return update === undefined ? member : { ...member, ...renewed(update) }
    })
  const newcomers = change.joins
    .filter((join) => !updates.includes(join))
    .toSorted((a, b) => compareBytes(a.guestSig, b.guestSig))
    .map((join, position) => newMember(join, base.nextIndex + position))
  return {
    kind: change.kind,
    t: change.t,
    members: [...survivors, ...newcomers],
    nextIndex: base.nextIndex + newcomers.length,
    allow: [...base.allow.filter((hash) => !holds(change.allowDrop, hash)), ...change.allowAdd],
    unban: change.unban,
    params: change.params ?? { ...base.params, t: change.t },
  }
}

const holds = (hashes: readonly Uint8Array[], hash: Uint8Array): boolean =>
  hashes.some((other) => sameBytes(other, hash))

/** What an update may change (03 §1.3 R3). */
const renewed = ({ peerId, measurement, evidence, label }: Join) => ({
  peerId,
  measurement,
  evidenceHash: evidenceHash(evidence),
  label,
})

const newMember = (join: Join, index: number): Member => ({
  index,
  guestSig: join.guestSig,
  guestEnc: join.guestEnc,
  operatorKey: join.operatorKey,
  ...renewed(join),
})

/** What of a record comes from the keys, and not from base, proposal and START. */
export type RecordKeys = Pick<EpochRecord, 'rootKey' | 'keyCount' | 'keySetRoot' | 'transcriptHash'>

/** The record of an attempt (03 §1.2): nothing in it is for anybody to choose. */
export const nextRecord = (
  base: Base,
  change: Change,
  start: Start,
  keys: RecordKeys,
): EpochRecord => ({
  networkId: base.networkId,
  committeeId: base.committeeId,
  e: base.next,
  k: start.k,
  prevHash: base.hash,
  proposalHash: change.proposalHash,
  epochId: epochIdOf(start),
  ...nextRoster(base, change),
  rootKey: keys.rootKey,
  keyCount: keys.keyCount,
  keySetRoot: keys.keySetRoot,
  transcriptHash: keys.transcriptHash,
  protocol: base.protocol,
  createdAt: start.createdAt,
})
