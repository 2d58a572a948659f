import { secp256k1 } from '@noble/curves/secp256k1.js'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import { compareBytes, sameBytes } from '../compare-bytes.ts'
import { MAX_ALLOWED, MAX_INDEX } from '../objects/items.ts'
import { EPOCH_KINDS } from '../objects/kinds.ts'
import { Member } from '../objects/member.ts'
import { Params } from '../objects/params.ts'
import { EpochRecord } from '../objects/record.ts'
import type { Start } from '../objects/start.ts'
import type { Base } from './base.ts'
import { type BrokenRule, type Demand, firstBroken } from './broken-rule.ts'
import { type Change, nextRecord, type Roster } from './change.ts'
import { sharedName } from './member-keys.ts'
import { maxJoins, maxLeaves, thresholdReason } from './thresholds.ts'

/**
 * The first of R1-R6, R8, R9 (03 §1.3) that a record breaks, seen from the record before it alone: what
 * a stranger can check who walks the chain.
 */
export function brokenSuccession(base: Base, record: EpochRecord): BrokenRule | undefined {
  const isFirst = base.next === 0
  return (
    firstBroken([
      ['R1', record.e === base.next, `epoch ${record.e} does not follow ${base.next - 1}`],
      ['R1', sameBytes(record.prevHash, base.hash), 'prevHash is not that of the base'],
      ['R1', sameBytes(record.networkId, base.networkId), 'another network'],
      ['R1', sameBytes(record.committeeId, base.committeeId), 'another committee'],
      ['R1', record.protocol === base.protocol, 'another protocol'],
      ['R1', kindFits(isFirst, record.kind), `kind ${record.kind} is not for epoch ${record.e}`],
      ['R1', !isFirst || sameBytes(record.proposalHash, base.networkId), 'nobody proposes epoch 0'],
      [
        'R2',
        base.rootKey === null ? isPoint(record.rootKey) : sameBytes(record.rootKey, base.rootKey),
        base.rootKey === null ? 'rootKey is no key' : 'another rootKey',
      ],
    ]) ?? brokenRoster(base, record)
  )
}

/**
 * The first of R1-R6, R8, R9 (03 §1.3) that a record breaks: what voters of the decision check, a pure
 * function of base, proposal, START and record.
 */
export function brokenRecord(
  base: Base,
  change: Change,
  start: Start,
  record: EpochRecord,
): BrokenRule | undefined {
  const due = nextRecord(base, change, start, record)
  return (
    brokenSuccession(base, record) ??
    firstBroken([
      ['R1', record.k === due.k, `not of attempt ${due.k}`],
      ['R1', record.kind === due.kind, 'not of the kind that was proposed'],
      ['R1', sameBytes(record.proposalHash, due.proposalHash), 'not of this proposal'],
      ['R1', sameBytes(record.epochId, due.epochId), 'epochId is not that of START'],
      ['R1', record.createdAt === due.createdAt, 'createdAt is not that of START'],
      ['R3', sameMembers(record.members, due.members), 'members are not those proposed'],
      ['R4', record.t === due.t, 't is not that proposed'],
      ['R4', sameParams(record, due), 'params are not those proposed'],
      ['R8', sameHashes(record.allow, due.allow), 'allow is not that proposed'],
      ['R1', record.unban.join() === due.unban.join(), 'unban is not that proposed'],
      // Nothing is left to differ but a field that somebody adds to records and forgets here.
      ['R1', sameBytes(EpochRecord.encode(record), EpochRecord.encode(due)), 'not the one record'],
    ])
  )
}

/** R3-R6, R8, R9 (03 §1.3): whom an epoch may have after its base. */
export function brokenRoster(base: Base, roster: Roster): BrokenRule | undefined {
  const { members, t, params } = roster
  const stayed = members.filter(({ index }) => index < base.nextIndex)
  const newcomers = members.filter(({ index }) => index >= base.nextIndex)
  const left = base.members.length - stayed.length
  const most = { leaves: maxLeaves(base.members.length, base.t), joins: maxJoins(t) }
  const threshold = thresholdReason(members.length, t, params.maxMembers)
  const shared = sharedName(members)
  const strange = members.find(
    ({ measurement }) => !roster.allow.some((allowed) => sameBytes(allowed, measurement)),
  )
  return firstBroken([
    ...survivorDemands(base, roster, stayed),
    ...newcomerDemands(base, roster, newcomers),
    ['R4', threshold === undefined, threshold ?? ''],
    ['R4', params.t === t, 'params has another t'],
    ['R5', left <= most.leaves, `${left} leave, where at most ${most.leaves} may`],
    ['R6', newcomers.length <= most.joins, `${newcomers.length} join, at most ${most.joins} may`],
    ['R8', roster.allow.length <= MAX_ALLOWED, `more than ${MAX_ALLOWED} bundles`],
    ['R8', strange === undefined, `the measurement of member ${strange?.index} is not allowed`],
    ['R9', shared === undefined, `two members have the same ${shared}`],
    ...refreshDemands(base, roster),
  ])
}

/** Nobody that stays is anybody else; only an update changes what is not an identity. */
function survivorDemands(base: Base, { kind }: Roster, stayed: readonly Member[]): Demand[] {
  return stayed.flatMap((member): Demand[] => {
    const before = base.members.find(({ index }) => index === member.index)
    const named = `member ${member.index}`
    if (before === undefined) return [['R3', false, `${named} has an index that was given before`]]
    return [
      ['R3', sameIdentity(before, member), `${named} has other keys than before`],
      [
        'R3',
        kind === EPOCH_KINDS.change || sameMembers([before], [member]),
        `${named} is changed by an epoch that changes nobody`,
      ],
    ]
  })
}

/** Newcomers get the next indices, in order of guestSig. */
const newcomerDemands = (
  base: Base,
  { nextIndex }: Roster,
  newcomers: readonly Member[],
): Demand[] => [
  [
    'R3',
    newcomers.every(({ index }, position) => index === base.nextIndex + position),
    'newcomers have not the next indices',
  ],
  [
    'R3',
    newcomers.every(
      ({ guestSig }, i) =>
        i === 0 || compareBytes(newcomers[i - 1]?.guestSig ?? guestSig, guestSig) <= 0,
    ),
    'newcomers are not in order of guestSig',
  ],
  ['R3', nextIndex === base.nextIndex + newcomers.length, 'nextIndex is not above all indices'],
  ['R3', nextIndex <= MAX_INDEX, 'no index is left'],
]

/** A refresh, like the genesis epoch, keeps everything: nobody needs to look at it. */
function refreshDemands(base: Base, { kind, members, t, allow, params }: Roster): Demand[] {
  if (kind === EPOCH_KINDS.change) return []
  const kept =
    members.length === base.members.length &&
    t === base.t &&
    sameHashes(allow, base.allow) &&
    sameParams({ params }, base)
  return [['R1', kept, 'an epoch that changes nobody has other members or terms']]
}

const kindFits = (isFirst: boolean, kind: number): boolean =>
  isFirst
    ? kind === EPOCH_KINDS.genesis
    : kind === EPOCH_KINDS.change || kind === EPOCH_KINDS.refresh

const sameIdentity = (a: Member, b: Member): boolean =>
  sameBytes(a.guestSig, b.guestSig) &&
  sameBytes(a.guestEnc, b.guestEnc) &&
  sameBytes(a.operatorKey, b.operatorKey)

const sameMembers = (a: readonly Member[], b: readonly Member[]): boolean =>
  sameBytes(encodeCanonical(a.map(Member.write)), encodeCanonical(b.map(Member.write)))

const sameParams = (a: { readonly params: Params }, b: { readonly params: Params }): boolean =>
  sameBytes(Params.encode(a.params), Params.encode(b.params))

const sameHashes = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  sameBytes(encodeCanonical(a), encodeCanonical(b))

function isPoint(key: Uint8Array): boolean {
  try {
    secp256k1.Point.fromBytes(key)
    return true
  } catch {
    return false // not the encoding of a point
  }
}
