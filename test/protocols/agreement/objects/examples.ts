import { Page } from '../../../../protocols/agreement/chain/pages.ts'
import { PublishedCommittee } from '../../../../protocols/agreement/chain/published-committee.ts'
import {
  AttemptFault,
  Preflight,
  PreflightAns,
} from '../../../../protocols/agreement/objects/attempt.ts'
import { Beat, Head, HeadAsk } from '../../../../protocols/agreement/objects/beat.ts'
import {
  AbortCert,
  EpochCert,
  ReadyCert,
} from '../../../../protocols/agreement/objects/certificates.ts'
import { DoubleStart } from '../../../../protocols/agreement/objects/double-start.ts'
import { Freeze, Frozen, Held, Tail } from '../../../../protocols/agreement/objects/freeze.ts'
import { Active, Close, Erased } from '../../../../protocols/agreement/objects/handoff.ts'
import { Join, Leave, SignedJoin } from '../../../../protocols/agreement/objects/join.ts'
import { Letter } from '../../../../protocols/agreement/objects/letter.ts'
import { Member } from '../../../../protocols/agreement/objects/member.ts'
import type { ObjectCodec } from '../../../../protocols/agreement/objects/object-codec.ts'
import { Params } from '../../../../protocols/agreement/objects/params.ts'
import { Answer, Proposal } from '../../../../protocols/agreement/objects/proposal.ts'
import { Ready } from '../../../../protocols/agreement/objects/ready.ts'
import { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'
import { RootSig, Stamp } from '../../../../protocols/agreement/objects/root-signatures.ts'
import { type Signed, signed } from '../../../../protocols/agreement/objects/signed.ts'
import { Start } from '../../../../protocols/agreement/objects/start.ts'
import { Vote } from '../../../../protocols/agreement/objects/vote.ts'
import type { Codec } from '../../../../protocols/session/codec.ts'
import { seeded } from '../../../support/seeded.ts'
import { exampleGenesis, exampleMember } from '../example-genesis.ts'

const random = seeded('objects')
const [network, committee, base, hash] = [random(32), random(32), random(32), random(32)] as const
const TIME = 1_800_000_000_000

/** An object with a signature that nobody made: codecs do not verify. */
const sealed = <T>(of: ObjectCodec<T>, object: T): Signed<T> => ({
  object,
  objectBytes: of.encode(object),
  signature: random(64),
})

const join: Join = {
  networkId: network,
  committeeId: committee,
  guestSig: random(32),
  guestEnc: random(32),
  peerId: '12D3KooWNewcomer',
  operatorKey: random(32),
  measurement: random(32),
  evidence: random(200),
  label: 'a newcomer',
  nonce: random(16),
  expiresAt: TIME,
}

const proposal: Proposal = {
  committeeId: committee,
  baseHash: base,
  kind: 1,
  joins: [random(32), random(32)],
  leaves: [
    { index: 2, reason: 1 },
    { index: 5, reason: 0 },
  ],
  t: 3,
  params: exampleGenesis(5, 3).params,
  allowAdd: [random(32)],
  allowDrop: [],
  unban: [
    [1, 3],
    [1, 4],
    [3, 4],
  ],
  expiresAt: TIME,
  proposerIndex: 4,
  nonce: random(16),
}

const answer = (index: number): Answer => ({
  committeeId: committee,
  baseHash: base,
  proposalHash: hash,
  seq: 2,
  yes: true,
  index,
  operatorSig: index === 3 ? null : random(64),
})

const start: Start = {
  committeeId: committee,
  e: 4,
  k: 2,
  proposalHash: hash,
  answers: [1, 3, 4].map((index) => sealed(Answer, answer(index))),
  initiator: 3,
  dealers: [1, 2, 4],
  cutCount: 10_000,
  cutRoot: random(32),
  createdAt: TIME,
  deadlineMs: 120_000,
  nonce: random(32),
  abortCertHash: random(32),
}

const record: EpochRecord = {
  networkId: network,
  committeeId: committee,
  e: 4,
  k: 2,
  kind: 1,
  prevHash: base,
  proposalHash: hash,
  epochId: random(32),
  t: 3,
  members: [1, 2, 3, 6].map(exampleMember),
  nextIndex: 7,
  rootKey: random(33),
  keyCount: 10_001,
  keySetRoot: random(32),
  transcriptHash: random(32),
  allow: [random(32), random(32)],
  unban: [[1, 3]],
  params: exampleGenesis(5, 3).params,
  protocol: 1,
  createdAt: TIME,
}

const stamp: Stamp = {
  committeeId: committee,
  e: 4,
  recordHash: hash,
  issuedAt: TIME,
  validUntil: TIME + 7_200_000,
  signature: random(65),
}

const frozen: Frozen = { committeeId: committee, e: 3, k: 2, count: 7, root: random(32), index: 2 }
const seen = { index: 3, bootId: random(16), vaultSeq: 812 }
const signatures = [1, 2, 6].map((index) => [index, random(64)] as const)

/** One value of an object; the types of different objects do not meet. */
export interface Example {
  readonly name: string
  readonly bytes: Uint8Array
  /** Encodes what decodes from these bytes. */
  readonly again: (bytes: Uint8Array) => Uint8Array
  readonly maxBytes: number
}

const example = <T>(name: string, codec: Codec<T>, value: T, maxBytes: number): Example => ({
  name,
  bytes: codec.encode(value),
  again: (bytes) => codec.encode(codec.decode(bytes)),
  maxBytes,
})

const of = <T>(codec: ObjectCodec<T>, value: T, name: string = codec.type): Example =>
  example(name, codec, value, codec.maxBytes)

/** Every object of 03 §1.2 that has a codec here, those with optional parts with and without them. */
export const EXAMPLES: readonly Example[] = [
  of(Member, exampleMember(3)),
  of(Params, exampleGenesis(5, 3).params),
  of(Params, { ...exampleGenesis(5, 3).params, attestPolicyHash: hash }, 'params with a policy'),
  of(Join, join),
  of(Join, { ...join, evidence: new Uint8Array() }, 'join without evidence'),
  example(
    'signed join',
    SignedJoin,
    {
      object: join,
      objectBytes: Join.encode(join),
      guestSignature: random(64),
      operatorSignature: random(64),
    },
    Join.maxBytes + 160,
  ),
  of(Leave, { committeeId: committee, e: 3, index: 2 }),
  of(Proposal, proposal),
  of(
    Proposal,
    { ...proposal, kind: 2, joins: [], leaves: [], params: null, allowAdd: [] },
    'proposal to refresh',
  ),
  of(Answer, answer(1)),
  of(Answer, answer(3), 'answer without operator'),
  example('signed answer', signed(Answer), sealed(Answer, answer(1)), Answer.maxBytes + 80),
  of(Start, start),
  of(Start, { ...start, k: 1, abortCertHash: null }, 'first start'),
  of(DoubleStart, {
    first: sealed(Start, start),
    second: sealed(Start, { ...start, nonce: hash }),
  }),
  of(EpochRecord, record),
  of(Ready, { committeeId: committee, e: 4, k: 2, recordHash: hash, prekey: random(32), index: 6 }),
  of(EpochCert, {
    record,
    ready: [1, 2, 3, 6].map((index) => ({ index, prekey: random(32), signature: random(64) })),
    round: 1,
    commits: signatures,
    recovery: [],
  }),
  of(ReadyCert, {
    record,
    ready: [1, 2, 3, 6].map((index) => ({ index, prekey: random(32), signature: random(64) })),
  }),
  of(Page, { root: hash, first: 12, items: [random(40), random(3)] }),
  of(PublishedCommittee, {
    cert: { record, ready: [], round: 1, commits: [], recovery: [] },
    rootSig: { recordHash: hash, signature: random(65) },
    stamp,
  }),
  of(AbortCert, {
    committeeId: committee,
    e: 4,
    k: 1,
    reason: 'member 6 is not ready',
    round: 3,
    commits: signatures,
  }),
  of(RootSig, { recordHash: hash, signature: random(65) }),
  of(Stamp, stamp),
  of(AttemptFault, {
    committeeId: committee,
    e: 4,
    k: 2,
    code: 3,
    about: 0,
    evidenceHash: null,
    index: 6,
  }),
  of(
    AttemptFault,
    { committeeId: committee, e: 4, k: 2, code: 8, about: 2, evidenceHash: hash, index: 6 },
    'fault with evidence',
  ),
  of(Preflight, {
    committeeId: committee,
    baseHash: base,
    proposalHash: hash,
    k: 2,
    nonce: random(16),
    index: 3,
  }),
  of(PreflightAns, {
    nonce: random(16),
    reasons: ['no room on disk'],
    protocol: 1,
    time: TIME,
    freeBytes: 1e9,
    evidenceHash: hash,
    banned: [2, 4],
    index: 6,
  }),
  of(Freeze, { committeeId: committee, e: 3, k: 2, chunks: 40, index: 3 }),
  of(Frozen, frozen),
  of(Tail, {
    committeeId: committee,
    e: 3,
    k: 2,
    frozen: [1, 2, 4].map((index) => sealed(Frozen, { ...frozen, index })),
    initiator: 3,
  }),
  of(Close, {
    committeeId: committee,
    e: 3,
    recordHash: hash,
    headsRoot: random(32),
    openRoot: random(32),
    index: 1,
  }),
  of(Active, { committeeId: committee, e: 4, recordHash: hash, index: 6 }),
  of(Erased, { committeeId: committee, e: 3, recordHash: base, index: 2 }),
  of(Held, { committeeId: committee, keyId: random(32), keyCertHash: random(32), index: 2 }),
  of(Beat, {
    committeeId: committee,
    time: TIME,
    e: 4,
    recordHash: hash,
    bootId: random(16),
    bootCounter: 12,
    vaultSeq: 812,
    headHash: random(32),
    erasedEpoch: 2,
    headsRoot: random(32),
    changed: [{ subject: 'account:1f0e', index: 3, entryHash: random(32) }],
    open: [random(32)],
    seen: [{ ...seen, contributing: true }],
    index: 1,
  }),
  of(HeadAsk, { nonce: random(16), e: 3 }),
  of(Letter, {
    networkId: network,
    from: random(32),
    to: random(32),
    boot: random(16),
    body: random(120),
  }),
  of(Head, {
    nonce: random(16),
    committeeId: committee,
    e: 4,
    k: 2,
    recordHash: hash,
    stamp,
    seen: [seen],
    index: 1,
  }),
  of(
    Head,
    {
      nonce: random(16),
      committeeId: committee,
      e: 0,
      k: 1,
      recordHash: hash,
      stamp: null,
      seen: [],
      index: 1,
    },
    'head without a stamp',
  ),
  example('vote', Vote, { iid: hash, kind: 2, round: 1, v: base }, 16_384),
  example('vote to abort', Vote, { iid: hash, kind: 1, round: 9, v: 0 }, 16_384),
  example('round change', Vote, { iid: hash, kind: 3, round: 9, pr: 8, pv: base }, 16_384),
  example(
    'round change, nothing prepared',
    Vote,
    { iid: hash, kind: 3, round: 2, pr: 0, pv: 0 },
    16_384,
  ),
]
