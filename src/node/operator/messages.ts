import { z } from 'zod'

/**
 * What an operator's tools and the own node say to each other over `host/operator.sock` (03 §12): one JSON object in
 * a line, bytes as lower-case hex. Everything is bounded; both sides hold every line to these shapes.
 */

/** A page of history holds 16 certificates of 64 KiB, each twice as long in hex, and what stands around them. */
export const MAX_LINE_BYTES: number = 4 * 1024 * 1024
/** Epochs in one page of history. */
export const HISTORY_PAGE = 16

const MAX_MEMBERS = 16 // 03 §1.2
const MAX_PROPOSALS = 128 // 8 of each of 16 members (03 §4.1 S1)
const MAX_TEXT = 512
const MAX_ALERTS = 128 // a few of each kind and member

const hexOf = (min: number, max: number = min): z.ZodType<string> =>
  z
    .string()
    .max(2 * max)
    .regex(/^([0-9a-f]{2})*$/, 'is not lower-case hex')
    .refine((text) => text.length >= 2 * min, `has not ${min} bytes`)
const hash: z.ZodType<string> = hexOf(32)
const signature: z.ZodType<string> = hexOf(64)
const index = z.int().min(1).max(0xffff)
const ordinal = z.int().nonnegative()
const time = z.int().nonnegative() // unix ms
const text = z.string().max(MAX_TEXT)
const indices = z.array(index).max(2 * MAX_MEMBERS)

const KIB = 1024
const record: z.ZodType<string> = hexOf(1, 64 * KIB)
const signedJoin: z.ZodType<string> = hexOf(1, 41 * KIB)
const signedProposal: z.ZodType<string> = hexOf(1, 17 * KIB)
const certificate: z.ZodType<string> = hexOf(1, 65 * KIB)

/** One attempt at an epoch: its number and that of the epoch. */
const epochName = z.strictObject({ e: ordinal, k: ordinal })

/** What wants an operator, and what to do about it (03 §7, §12). */
export interface Alert {
  /** The same while the same thing lasts. */
  readonly id: string
  /** `page`: wake somebody up. */
  readonly severity: 'page' | 'warn'
  readonly message: string
  /** A command, or what to do instead of one. */
  readonly todo: string
  /** When it was first seen, unix ms. */
  readonly since: number
}

const ALERT: z.ZodType<Alert> = z.strictObject({
  id: z.string().max(128),
  severity: z.enum(['page', 'warn']),
  message: text,
  todo: text,
  since: time,
})

/** A member as this node sees it. */
export interface MemberView {
  readonly index: number
  readonly guestSig: string
  readonly label: string
  /** How long its link is down, ms; 0 while it is up, and of oneself; null: nobody looked yet. */
  readonly silentMs: number | null
  /** As most of the others see it (03 §9.4). */
  readonly contributing: boolean
}

const MEMBER: z.ZodType<MemberView> = z.strictObject({
  index,
  guestSig: hash,
  label: z.string().max(64),
  silentMs: ordinal.nullable(),
  contributing: z.boolean(),
})

/** A proposal that is open; `proposal` gives what it says. */
export interface ProposalView {
  readonly hash: string
  /** 1 change, 2 refresh (03 §1.2). */
  readonly kind: number
  readonly proposer: number
  readonly expiresAt: number
  readonly yes: readonly number[]
  readonly no: readonly number[]
}

const PROPOSAL: z.ZodType<ProposalView> = z.strictObject({
  hash,
  kind: ordinal,
  proposer: index,
  expiresAt: time,
  yes: indices,
  no: indices,
})

/** The attempt that runs (03 §4.1). */
export interface AttemptView {
  readonly e: number
  readonly k: number
  readonly proposalHash: string
  /** One word, such as `reshare`. */
  readonly step: string
  readonly initiator: number
  readonly deadline: number
  /** Round of the decision; 0 before it began. */
  readonly round: number
  /** Whose READY is missing. */
  readonly missing: readonly number[]
  /** Since when this node has signed READY and knows no decision (03 §4.2); null: it is not in doubt. */
  readonly inDoubtSince: number | null
}

const ATTEMPT: z.ZodType<AttemptView> = z.strictObject({
  e: ordinal,
  k: ordinal,
  proposalHash: hash,
  step: z.string().max(24),
  initiator: index,
  deadline: time,
  round: ordinal,
  missing: indices,
  inDoubtSince: time.nullable(),
})

/** An attempt that came to nothing. */
export interface AbortView {
  readonly at: number
  readonly e: number
  readonly k: number
  readonly blamed: readonly number[]
}

const ABORT: z.ZodType<AbortView> = z.strictObject({
  at: time,
  e: ordinal,
  k: ordinal,
  blamed: indices,
})

/** Who signed that it erased its shares of an epoch that ended, and who did not yet (03 §4.1 S12). */
export interface ReceiptsView {
  readonly e: number
  readonly have: readonly number[]
  readonly missing: readonly number[]
}

const RECEIPTS: z.ZodType<ReceiptsView> = z.strictObject({
  e: ordinal,
  have: indices,
  missing: indices,
})

/** `asking`: whether it is current is not known yet, so it promises nothing (03 §9.4). */
export type Standing = 'genesis' | 'joining' | 'asking' | 'member' | 'stopped' | 'left'
const STANDINGS: readonly Standing[] = ['genesis', 'joining', 'asking', 'member', 'stopped', 'left']

/** What the own node knows of its committee. */
export interface OperatorStatus {
  readonly networkId: string
  readonly committeeId: string
  /** Own index; null: no member (yet, or any more). */
  readonly me: number | null
  readonly guestSig: string
  readonly standing: Standing
  readonly environment: 'development' | 'production'
  /** The newest epoch that is decided; null before the first. */
  readonly epoch: { readonly e: number; readonly k: number } | null
  /** Its record, encoded (03 §1.2); null before the first epoch. */
  readonly record: string | null
  /** What proposals rest on: the record's hash, or the network id before the first epoch. */
  readonly baseHash: string
  readonly t: number
  /** Answers that a proposal needs. */
  readonly q: number
  /** No vote until it was READY in an attempt above this one (03 §9.4). */
  readonly quarantine: { readonly e: number; readonly k: number } | null
  readonly members: readonly MemberView[]
  /** Signed joins that came to this node and that nobody has proposed yet. */
  readonly joins: readonly string[]
  readonly proposals: readonly ProposalView[]
  readonly attempt: AttemptView | null
  /** Since this node started, the last ones, oldest first. */
  readonly aborts: readonly AbortView[]
  readonly receipts: readonly ReceiptsView[]
  readonly stampUntil: number | null
  readonly alerts: readonly Alert[]
}

export const OPERATOR_STATUS: z.ZodType<OperatorStatus> = z.strictObject({
  networkId: hash,
  committeeId: hash,
  me: index.nullable(),
  guestSig: hash,
  standing: z.enum(STANDINGS),
  environment: z.enum(['development', 'production']),
  epoch: epochName.nullable(),
  record: record.nullable(),
  baseHash: hash,
  t: z.int().min(1).max(MAX_MEMBERS),
  q: z.int().min(1).max(MAX_MEMBERS),
  quarantine: epochName.nullable(),
  members: z.array(MEMBER).max(2 * MAX_MEMBERS),
  joins: z.array(signedJoin).max(MAX_MEMBERS),
  proposals: z.array(PROPOSAL).max(MAX_PROPOSALS),
  attempt: ATTEMPT.nullable(),
  aborts: z.array(ABORT).max(64),
  receipts: z.array(RECEIPTS).max(64),
  stampUntil: time.nullable(),
  alerts: z.array(ALERT).max(MAX_ALERTS),
})

/** What an operator has to read before the answer (03 §4.1 S2). */
export interface ProposalText {
  /** The signed proposal, encoded; null: there is none of this hash. */
  readonly proposal: string | null
  /** The signed joins that it names. */
  readonly joins: readonly string[]
  /** `seq` that the next answer of this node will have: the operator signs it too. */
  readonly seq: number
}

/** A change that the operator wants proposed; the guest adds committee, base, its own index and a nonce. */
export interface Wish {
  /** 1 change, 2 refresh (03 §1.2). */
  readonly kind: 1 | 2
  /** Signed joins, encoded. */
  readonly joins: readonly string[]
  readonly leaves: readonly { readonly index: number; readonly reason: 0 | 1 | 2 }[]
  readonly t: number
  /** Parameters of the next epoch, encoded; null: those of the base with this t. */
  readonly params: string | null
  readonly allowAdd: readonly string[]
  readonly allowDrop: readonly string[]
  readonly unban: readonly (readonly [number, number])[]
  /** Unix ms. */
  readonly expiresAt: number
}

const WISH: z.ZodType<Wish> = z.strictObject({
  kind: z.union([z.literal(1), z.literal(2)]),
  joins: z.array(signedJoin).max(MAX_MEMBERS),
  leaves: z
    .array(z.strictObject({ index, reason: z.union([z.literal(0), z.literal(1), z.literal(2)]) }))
    .max(MAX_MEMBERS),
  t: z.int().min(1).max(MAX_MEMBERS),
  params: hexOf(1, KIB).nullable(),
  allowAdd: z.array(hash).max(64),
  allowDrop: z.array(hash).max(64),
  unban: z.array(z.tuple([index, index])).max((MAX_MEMBERS * (MAX_MEMBERS - 1)) / 2),
  expiresAt: time,
})

/** The operator's yes or no. */
export interface OperatorAnswer {
  readonly proposalHash: string
  readonly yes: boolean
  /** As `nextAnswer` said when the operator signed; another one is refused. */
  readonly seq: number
  /** Over the answer with null in its place (03 §1.1); null where none is needed. */
  readonly operatorSig: string | null
}

/** Decided epochs, as their certificates show them. */
export interface HistoryPage {
  /** The epoch certificates, encoded, one after the other from the epoch asked for. */
  readonly certs: readonly string[]
  /** The first epoch of the next page; null: there is none. */
  readonly next: number | null
}

/** What a candidate's operator says of itself in the join that its guest signs (03 §1.2). */
export interface JoinWish {
  readonly operatorKey: string
  readonly label: string
  /** Unix ms. */
  readonly expiresAt: number
}

/** The wish of a member to go, with what the epoch without it is to be. */
export interface LeaveWish {
  /** The `leave` with the operator's signature, encoded. */
  readonly leave: string
  readonly t: number
  /** Unix ms. */
  readonly expiresAt: number
}

/** What a backup is of (04 §10). */
export interface BackupHead {
  readonly networkId: string
  readonly guestSig: string
  readonly index: number
  readonly label: string
  readonly epoch: { readonly e: number; readonly k: number }
  readonly recordHash: string
}

export const BACKUP_HEAD: z.ZodType<BackupHead> = z.strictObject({
  networkId: hash,
  guestSig: hash,
  index,
  label: z.string().max(64),
  epoch: epochName,
  recordHash: hash,
})

/** Sealed records, as they lie on the disk: names and bytes. */
export interface BackupPage {
  readonly records: readonly (readonly [name: string, sealed: string])[]
  readonly more: boolean
}

type None = Record<string, never>
type Done = { readonly done: true }
type Proposed = { readonly proposalHash: string }

/** Each method: what it takes and what it gives. */
export interface Calls {
  readonly status: { readonly params: None; readonly result: OperatorStatus }
  readonly alerts: { readonly params: None; readonly result: { readonly alerts: readonly Alert[] } }
  readonly propose: { readonly params: Wish; readonly result: Proposed }
  readonly answer: { readonly params: OperatorAnswer; readonly result: Done }
  readonly proposal: { readonly params: Proposed; readonly result: ProposalText }
  /** The guest proposes that it goes. */
  readonly leave: { readonly params: LeaveWish; readonly result: Proposed }
  /** The join that the guest of this node signed, without the operator's signature. */
  readonly 'join-draft': {
    readonly params: JoinWish
    readonly result: { readonly join: string; readonly guestSignature: string }
  }
  /** Gives members the join that both have signed. */
  readonly 'join-send': { readonly params: { readonly join: string }; readonly result: Done }
  readonly history: { readonly params: { readonly from: number }; readonly result: HistoryPage }
  /** Begins a backup on this connection: what it will be of. */
  readonly 'backup-open': { readonly params: None; readonly result: BackupHead }
  /** The next records of the backup that was begun. */
  readonly 'backup-next': { readonly params: None; readonly result: BackupPage }
  /** Hears nothing of these peers and says nothing to them, until told otherwise; development networks only. */
  readonly partition: {
    readonly params: { readonly from: readonly string[] }
    readonly result: Done
  }
}

export type Method = keyof Calls
export type ParamsOf<M extends Method> = Calls[M]['params']
export type ResultOf<M extends Method> = Calls[M]['result']

const none: z.ZodType<None> = z.strictObject({})
const done: z.ZodType<Done> = z.strictObject({ done: z.literal(true) })
const proposed: z.ZodType<Proposed> = z.strictObject({ proposalHash: hash })

/** The shapes of `Calls`: both sides hold what comes to them. */
export const METHODS: {
  readonly [M in Method]: {
    readonly params: z.ZodType<Calls[M]['params']>
    readonly result: z.ZodType<Calls[M]['result']>
  }
} = {
  status: { params: none, result: OPERATOR_STATUS },
  alerts: { params: none, result: z.strictObject({ alerts: z.array(ALERT).max(MAX_ALERTS) }) },
  propose: { params: WISH, result: proposed },
  answer: {
    params: z.strictObject({
      proposalHash: hash,
      yes: z.boolean(),
      seq: ordinal,
      operatorSig: signature.nullable(),
    }),
    result: done,
  },
  proposal: {
    params: proposed,
    result: z.strictObject({
      proposal: signedProposal.nullable(),
      joins: z.array(signedJoin).max(MAX_MEMBERS),
      seq: ordinal,
    }),
  },
  leave: {
    params: z.strictObject({
      leave: hexOf(1, KIB),
      t: z.int().min(1).max(MAX_MEMBERS),
      expiresAt: time,
    }),
    result: proposed,
  },
  'join-draft': {
    params: z.strictObject({ operatorKey: hash, label: z.string().max(64), expiresAt: time }),
    result: z.strictObject({ join: hexOf(1, 40 * KIB), guestSignature: signature }),
  },
  'join-send': { params: z.strictObject({ join: signedJoin }), result: done },
  history: {
    params: z.strictObject({ from: ordinal }),
    result: z.strictObject({
      certs: z.array(certificate).max(HISTORY_PAGE),
      next: ordinal.nullable(),
    }),
  },
  'backup-open': { params: none, result: BACKUP_HEAD },
  'backup-next': {
    params: none,
    result: z.strictObject({
      records: z.array(z.tuple([z.string().max(64), hexOf(0, KIB * KIB + 64 * KIB)])).max(256),
      more: z.boolean(),
    }),
  },
  partition: {
    params: z.strictObject({ from: z.array(z.string().max(128)).max(64) }),
    result: done,
  },
}

/** `refused`: trying again changes nothing. `waiting`: not yet. `operators`: others must act. `failed`: a defect. */
export type OperatorErrorCode = 'refused' | 'waiting' | 'operators' | 'failed'
const OPERATOR_ERRORS: readonly OperatorErrorCode[] = ['refused', 'waiting', 'operators', 'failed']

/** What the node answers instead of a result: what happened and what to do. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly code: OperatorErrorCode
  readonly hint: string | undefined

  constructor(code: OperatorErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.hint = hint
  }
}

export const REQUEST: z.ZodType<{ id: number; method: Method; params: unknown }> = z.strictObject({
  id: ordinal,
  method: z.enum(Object.keys(METHODS) as [Method, ...Method[]]),
  params: z.unknown(),
})

export const REPLY: z.ZodType<
  | { id: number; result: unknown }
  | { id: number; error: { code: OperatorErrorCode; message: string; hint?: string } }
> = z.union([
  z.strictObject({ id: ordinal, result: z.unknown() }),
  z.strictObject({
    id: ordinal,
    error: z.strictObject({
      code: z.enum(OPERATOR_ERRORS),
      message: z.string().max(8 * KIB),
      hint: text.exactOptional(),
    }),
  }),
])
