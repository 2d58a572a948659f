import type { Codec } from '../../protocols/session/codec.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { PAYLOAD_LIMITS, PORT_TYPES } from './messages.ts'
import { PortError } from './port.ts'
import {
  bytes,
  choice,
  flag,
  list,
  nullable,
  object,
  oneOf,
  pair,
  payload,
  type Shape,
  text,
  uint,
} from './shape.ts'

/** Messages of frame type 4 (04 §2). Objects of 03 §1.2 cross as their bytes: each side decodes them with the codec of the object. */

const KIB = 1024
const LIMIT: number = PAYLOAD_LIMITS[PORT_TYPES.committee] ?? 0
/** A letter: at most 48 KiB of a body, its head and its signature. */
export const MAX_LETTER_BYTES: number = 52 * KIB
const MAX_CERT_BYTES: number = 64 * KIB // epochCert and published (03 §1.1)
const MAX_JOIN_BYTES: number = 41 * KIB // a signed join (03 §1.1)
const MAX_OBJECT_BYTES: number = 17 * KIB // any other signed object (03 §1.1)
const MAX_EVIDENCE_BYTES: number = 32 * KIB
const MAX_MEMBERS = 16 // maxMembers of 03 §1.2
const MAX_OTHERS = 128 // leavers of epochs that end, newcomers of attempts, joiners; of open proposals there may be more
const MAX_PROPOSALS = 128 // eight of each member (03 §4.1 S1)
const MAX_ALLOWED = 64 // bundle hashes (03 §1.1)
const MAX_PAIRS = 120 // (03 §1.1)
const MAX_ALERTS = 64 // the oldest go first
const MAX_REASONS = 8 // for people: the first say enough, and 64 alerts fit a payload
const MAX_REASON_CHARS = 160
const MAX_PEER_ID = 128
const MAX_LABEL = 64
const MAX_STEP = 24
const U16 = 0xffff

/**
 * A payload of this type. What others may make long is cut to what is told before it is held to its shape, and what is
 * too large in all throws `PortError` TOO_LARGE: sent, it would end the guest or this host's patience with it.
 */
function bounded<T>(shape: Shape<T>, cut: (value: T) => T = (value) => value): Codec<T> {
  const whole = payload<T>(LIMIT, shape)
  return {
    encode: (value) => {
      const encoded = whole.encode(cut(value))
      if (encoded.length > LIMIT) throw new PortError('TOO_LARGE')
      return encoded
    },
    decode: (encoded) => whole.decode(encoded),
  }
}

/** Texts come from rules and from other members: the first of them, and the beginning of each. */
const cutReasons = (reasons: readonly string[]): string[] =>
  reasons.slice(0, MAX_REASONS).map((reason) => reason.slice(0, MAX_REASON_CHARS))

const b32: Shape<Uint8Array> = bytes(32, 32)
const b64: Shape<Uint8Array> = bytes(64, 64)
const index: Shape<PartyIndex> = uint(U16, 1)
const indices: Shape<PartyIndex[]> = list(index, MAX_MEMBERS)
const reasons: Shape<string[]> = list(text(MAX_REASON_CHARS), MAX_REASONS)
const certificate: Shape<Uint8Array> = bytes(MAX_CERT_BYTES, 1)
const signedJoin: Shape<Uint8Array> = bytes(MAX_JOIN_BYTES, 1)

/** An epoch, and the attempt that made it. */
export interface EpochName {
  readonly e: number
  /** From 1. */
  readonly k: number
}
const epochName: Shape<EpochName> = object<EpochName>({ e: uint(U16), k: uint(U16, 1) })

// ---- what the guest tells, one-way ----

export interface ViewMember {
  /** 0: a joiner that has none yet. */
  readonly index: number
  readonly guestSig: Uint8Array
  readonly peerId: string
  readonly label: string
}

/** Where a guest stands: `genesis` waits for epoch 0, `joining` is in no committee yet, `asking` asks what it missed (03 §9.4). */
export type Standing = 'genesis' | 'joining' | 'asking' | 'member' | 'stopped' | 'left'

/** Whom the host must know and link, and what serves. */
export interface CommitteeView {
  /** The epoch that serves; null: the members are those of the genesis file. */
  readonly epoch: EpochName | null
  readonly epochId: Uint8Array
  readonly t: number
  /** Members of the epoch that serves. */
  readonly members: readonly ViewMember[]
  /** Everybody else who takes part in something: members of epochs that end, of attempts that run, joiners. */
  readonly others: readonly ViewMember[]
  readonly standing: Standing
}

/** What an operator is shown. The guest that says it keeps the last ones: see `alerts`. */
export type CommitteeNotice =
  | { readonly about: 'refused'; readonly reasons: readonly string[] }
  | { readonly about: 'preflight'; readonly k: number; readonly reasons: readonly string[] }
  | { readonly about: 'evidence'; readonly of: number; readonly what: 'two-starts' | 'two-votes' }
  | { readonly about: 'clone'; readonly of: number }
  | { readonly about: 'fork'; readonly e: number }
  | { readonly about: 'shareless'; readonly e: number }
  | {
      readonly about: 'aborted'
      readonly e: number
      readonly k: number
      readonly blamed: readonly number[]
    }
  | { readonly about: 'quarantine'; readonly e: number; readonly k: number }
  | { readonly about: 'active'; readonly e: number; readonly k: number }
  | { readonly about: 'receipts'; readonly e: number; readonly of: number }
  /** The operator has to say yes or no: `proposal`, then `answer`. */
  | { readonly about: 'consult'; readonly proposalHash: Uint8Array }

export type CommitteeTell =
  /** To the guest with this signing key; one-way, may be lost. */
  | { readonly op: 'letter'; readonly to: Uint8Array; readonly bytes: Uint8Array }
  | { readonly op: 'view'; readonly view: CommitteeView }
  /** Bytes of `published` (03 §1.2), for the directory and for strangers. */
  | { readonly op: 'publish'; readonly committee: Uint8Array }
  | { readonly op: 'notice'; readonly notice: CommitteeNotice }

const member: Shape<ViewMember> = object<ViewMember>({
  index: uint(U16),
  guestSig: b32,
  peerId: text(MAX_PEER_ID),
  label: text(MAX_LABEL),
})
const standing: Shape<Standing> = oneOf<Standing>(
  'genesis',
  'joining',
  'asking',
  'member',
  'stopped',
  'left',
)
const view: Shape<CommitteeView> = object<CommitteeView>({
  epoch: nullable(epochName),
  epochId: b32,
  t: uint(MAX_MEMBERS, 1),
  members: list(member, MAX_MEMBERS),
  others: list(member, MAX_OTHERS),
  standing,
})

type NoticeAbout<A extends CommitteeNotice['about']> = Extract<CommitteeNotice, { about: A }>
const notice: Shape<CommitteeNotice> = choice<CommitteeNotice>('about', {
  refused: object<NoticeAbout<'refused'>>({ about: oneOf('refused'), reasons }),
  preflight: object<NoticeAbout<'preflight'>>({ about: oneOf('preflight'), k: uint(), reasons }),
  evidence: object<NoticeAbout<'evidence'>>({
    about: oneOf('evidence'),
    of: index,
    what: oneOf('two-starts', 'two-votes'),
  }),
  clone: object<NoticeAbout<'clone'>>({ about: oneOf('clone'), of: index }),
  fork: object<NoticeAbout<'fork'>>({ about: oneOf('fork'), e: uint() }),
  shareless: object<NoticeAbout<'shareless'>>({ about: oneOf('shareless'), e: uint() }),
  aborted: object<NoticeAbout<'aborted'>>({
    about: oneOf('aborted'),
    e: uint(),
    k: uint(),
    blamed: indices,
  }),
  quarantine: object<NoticeAbout<'quarantine'>>({
    about: oneOf('quarantine'),
    e: uint(),
    k: uint(),
  }),
  active: object<NoticeAbout<'active'>>({ about: oneOf('active'), e: uint(), k: uint() }),
  receipts: object<NoticeAbout<'receipts'>>({ about: oneOf('receipts'), e: uint(), of: uint() }),
  consult: object<NoticeAbout<'consult'>>({ about: oneOf('consult'), proposalHash: b32 }),
})

function cutTell(told: CommitteeTell): CommitteeTell {
  if (told.op === 'notice') return { ...told, notice: cutNotice(told.notice) }
  if (told.op !== 'view') return told
  return { ...told, view: { ...told.view, others: told.view.others.slice(0, MAX_OTHERS) } }
}

const cutNotice = (told: CommitteeNotice): CommitteeNotice =>
  'reasons' in told ? { ...told, reasons: cutReasons(told.reasons) } : told

export const committeeTell: Codec<CommitteeTell> = bounded(
  choice<CommitteeTell>('op', {
    letter: object<Extract<CommitteeTell, { op: 'letter' }>>({
      op: oneOf('letter'),
      to: b32,
      bytes: bytes(MAX_LETTER_BYTES, 1),
    }),
    view: object<Extract<CommitteeTell, { op: 'view' }>>({ op: oneOf('view'), view }),
    publish: object<Extract<CommitteeTell, { op: 'publish' }>>({
      op: oneOf('publish'),
      committee: certificate,
    }),
    notice: object<Extract<CommitteeTell, { op: 'notice' }>>({ op: oneOf('notice'), notice }),
  }),
  cutTell,
)

// ---- what the host tells and asks ----

/** What an operator wants of the next epoch; the guest adds committee, base, its index and a nonce, and signs (03 §1.2 `proposal`). */
export interface WantedChange {
  /** 1 change, 2 refresh. */
  readonly kind: 1 | 2
  /** Signed joins, at most as many as fit a payload. */
  readonly joins: readonly Uint8Array[]
  /** Index and reason: 0 own wish, 1 removed, 2 removed for a fault. */
  readonly leaves: readonly (readonly [PartyIndex, number])[]
  readonly t: number
  /** Bytes of `params`, or null: as they are. */
  readonly params: Uint8Array | null
  readonly allowAdd: readonly Uint8Array[]
  readonly allowDrop: readonly Uint8Array[]
  readonly unban: readonly (readonly [PartyIndex, PartyIndex])[]
  /** Unix ms. */
  readonly expiresAt: number
}

/** What a guest is asked to say of itself; it adds its keys, network and committee, a nonce, and signs (03 §1.2 `join`). */
export interface JoinFields {
  readonly peerId: string
  readonly operatorKey: Uint8Array
  readonly label: string
  /** At most 32 KiB; empty where the platform has none. */
  readonly evidence: Uint8Array
  /** Unix ms. */
  readonly expiresAt: number
}

/** The operator's word on a proposal. `operatorSig` covers the answer with this `seq` and null in its place (03 §1.1). */
export interface OperatorAnswer {
  readonly proposalHash: Uint8Array
  readonly yes: boolean
  /** That of `proposal`: another one means that an answer was given in between. */
  readonly seq: number
  /** Null where no operator's signature is needed (03 §1.3). */
  readonly operatorSig: Uint8Array | null
}

/** Own wish to go: a proposal of this member with itself alone leaving. */
export interface LeaveWish {
  /** Bytes of the signed `leave` (03 §1.2), by the operator of this member. */
  readonly leave: Uint8Array
  /** Threshold of the epoch without it. */
  readonly t: number
  /** Unix ms. */
  readonly expiresAt: number
}

export type CommitteeAsk =
  /** One-way: whoever brought it proves nothing, the letter itself does. */
  | { readonly op: 'letter'; readonly bytes: Uint8Array }
  | { readonly op: 'epoch-status' }
  | { readonly op: 'proposal'; readonly proposalHash: Uint8Array }
  | { readonly op: 'propose'; readonly change: WantedChange }
  | ({ readonly op: 'answer' } & OperatorAnswer)
  | ({ readonly op: 'join' } & JoinFields)
  | ({ readonly op: 'leave' } & LeaveWish)
  /** The certificate of one epoch. */
  | { readonly op: 'history'; readonly e: number }
  /** A certificate that was fetched, the next of the chain; the guest verifies it. */
  | { readonly op: 'learn'; readonly cert: Uint8Array }
  | { readonly op: 'alerts' }

const hashes: Shape<Uint8Array[]> = list(b32, MAX_ALLOWED)
const time: Shape<number> = uint()
const change: Shape<WantedChange> = object<WantedChange>({
  kind: oneOf<1 | 2>(1, 2),
  joins: list(signedJoin, MAX_MEMBERS),
  leaves: list(pair(index, uint(2)), MAX_MEMBERS),
  t: uint(MAX_MEMBERS, 1),
  params: nullable(bytes(MAX_OBJECT_BYTES, 1)),
  allowAdd: hashes,
  allowDrop: hashes,
  unban: list(pair(index, index), MAX_PAIRS),
  expiresAt: time,
})
type AskOf<Op extends CommitteeAsk['op']> = Extract<CommitteeAsk, { op: Op }>

export const committeeAsk: Codec<CommitteeAsk> = bounded(
  choice<CommitteeAsk>('op', {
    letter: object<AskOf<'letter'>>({ op: oneOf('letter'), bytes: bytes(MAX_LETTER_BYTES, 1) }),
    'epoch-status': object<AskOf<'epoch-status'>>({ op: oneOf('epoch-status') }),
    proposal: object<AskOf<'proposal'>>({ op: oneOf('proposal'), proposalHash: b32 }),
    propose: object<AskOf<'propose'>>({ op: oneOf('propose'), change }),
    answer: object<AskOf<'answer'>>({
      op: oneOf('answer'),
      proposalHash: b32,
      yes: flag,
      seq: uint(),
      operatorSig: nullable(b64),
    }),
    join: object<AskOf<'join'>>({
      op: oneOf('join'),
      peerId: text(MAX_PEER_ID),
      operatorKey: b32,
      label: text(MAX_LABEL),
      evidence: bytes(MAX_EVIDENCE_BYTES),
      expiresAt: time,
    }),
    leave: object<AskOf<'leave'>>({
      op: oneOf('leave'),
      leave: bytes(MAX_OBJECT_BYTES, 1),
      t: uint(MAX_MEMBERS, 1),
      expiresAt: time,
    }),
    history: object<AskOf<'history'>>({ op: oneOf('history'), e: uint(U16) }),
    learn: object<AskOf<'learn'>>({ op: oneOf('learn'), cert: certificate }),
    alerts: object<AskOf<'alerts'>>({ op: oneOf('alerts') }),
  }),
)

// ---- what the guest answers; any of them may be an error code instead ----

/** An attempt that runs (03 §4.1). */
export interface AttemptStatus extends EpochName {
  readonly proposalHash: Uint8Array
  /** One word, such as `reshare`. */
  readonly step: string
  readonly initiator: PartyIndex
  /** Unix ms. */
  readonly deadline: number
  /** Round of the decision; 0 before it began. */
  readonly round: number
  /** Whose READY is missing. */
  readonly missing: readonly PartyIndex[]
  /** READY was signed, and no decision is known (03 §4.2). */
  readonly inDoubt: boolean
}

export interface ProposalStatus {
  readonly hash: Uint8Array
  readonly kind: number
  readonly proposer: PartyIndex
  /** Unix ms. */
  readonly expiresAt: number
  readonly yes: readonly PartyIndex[]
  readonly no: readonly PartyIndex[]
}

export interface EpochStatus {
  readonly standing: Standing
  /** The newest that is decided; null before epoch 0. */
  readonly epoch: EpochName | null
  /** recordHash of it; networkId before epoch 0. */
  readonly baseHash: Uint8Array
  readonly committeeId: Uint8Array
  /** Own index; null while it has none. */
  readonly index: PartyIndex | null
  readonly t: number
  /** Answers that a proposal needs. */
  readonly q: number
  readonly members: readonly ViewMember[]
  readonly attempt: AttemptStatus | null
  readonly proposals: readonly ProposalStatus[]
  /** Epochs that ended, newest last: who signed that it erased its shares of them, and who did not yet. */
  readonly receipts: readonly {
    readonly e: number
    readonly have: readonly PartyIndex[]
    readonly missing: readonly PartyIndex[]
  }[]
  /** Members that contribute, as most of the others see it (03 §9.4). */
  readonly contributing: readonly PartyIndex[]
  /** Unix ms at which the newest stamp ends; null without one. */
  readonly stampUntil: number | null
  /** The store was rolled back: no votes until (e, k) (03 §9.4). */
  readonly quarantine: EpochName | null
}
const attemptStatus: Shape<AttemptStatus> = object<AttemptStatus>({
  e: uint(U16),
  k: uint(U16, 1),
  proposalHash: b32,
  step: text(MAX_STEP),
  initiator: index,
  deadline: time,
  round: uint(),
  missing: indices,
  inDoubt: flag,
})
export const epochStatusReply: Codec<EpochStatus> = bounded(
  object<EpochStatus>({
    standing,
    epoch: nullable(epochName),
    baseHash: b32,
    committeeId: b32,
    index: nullable(index),
    t: uint(MAX_MEMBERS, 1),
    q: uint(MAX_MEMBERS, 1),
    members: list(member, MAX_MEMBERS),
    attempt: nullable(attemptStatus),
    proposals: list(
      object<ProposalStatus>({
        hash: b32,
        kind: uint(3),
        proposer: index,
        expiresAt: time,
        yes: indices,
        no: indices,
      }),
      MAX_PROPOSALS,
    ),
    receipts: list(
      object<EpochStatus['receipts'][number]>({ e: uint(U16), have: indices, missing: indices }),
      MAX_ALERTS,
    ),
    contributing: indices,
    stampUntil: nullable(time),
    quarantine: nullable(epochName),
  }),
)

/** What an operator has to read before the answer. */
export interface ProposalReply {
  /** Bytes of the signed proposal; null when there is none of this hash. */
  readonly proposal: Uint8Array | null
  readonly joins: readonly Uint8Array[]
  /** `seq` of the next answer of this member. */
  readonly seq: number
}
export const proposalReply: Codec<ProposalReply> = bounded(
  object<ProposalReply>({
    proposal: nullable(bytes(MAX_OBJECT_BYTES, 1)),
    joins: list(signedJoin, MAX_MEMBERS),
    seq: uint(),
  }),
)

/** Of `propose` and `leave`: the proposal, or why there is none. */
export interface ProposeReply {
  readonly proposalHash: Uint8Array | null
  readonly reasons: readonly string[]
}
export const proposeReply: Codec<ProposeReply> = bounded(
  object<ProposeReply>({ proposalHash: nullable(b32), reasons }),
  (reply) => ({ ...reply, reasons: cutReasons(reply.reasons) }),
)

/** A join without the operator's signature, which is made elsewhere. */
export interface JoinReply {
  readonly object: Uint8Array
  readonly guestSignature: Uint8Array
}
export const joinReply: Codec<JoinReply> = bounded(
  object<JoinReply>({ object: signedJoin, guestSignature: b64 }),
)

export interface HistoryReply {
  /** Bytes of `epochCert`; null for an epoch that is not known. */
  readonly cert: Uint8Array | null
}
export const historyReply: Codec<HistoryReply> = bounded(
  object<HistoryReply>({ cert: nullable(certificate) }),
)

/** `next`: the chain is one longer. `known`: nothing new. */
export interface LearnReply {
  readonly learnt: 'next' | 'known' | 'refused' | 'fork'
}
export const learnReply: Codec<LearnReply> = bounded(
  object<LearnReply>({ learnt: oneOf('next', 'known', 'refused', 'fork') }),
)

/** Notices since the start of the guest, oldest first. */
export interface AlertsReply {
  readonly alerts: readonly { readonly at: number; readonly notice: CommitteeNotice }[]
}
export const alertsReply: Codec<AlertsReply> = bounded(
  object<AlertsReply>({
    alerts: list(object<AlertsReply['alerts'][number]>({ at: time, notice }), MAX_ALERTS),
  }),
  ({ alerts }) => ({
    alerts: alerts
      .slice(-MAX_ALERTS)
      .map(({ at, notice: told }) => ({ at, notice: cutNotice(told) })),
  }),
)
