import { type Codec, DecodeError } from '../../protocols/session/codec.ts'
import type { FaultKind, PartyIndex } from '../../protocols/session/faults.ts'
import { type EnvelopeFrame, envelopeCodec, type Priority } from './envelope-frame.ts'
import { type GuestSettings, guestSettings } from './guest-settings.ts'
import { type PhaseTimes, phaseTimes } from './phases.ts'
import {
  bytes,
  choice,
  flag,
  type JsonValue,
  json,
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

export type { EnvelopeFrame, Priority } from './envelope-frame.ts'
export type { JsonValue } from './shape.ts'

/** Types of frames (04 §2). 6 and 7 are reserved: nothing sends or takes them yet. The messages of type 4: committee-messages.ts. */
export const PORT_TYPES = {
  hello: 1,
  envelope: 2,
  rpc: 3,
  committee: 4,
  store: 5,
  tunnel: 6,
  quote: 7,
  command: 8,
  event: 9,
} as const

export type PortType = (typeof PORT_TYPES)[keyof typeof PORT_TYPES]

/** Reasons beside the numbers: 04 §2. A payload above its limit is a violation, whatever is in it. */
const KIB = 1024
export const MAX_GENESIS_BYTES: number = 64 * KIB // 03 §1.1
export const MAX_ENVELOPE_BYTES: number = 1_048_576 + 40 // the largest padding class, header and tag
export const MAX_REQUEST_BYTES: number = 600 * KIB
export const MAX_RECORD_BYTES: number = 512 * KIB // 04 §6
export const MAX_STORE_ROWS = 256
export const MAX_STORE_BYTES: number = 1024 * KIB
export const MAX_PARTIES = 16 // maxMembers of 03 §1.2
const MAX_LINKED = 48 // members of an epoch that ends, of the one that serves and of an attempt
const MAX_INDEX = 0xffff
const MAX_NAME = 128 // of a record; ours have 45 characters
const MAX_PEER_ID = 64
const MAX_MULTIADDR = 256
const MAX_CODE = 48
const MAX_MESSAGE = 400 // of an error a caller may be told

/** Largest payload of each type, in either direction. Types that are absent are not accepted. */
export const PAYLOAD_LIMITS: Readonly<Record<number, number>> = {
  [PORT_TYPES.hello]: 128 * KIB, // a genesis file and a few fields
  [PORT_TYPES.envelope]: 1_114_112,
  [PORT_TYPES.rpc]: MAX_REQUEST_BYTES + 4 * KIB, // the fields around a request
  [PORT_TYPES.committee]: 128 * KIB, // a certificate, or a proposal with two joins that bring evidence
  [PORT_TYPES.store]: MAX_STORE_BYTES + 64 * KIB, // 256 names and their framing
  [PORT_TYPES.command]: 64 * KIB,
  [PORT_TYPES.event]: KIB,
}
const limitOf = (type: PortType): number => PAYLOAD_LIMITS[type] ?? 0

const b32: Shape<Uint8Array> = bytes(32, 32)
const index: Shape<PartyIndex> = uint(MAX_INDEX, 1)
const indices: Shape<PartyIndex[]> = list(index, MAX_PARTIES)
const code: Shape<string> = text(MAX_CODE)
const done: Shape<{ readonly ok: true }> = object<{ readonly ok: true }>({ ok: oneOf(true) })

// ---- 01 hello: the first frame of each side, once, one-way ----

export interface HelloToGuest {
  readonly v: 1
  /** Canonical bytes of the genesis file; null before the network exists. */
  readonly genesis: Uint8Array | null
  /** SHA-256 of the bundle that the launcher started. */
  readonly bundle: Uint8Array
  readonly launcher: 'plain'
  readonly kernel: 'reference' | 'wasm'
  readonly peerId: string
  readonly settings: GuestSettings
  /** The operator knows that the records were rolled back: begin in quarantine (03 §9.4). */
  readonly isRejoining: boolean
}
export const helloToGuest: Codec<HelloToGuest> = payload(
  limitOf(PORT_TYPES.hello),
  object<HelloToGuest>({
    v: oneOf(1),
    genesis: nullable(bytes(MAX_GENESIS_BYTES, 1)),
    bundle: b32,
    launcher: oneOf('plain'),
    kernel: oneOf('reference', 'wasm'),
    peerId: text(MAX_PEER_ID),
    settings: guestSettings,
    isRejoining: flag,
  }),
)

export interface HelloToHost {
  readonly v: 1
  /** null before the network exists. */
  readonly networkId: Uint8Array | null
  readonly guestSig: Uint8Array
  readonly guestEnc: Uint8Array
  /** Own party index; null before the network exists. */
  readonly index: PartyIndex | null
}
export const helloToHost: Codec<HelloToHost> = payload(
  limitOf(PORT_TYPES.hello),
  object<HelloToHost>({
    v: oneOf(1),
    networkId: nullable(b32),
    guestSig: b32,
    guestEnc: b32,
    index: nullable(index),
  }),
)

// ---- 02 envelope: both ways, one-way; what the host could not carry it tells with the command `unsent` ----

/** Envelopes that may wait in the port: what one peer sends more is not read, what the guest sends more waits. */
export const WAITING_ENVELOPE_BYTES: number = 1024 * KIB

export const envelopeFrame: Codec<EnvelopeFrame> = envelopeCodec(MAX_ENVELOPE_BYTES)

/** A reply that says no more than that it was done. */
export const doneReply: Codec<{ readonly ok: true }> = payload(KIB, done)

/** Any reply may be this instead: errors are codes, no text crosses. */
export interface ErrorReply {
  readonly error: string
}
export const errorReply: Codec<ErrorReply> = payload(KIB, object<ErrorReply>({ error: code }))

// ---- 03 rpc: the host asks ----

export interface LeadPlan {
  readonly attempt: number
  /** Ascending, own index included. */
  readonly signers: readonly PartyIndex[]
  readonly budgetMs: number
  /** Shorter ones, for attempts that need fewer rounds. */
  readonly budgets?: { readonly correlated: number; readonly presigned: number }
}

/**
 * What may follow a check at once: attempt 0 from a presignature, where the guest has one with members that can all
 * be reached, as its host sees it. It saves a request the way to the host and back.
 */
export interface LeadOffer extends Pick<LeadPlan, 'budgetMs' | 'budgets'> {
  /** Ascending, own index included. */
  readonly able: readonly PartyIndex[]
}

/** How a signature came about (02 §6). */
export type SignatureForm = 'full' | 'correlated' | 'presigned'
export type RpcAsk =
  | { readonly op: 'check'; readonly request: Uint8Array; readonly offer?: LeadOffer }
  | ({ readonly op: 'lead'; readonly request: Uint8Array } & LeadPlan)

const request: Shape<Uint8Array> = bytes(MAX_REQUEST_BYTES, 1)
const attempt: Shape<number> = uint(0xffff_ffff)
const MAX_BUDGET_MS = 600_000 // a key generation with the reference kernel stays far below
const budgetMs: Shape<number> = uint(MAX_BUDGET_MS)

const budgets: Shape<NonNullable<LeadPlan['budgets']>> = object<NonNullable<LeadPlan['budgets']>>({
  correlated: budgetMs,
  presigned: budgetMs,
})
const offer: Shape<LeadOffer> = object<LeadOffer>({ able: indices, budgetMs, budgets }, ['budgets'])

export const rpcAsk: Codec<RpcAsk> = payload(
  limitOf(PORT_TYPES.rpc),
  choice<RpcAsk>('op', {
    check: object<Extract<RpcAsk, { op: 'check' }>>({ op: oneOf('check'), request, offer }, [
      'offer',
    ]),
    lead: object<Extract<RpcAsk, { op: 'lead' }>>(
      {
        op: oneOf('lead'),
        request,
        attempt,
        signers: indices,
        budgetMs,
        budgets,
      },
      ['budgets'],
    ),
  }),
)

/** `id` is an error id of 05; `message` may be told to the caller. */
export interface RefusedReply {
  readonly kind: 'error'
  readonly id: string
  readonly message: string
}
export type CheckReply =
  | {
      readonly kind: 'sign' | 'keygen'
      readonly reqId: Uint8Array
      readonly accountId: Uint8Array | null
      /** Of a signature: whom a presignature of this guest for the account's key is with. */
      readonly signers?: readonly PartyIndex[] | null
      readonly phases?: PhaseTimes
    }
  /** It is good, and the offer was taken: how the attempt with these signers ended. */
  | {
      readonly kind: 'led'
      readonly reqId: Uint8Array
      readonly accountId: Uint8Array
      readonly signers: readonly PartyIndex[]
      readonly outcome: LeadReply
    }
  /** `signers`: who made a signature that this guest knows already. */
  | {
      readonly kind: 'done'
      readonly result: JsonValue
      readonly signers?: readonly PartyIndex[]
    }
  | RefusedReply

/** Why an attempt ended: a fault kind of 02 §12, or what happened before there was a session. */
export type LeadFault = FaultKind | 'not-yet' | 'unreachable' | 'overloaded' | 'busy' | 'aborted'
export interface LeadFailed {
  readonly kind: 'failed'
  readonly fault: LeadFault
  /** Whom the next attempt should do without. */
  readonly parties: readonly PartyIndex[]
  readonly retryAfterMs: number
  /** Error ids with which followers refused. */
  readonly ids: readonly string[]
}
export type LeadReply =
  | {
      readonly kind: 'done'
      readonly result: JsonValue
      readonly signers: readonly PartyIndex[]
      /** How a signature was made in this attempt; absent where it was known already. */
      readonly form?: SignatureForm
      readonly phases?: PhaseTimes
    }
  | RefusedReply
  | LeadFailed

const refused: Shape<RefusedReply> = object<RefusedReply>({
  kind: oneOf('error'),
  id: code,
  message: text(MAX_MESSAGE),
})
const work = <K extends 'sign' | 'keygen'>(kind: K): Shape<CheckReply> =>
  object<{
    kind: K
    reqId: Uint8Array
    accountId: Uint8Array | null
    signers?: readonly PartyIndex[] | null
    phases?: PhaseTimes
  }>(
    {
      kind: oneOf(kind),
      reqId: b32,
      accountId: nullable(bytes(16, 16)),
      signers: nullable(indices),
      phases: phaseTimes,
    },
    ['signers', 'phases'],
  )

const FAULTS: Readonly<Record<LeadFault, true>> = {
  timeout: true,
  cancelled: true,
  refused: true,
  malformed: true,
  commitment: true,
  proof: true,
  share: true,
  equivocation: true,
  binding: true,
  generation: true,
  'setup-missing': true,
  'corr-unknown': true,
  'presig-unknown': true,
  banned: true,
  pprf: true,
  cote: true,
  mu: true,
  check1: true,
  check2: true,
  sum: true,
  signature: true,
  'own-share': true,
  kernel: true,
  'not-yet': true,
  unreachable: true,
  overloaded: true,
  busy: true,
  aborted: true,
}

const ending: Shape<LeadReply> = choice<LeadReply>('kind', {
  done: object<Extract<LeadReply, { kind: 'done' }>>(
    {
      kind: oneOf('done'),
      result: json,
      signers: indices,
      form: oneOf<SignatureForm>('full', 'correlated', 'presigned'),
      phases: phaseTimes,
    },
    ['form', 'phases'],
  ),
  error: refused,
  failed: object<LeadFailed>({
    kind: oneOf('failed'),
    fault: oneOf(...(Object.keys(FAULTS) as LeadFault[])),
    parties: indices,
    retryAfterMs: uint(MAX_BUDGET_MS),
    ids: list(code, MAX_PARTIES),
  }),
})

export const leadReply: Codec<LeadReply> = payload(limitOf(PORT_TYPES.rpc), ending)

export const checkReply: Codec<CheckReply> = payload(
  limitOf(PORT_TYPES.rpc),
  choice<CheckReply>('kind', {
    sign: work('sign'),
    keygen: work('keygen'),
    led: object<Extract<CheckReply, { kind: 'led' }>>({
      kind: oneOf('led'),
      reqId: b32,
      accountId: bytes(16, 16),
      signers: indices,
      outcome: ending,
    }),
    done: object<Extract<CheckReply, { kind: 'done' }>>(
      { kind: oneOf('done'), result: json, signers: indices },
      ['signers'],
    ),
    error: refused,
  }),
)

// ---- 05 store: the guest asks ----

export type Row = readonly [name: string, record: Uint8Array]
export type StoreAsk =
  | { readonly op: 'get'; readonly name: string }
  | { readonly op: 'batch'; readonly puts: readonly Row[]; readonly deletes: readonly string[] }
  | { readonly op: 'scan'; readonly prefix: string; readonly after: string }

const NAME = /^[a-z0-9/]*$/
const nameOf =
  (min: number): Shape<string> =>
  (value) => {
    const name = text(MAX_NAME)(value)
    if (name.length < min || !NAME.test(name)) throw new DecodeError('not a record name')
    return name
  }
const name: Shape<string> = nameOf(1)
const row: Shape<Row> = pair(name, bytes(MAX_RECORD_BYTES))

export const storeAsk: Codec<StoreAsk> = payload(
  limitOf(PORT_TYPES.store),
  choice<StoreAsk>('op', {
    get: object<Extract<StoreAsk, { op: 'get' }>>({ op: oneOf('get'), name }),
    batch: object<Extract<StoreAsk, { op: 'batch' }>>({
      op: oneOf('batch'),
      puts: list(row, MAX_STORE_ROWS),
      deletes: list(name, MAX_STORE_ROWS),
    }),
    scan: object<Extract<StoreAsk, { op: 'scan' }>>({
      op: oneOf('scan'),
      prefix: nameOf(0),
      after: nameOf(0),
    }),
  }),
)

export interface GetReply {
  readonly record: Uint8Array | null
}
export const getReply: Codec<GetReply> = payload(
  limitOf(PORT_TYPES.store),
  object<GetReply>({ record: nullable(bytes(MAX_RECORD_BYTES)) }),
)
export interface ScanReply {
  readonly rows: readonly Row[]
  /** Whether there are more after the last row. */
  readonly more: boolean
}
export const scanReply: Codec<ScanReply> = payload(
  limitOf(PORT_TYPES.store),
  object<ScanReply>({ rows: list(row, MAX_STORE_ROWS), more: flag }),
)

// ---- 08 command: the host asks ----

export interface InitFields {
  readonly peerId: string
  readonly operatorKey: Uint8Array
  readonly label: string
}
/** Of `/hf-node` (03 §1.2); the guest adds its own key and signs. */
export interface NodeFields {
  readonly peerId: string
  readonly multiaddrs: readonly string[]
  readonly gateway: string | null
  readonly seq: number
  /** Unix ms. */
  readonly expiresAt: number
}
export type CommandAsk =
  | ({ readonly op: 'init' } & InitFields)
  | { readonly op: 'status' }
  | { readonly op: 'links'; readonly up: readonly PartyIndex[] }
  /** One-way: an envelope of this priority could not be carried to the party. */
  | { readonly op: 'unsent'; readonly party: PartyIndex; readonly priority: Priority }
  | ({ readonly op: 'signNode' } & NodeFields)
  | { readonly op: 'shutdown' }

const MAX_LABEL = 64
const MAX_ADDRESSES = 8 // 03 §1.2
const MAX_GATEWAY = 256

export const commandAsk: Codec<CommandAsk> = payload(
  limitOf(PORT_TYPES.command),
  choice<CommandAsk>('op', {
    init: object<Extract<CommandAsk, { op: 'init' }>>({
      op: oneOf('init'),
      peerId: text(MAX_PEER_ID),
      operatorKey: b32,
      label: text(MAX_LABEL),
    }),
    status: object<Extract<CommandAsk, { op: 'status' }>>({ op: oneOf('status') }),
    links: object<Extract<CommandAsk, { op: 'links' }>>({
      op: oneOf('links'),
      up: list(index, MAX_LINKED),
    }),
    unsent: object<Extract<CommandAsk, { op: 'unsent' }>>({
      op: oneOf('unsent'),
      party: index,
      priority: oneOf<Priority>(0, 1, 2),
    }),
    signNode: object<Extract<CommandAsk, { op: 'signNode' }>>({
      op: oneOf('signNode'),
      peerId: text(MAX_PEER_ID),
      multiaddrs: list(text(MAX_MULTIADDR), MAX_ADDRESSES),
      gateway: nullable(text(MAX_GATEWAY)),
      seq: uint(),
      expiresAt: uint(),
    }),
    shutdown: object<Extract<CommandAsk, { op: 'shutdown' }>>({ op: oneOf('shutdown') }),
  }),
)

/** A member of the genesis file but for its index (03 §1.2). */
export interface MemberFields {
  readonly guestSig: Uint8Array
  readonly guestEnc: Uint8Array
  readonly peerId: string
  readonly operatorKey: Uint8Array
  readonly measurement: Uint8Array
  readonly evidenceHash: Uint8Array
  readonly label: string
}
export const initReply: Codec<MemberFields> = payload(
  limitOf(PORT_TYPES.command),
  object<MemberFields>({
    guestSig: b32,
    guestEnc: b32,
    peerId: text(MAX_PEER_ID),
    operatorKey: b32,
    measurement: b32,
    evidenceHash: b32,
    label: text(MAX_LABEL),
  }),
)

export type PairState = 'none' | 'waiting' | 'running' | 'ready' | 'banned' | 'suspended'
/** Correlations (02 §4); the counts are since the start of the guest. */
export interface CorrelationStatus {
  readonly pools: readonly { readonly party: PartyIndex; readonly ready: number }[]
  /** Batches made. */
  readonly batches: number
  /** Names that one of the two sides did not know. */
  readonly unknown: number
  /** Names in sessions that came to nothing. */
  readonly aborted: number
}
export interface GuestStatus {
  readonly index: PartyIndex | null
  readonly pairs: readonly { readonly party: PartyIndex; readonly state: PairState }[]
  readonly bans: readonly (readonly [PartyIndex, PartyIndex])[]
  /** `ready`: keys that this guest may give to new accounts. */
  readonly keys: { readonly active: number; readonly pending: number; readonly ready: number }
  /** Those that this guest may name, and all that it holds, others' included (02 §6.3). */
  readonly presignatures: { readonly own: number; readonly held: number }
  readonly correlations: CorrelationStatus
  /** Longest time, in the last minute, that something held the main loop; ms. */
  readonly loopDelayMs: number
  /** Secrets in the kernel. */
  readonly held: number
  readonly bootId: Uint8Array
  readonly ready: boolean
}
export const statusReply: Codec<GuestStatus> = payload(
  limitOf(PORT_TYPES.command),
  object<GuestStatus>({
    index: nullable(index),
    pairs: list(
      object<GuestStatus['pairs'][number]>({
        party: index,
        state: oneOf<PairState>('none', 'waiting', 'running', 'ready', 'banned', 'suspended'),
      }),
      MAX_PARTIES,
    ),
    bans: list(pair(index, index), (MAX_PARTIES * (MAX_PARTIES - 1)) / 2),
    keys: object<GuestStatus['keys']>({ active: uint(), pending: uint(), ready: uint() }),
    presignatures: object<GuestStatus['presignatures']>({ own: uint(), held: uint() }),
    correlations: object<CorrelationStatus>({
      pools: list(
        object<CorrelationStatus['pools'][number]>({ party: index, ready: uint() }),
        MAX_PARTIES,
      ),
      batches: uint(),
      unknown: uint(),
      aborted: uint(),
    }),
    loopDelayMs: uint(),
    held: uint(),
    bootId: bytes(16, 16),
    ready: flag,
  }),
)

/** The signed `/hf-node` value: `[object bytes, signature]` (03 §1.1). */
export interface SignedNode {
  readonly record: Uint8Array
}
export const signNodeReply: Codec<SignedNode> = payload(
  limitOf(PORT_TYPES.command),
  object<SignedNode>({ record: bytes(16 * KIB, 1) }),
)

// ---- 09 event: the guest tells ----

/** The whole catalogue; append only. */
export const EVENT_CODES = [
  'READY',
  'UNSANDBOXED',
  'CHANNEL_UP',
  'PEER_RESTARTED',
  'PEER_MALFORMED',
  'PAIR_STARTED',
  'PAIR_READY',
  'PAIR_FAILED',
  'PAIR_BANNED',
  'PAIR_SUSPENDED',
  'STRIKE',
  'SESSION_STARTED',
  'SESSION_DONE',
  'SESSION_FAILED',
  'KEY_PENDING',
  'KEY_ACTIVE',
  'KEY_DROPPED',
  'SIGNED',
  'STORE_FAILED',
  'NETWORK_ADOPTED',
  'HALTED',
  'EVENTS_DROPPED',
  'KEY_READY',
] as const
export type EventCode = (typeof EVENT_CODES)[number]
export interface GuestEvent {
  readonly code: EventCode
  readonly party?: PartyIndex
  readonly number?: number
}
export const guestEvent: Codec<GuestEvent> = payload(
  limitOf(PORT_TYPES.event),
  object<GuestEvent>({ code: oneOf(...EVENT_CODES), party: index, number: uint() }, [
    'party',
    'number',
  ]),
)
