import { sameBytes } from '../../protocols/agreement/compare-bytes.ts'
import type { SignedJoin } from '../../protocols/agreement/objects/join.ts'
import type { Member } from '../../protocols/agreement/objects/member.ts'
import { Params } from '../../protocols/agreement/objects/params.ts'
import { LEAVE_REASONS, type Proposal } from '../../protocols/agreement/objects/proposal.ts'
import { quorums } from '../../protocols/agreement/quorums.ts'
import type { Base } from '../../protocols/agreement/rules/base.ts'
import {
  areJoinsOf,
  type Change,
  changeOf,
  needsOperators,
  nextRoster,
  type Roster,
} from '../../protocols/agreement/rules/change.ts'
import { brokenChange } from '../../protocols/agreement/rules/proposal-rules.ts'
import { testSubsets } from '../../protocols/agreement/rules/test-subsets.ts'
import { tolerance } from '../../protocols/agreement/rules/thresholds.ts'

/** The numbers of one epoch: a row of the table of 03 §2. */
export interface EpochNumbers {
  readonly n: number
  readonly t: number
  readonly q: number
  readonly L: number
  /** How many may be missing while epochs and log entries are still decided. */
  readonly downDeciding: number
  /** How many may be missing while signing goes on. */
  readonly downSigning: number
  /** How many must be up for a new key. */
  readonly upForKey: number
}

export interface MemberLine {
  readonly index: number
  readonly label: string
  readonly guestSig: string
  /** Why it goes, or what of it changes; empty for who comes. */
  readonly what: string
}

/** What a proposal would make of the committee, for the one who has to say yes or no (03 §12). */
export interface EpochDiff {
  /** The epoch that would follow. */
  readonly e: number
  readonly from: EpochNumbers
  readonly to: EpochNumbers
  readonly added: readonly MemberLine[]
  readonly removed: readonly MemberLine[]
  readonly updated: readonly MemberLine[]
  readonly allowAdd: readonly string[]
  readonly allowDrop: readonly string[]
  readonly unban: readonly (readonly [number, number])[]
  /** Other parameters than t. */
  readonly params: readonly { readonly name: string; readonly from: string; readonly to: string }[]
  /** Whether a yes needs the operator's signature. */
  readonly needsOperator: boolean
  /** The rule that it breaks, if it does: no node will take it. */
  readonly broken: string | null
  /** What may fail afterwards, and what already may while it is made. */
  readonly consequences: readonly string[]
}

const REASONS: Readonly<Record<number, string>> = {
  [LEAVE_REASONS.own]: 'goes by its own wish',
  [LEAVE_REASONS.removed]: 'is removed',
  [LEAVE_REASONS.fault]: 'is removed for a fault: its keys never come back',
}

/** @throws RangeError when these are not the joins that the proposal names. */
export function epochDiff(
  base: Base,
  proposal: Proposal,
  joins: readonly SignedJoin[],
  bans: readonly (readonly [number, number])[] = [],
): EpochDiff {
  if (!areJoinsOf(proposal, joins)) throw new RangeError('not the joins that the proposal names')
  const change = changeOf(proposal, joins)
  const roster = nextRoster(base, change)
  const broken = brokenChange(base, change)
  const from = numbersOf(base.members.length, base.t)
  const to = numbersOf(roster.members.length, roster.t)
  return {
    e: base.next,
    from,
    to,
    added: roster.members
      .filter(({ index }) => index >= base.nextIndex)
      .map((member) => lineOf(member, '')),
    removed: change.leaves.map(({ index, reason }) =>
      lineOf(
        base.members.find((member) => member.index === index),
        REASONS[reason] ?? '',
        index,
      ),
    ),
    updated: updatesOf(base, roster),
    allowAdd: change.allowAdd.map(hex),
    allowDrop: change.allowDrop.map(hex),
    unban: change.unban,
    params: paramsOf(base, roster),
    needsOperator: needsOperators(base, change),
    broken: broken === undefined ? null : `${broken.rule}: ${broken.reason}`,
    consequences: broken === undefined ? consequencesOf(base, change, roster, from, to, bans) : [],
  }
}

/** The row of 03 §2 for n members and threshold t. */
export function numbersOf(n: number, t: number): EpochNumbers {
  const { q, L, h } = quorums(n, t)
  const { decisions, signing } = tolerance(n, t)
  return { n, t, q, L, downDeciding: decisions, downSigning: signing, upForKey: h }
}

function consequencesOf(
  base: Base,
  change: Change,
  roster: Roster,
  from: EpochNumbers,
  to: EpochNumbers,
  bans: readonly (readonly [number, number])[],
): string[] {
  const said = [
    `until it is active all ${to.n} members of the next epoch must be up: one that is silent holds it up`,
    compared('signing goes on with', from.downSigning, to.downSigning, 'missing'),
    compared('epochs and log entries go on with', from.downDeciding, to.downDeciding, 'missing'),
    compared(`a new account needs`, from.upForKey, to.upForKey, `of ${to.n} members up`),
  ]
  if (to.n === 3)
    said.push('three members survive one crash but no lie; four or more are recommended')
  const gone = change.leaves.length
  if (gone > 0 && from.n - gone < from.q)
    said.push(
      `only ${from.n - gone} of the ${from.q} that decide stay: those who go must be up to let them go`,
    )
  const { uncovered } = testSubsets(
    roster.members.map(({ index }) => index),
    roster.t,
    bans.filter(
      ([a, b]) =>
        !change.unban.some(([x, y]) => x === a && y === b) &&
        [a, b].every((index) => roster.members.some((member) => member.index === index)),
    ),
  )
  for (const [a, b] of uncovered)
    said.push(
      `members ${a} and ${b} can never sign together: every group with them has a banned pair`,
    )
  if (change.allowDrop.length > 0 && base.members.some((member) => runs(member, change.allowDrop)))
    said.push('members that run a dropped bundle must be updated in the same proposal')
  return said
}

const runs = ({ measurement }: Member, bundles: readonly Uint8Array[]): boolean =>
  bundles.some((bundle) => sameBytes(bundle, measurement))

const compared = (what: string, before: number, after: number, unit: string): string =>
  before === after
    ? `${what} ${after} ${unit}, as before`
    : `${what} ${after} ${unit} (before: ${before})`

function updatesOf(base: Base, { members }: Roster): MemberLine[] {
  return members.flatMap((member) => {
    const before = base.members.find(({ index }) => index === member.index)
    if (before === undefined) return []
    const what = [
      ...(before.peerId === member.peerId ? [] : ['another peer id']),
      ...(sameBytes(before.measurement, member.measurement)
        ? []
        : [
            `bundle ${hex(before.measurement).slice(0, 8)} → ${hex(member.measurement).slice(0, 8)}`,
          ]),
      ...(sameBytes(before.evidenceHash, member.evidenceHash) ? [] : ['other evidence']),
      ...(before.label === member.label ? [] : [`label "${before.label}" → "${member.label}"`]),
    ]
    return what.length === 0 ? [] : [lineOf(member, what.join(', '))]
  })
}

function paramsOf(base: Base, roster: Roster): EpochDiff['params'] {
  if (sameBytes(Params.encode(base.params), Params.encode(roster.params))) return []
  const names = Object.keys(base.params) as (keyof Params)[]
  const show = (value: Params[keyof Params]): string =>
    value === null ? 'none' : typeof value === 'number' ? String(value) : hex(value)
  return names
    .filter((name) => name !== 't')
    .map((name) => ({ name, from: show(base.params[name]), to: show(roster.params[name]) }))
    .filter(({ from, to }) => from !== to)
}

const lineOf = (member: Member | undefined, what: string, index: number = 0): MemberLine => ({
  index: member?.index ?? index,
  label: member?.label ?? '',
  guestSig: member === undefined ? '' : hex(member.guestSig),
  what,
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
