import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { type KeyEntry, keySetRoot } from '../../../protocols/agreement/chain/key-set.ts'
import { rootDigest, stampDigest } from '../../../protocols/agreement/chain/root-key.ts'
import { stampFor } from '../../../protocols/agreement/chain/stamp.ts'
import { compareBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { encodeGenesis } from '../../../protocols/agreement/genesis.ts'
import type { AbortCert, EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { Join, type SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import type { Member } from '../../../protocols/agreement/objects/member.ts'
import {
  Answer,
  Proposal,
  type SignedAnswer,
  type SignedProposal,
} from '../../../protocols/agreement/objects/proposal.ts'
import { Ready } from '../../../protocols/agreement/objects/ready.ts'
import {
  type EpochRecord,
  recordHash,
  transcriptHashOf,
} from '../../../protocols/agreement/objects/record.ts'
import type { RootSig, Stamp } from '../../../protocols/agreement/objects/root-signatures.ts'
import { signObject } from '../../../protocols/agreement/objects/signed.ts'
import { type SignedStart, Start } from '../../../protocols/agreement/objects/start.ts'
import { epochInstanceId } from '../../../protocols/agreement/objects/vote.ts'
import { voteSigner } from '../../../protocols/agreement/qbft/certificate.ts'
import { type Value, voteBody } from '../../../protocols/agreement/qbft/vote.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import { type Base, baseOfGenesis } from '../../../protocols/agreement/rules/base.ts'
import {
  type Change,
  changeOf,
  genesisChange,
  nextRecord,
} from '../../../protocols/agreement/rules/change.ts'
import { attemptMs } from '../../../protocols/agreement/rules/start-rules.ts'
import { signedMessage } from '../../../protocols/agreement/signed-object.ts'
import { seeded } from '../../support/seeded.ts'
import { exampleGenesis, exampleMember } from './example-genesis.ts'

/** Times of example epochs, unix ms. */
export const TIME = 1_800_000_000_000
/** Example people: members 1 to n of a genesis, and whoever comes later. */
const PEOPLE = 32

interface Secrets {
  readonly guest: Uint8Array
  readonly operator: Uint8Array
}

/** By guestSig, which is the same wherever somebody is a member. Drawn as `exampleMember` does. */
const secrets: ReadonlyMap<string, Secrets> = new Map(
  Array.from({ length: PEOPLE }, (_, i): [string, Secrets] => {
    const random = seeded(`member ${i + 1}`)
    const [guest, , operator] = [random(32), random(32), random(32)]
    return [bytesToHex(ed25519.getPublicKey(guest)), { guest, operator }]
  }),
)

type Signer = (message: Uint8Array) => Uint8Array

function secretsOf({ guestSig }: { readonly guestSig: Uint8Array }): Secrets {
  const found = secrets.get(bytesToHex(guestSig))
  if (found === undefined) throw new Error('nobody of the examples')
  return found
}

export const guestOf =
  (member: { readonly guestSig: Uint8Array }): Signer =>
  (message) =>
    ed25519.sign(message, secretsOf(member).guest)

export const operatorOf =
  (member: { readonly guestSig: Uint8Array }): Signer =>
  (message) =>
    ed25519.sign(message, secretsOf(member).operator)

export function memberOf(
  { members }: { readonly members: readonly Member[] },
  index: number,
): Member {
  const found = members.find((member) => member.index === index)
  if (found === undefined) throw new Error(`no member ${index}`)
  return found
}

/** A signed join of person `id`, who is not a member yet, or of one that is: an update. */
export function exampleJoin(base: Base, id: number, fields: Partial<Join> = {}): SignedJoin {
  const { index: _, evidenceHash: __, ...names } = exampleMember(id)
  const join: Join = {
    networkId: base.networkId,
    committeeId: base.committeeId,
    ...names,
    evidence: new Uint8Array(),
    nonce: new Uint8Array(16).fill(id),
    expiresAt: TIME + 3_600_000,
    ...fields,
  }
  const guest = signObject(Join, join, base.networkId, guestOf(exampleMember(id)))
  const operator = signObject(Join, join, base.networkId, operatorOf(exampleMember(id)))
  return {
    object: join,
    objectBytes: guest.objectBytes,
    guestSignature: guest.signature,
    operatorSignature: operator.signature,
  }
}

/** A proposal by member 1, or whoever `fields` names, that refreshes unless `fields` says more. */
export function exampleProposal(base: Base, fields: Partial<Proposal> = {}): SignedProposal {
  const proposal: Proposal = {
    committeeId: base.committeeId,
    baseHash: base.hash,
    kind: 2,
    joins: [],
    leaves: [],
    t: base.t,
    params: null,
    allowAdd: [],
    allowDrop: [],
    unban: [],
    expiresAt: TIME + 3_600_000,
    proposerIndex: base.members[0]?.index ?? 0,
    nonce: new Uint8Array(16).fill(9),
    ...fields,
  }
  const proposer = base.members.find(({ index }) => index === proposal.proposerIndex)
  return signObject(Proposal, proposal, base.networkId, guestOf(proposer ?? exampleMember(1)))
}

/** A yes of everybody, with the operators' signatures. */
export const exampleAnswers = (
  base: Base,
  change: Change,
  fields: Partial<Answer> = {},
): SignedAnswer[] =>
  base.members.map((member) => {
    const answer: Answer = {
      committeeId: base.committeeId,
      baseHash: base.hash,
      proposalHash: change.proposalHash,
      seq: 1,
      yes: true,
      index: member.index,
      operatorSig: null,
      ...fields,
    }
    const message = signedMessage('answer', base.networkId, Answer.encode(answer))
    const full =
      'operatorSig' in fields ? answer : { ...answer, operatorSig: operatorOf(member)(message) }
    return signObject(Answer, full, base.networkId, guestOf(member))
  })

/** Attempt 1, or whichever `fields` says, led by member 1. */
export function exampleStart(base: Base, change: Change, fields: Partial<Start> = {}): SignedStart {
  const indices = base.members.map(({ index }) => index)
  const start: Start = {
    committeeId: base.committeeId,
    e: base.next,
    k: 1,
    proposalHash: change.proposalHash,
    answers: exampleAnswers(base, change),
    initiator: indices[0] ?? 0,
    dealers: base.next === 0 ? indices : indices.slice(0, base.t),
    cutCount: 0,
    cutRoot: keySetRoot([]).root,
    createdAt: TIME,
    deadlineMs: attemptMs(fields.cutCount ?? 0),
    nonce: new Uint8Array(32).fill(5),
    abortCertHash: null,
    ...fields,
  }
  const initiator = base.members.find(({ index }) => index === start.initiator) ?? exampleMember(1)
  return signObject(Start, start, base.networkId, guestOf(initiator))
}

const ROOT_SECRET = seeded('rootKey')(32)
export const ROOT_KEY: Uint8Array = secp256k1.getPublicKey(ROOT_SECRET, true)

/** Keys of an epoch, sorted by keyId: rootKey and `count - 1` others. F is another in every epoch. */
export function exampleKeys(count: number, t: number, e: number): KeyEntry[] {
  const keys = Array.from({ length: count }, (_, i): KeyEntry => {
    const constant = seeded(`key ${i}`)
    const publicKey = i === 0 ? ROOT_KEY : secp256k1.getPublicKey(constant(32), true)
    const rest = seeded(`key ${i} of ${e}`)(33 * (t - 1))
    return {
      keyId: constant(32),
      curve: 1,
      publicKey,
      chainCode: constant(32),
      commitment: concatBytes(publicKey, rest),
    }
  })
  return keys.toSorted((a, b) => compareBytes(a.keyId, b.keyId))
}

/** What an attempt comes to: its record, with these keys. */
export function exampleRecord(base: Base, change: Change, start: Start, keys = 3): EpochRecord {
  const { count, root } = keySetRoot(exampleKeys(keys, change.t, base.next))
  return nextRecord(base, change, start, {
    rootKey: ROOT_KEY,
    keyCount: count,
    keySetRoot: root,
    transcriptHash: transcriptHashOf([new Uint8Array(32).fill(base.next)]),
  })
}

const commitsOf = (base: Base, k: number, round: number, value: Value, voters: number) => {
  const iid = epochInstanceId(base.committeeId, base.next, k, base.hash)
  const body = voteBody(iid, { kind: 'commit', round, value, preparedRound: 0 })
  return base.members
    .slice(0, voters)
    .map((member) => [member.index, voteSigner(base.networkId, guestOf(member))(body)] as const)
}

/** READY of all and COMMIT of a quorum, or of as many as `voters` says. */
export function certify(
  base: Base,
  record: EpochRecord,
  voters: number = quorums(base.members.length, base.t).q,
): EpochCert {
  const { committeeId, e, k, networkId } = record
  const hash = recordHash(record)
  return {
    record,
    ready: record.members.map((member) => {
      const prekey = x25519.getPublicKey(seeded(`prekey ${member.index} of ${e}/${k}`)(32))
      const { index } = member
      const object = { committeeId, e, k, recordHash: hash, prekey, index }
      const { signature } = signObject(Ready, object, networkId, guestOf(member))
      return { index, prekey, signature }
    }),
    round: 1,
    commits: commitsOf(base, k, 1, hash, voters),
    recovery: [],
  }
}

export const abortOf = (
  base: Base,
  k: number,
  voters: number = quorums(base.members.length, base.t).q,
): AbortCert => ({
  committeeId: base.committeeId,
  e: base.next,
  k,
  reason: 'somebody is not ready',
  round: 2,
  commits: commitsOf(base, k, 2, 0, voters),
})

/** r, s and recovery id of the example rootKey over a digest. */
export function rootSign(digest: Uint8Array, secret: Uint8Array = ROOT_SECRET): Uint8Array {
  const [recovery = 0, ...rs] = secp256k1.sign(digest, secret, {
    prehash: false,
    format: 'recovered',
  })
  return Uint8Array.of(...rs, recovery)
}

export function activate(record: EpochRecord): RootSig {
  const hash = recordHash(record)
  return { recordHash: hash, signature: rootSign(rootDigest('epoch-active', hash)) }
}

export function stampOf(record: EpochRecord, issuedAt: number, fields: Partial<Stamp> = {}): Stamp {
  const stamp = { ...stampFor(record, issuedAt), ...fields }
  return { ...stamp, signature: rootSign(stampDigest(stamp)) }
}

/** An attempt that came to its end. */
export interface ExampleEpoch {
  readonly change: Change
  readonly start: SignedStart
  readonly record: EpochRecord
  readonly cert: EpochCert
}

export interface ExampleFirst extends ExampleEpoch {
  readonly genesis: Uint8Array
  readonly base: Base
}

export interface ExampleNext extends ExampleEpoch {
  readonly proposal: SignedProposal
  readonly joins: readonly SignedJoin[]
}

/** A genesis of n members, its base and the certificate of its epoch 0. */
export function exampleFirst(n: number, t: number): ExampleFirst {
  const genesis = encodeGenesis(exampleGenesis(n, t))
  const base = baseOfGenesis(genesis)
  const change = genesisChange(base)
  const start = exampleStart(base, change)
  const record = exampleRecord(base, change, start.object, 1)
  return { genesis, base, change, start, record, cert: certify(base, record) }
}

/** The epoch that `fields` makes of a base, with all that it takes. */
export function exampleNext(
  base: Base,
  fields: Partial<Proposal> = {},
  joins: SignedJoin[] = [],
): ExampleNext {
  const proposal = exampleProposal(base, fields)
  const change = changeOf(proposal.object, joins)
  const start = exampleStart(base, change)
  const record = exampleRecord(base, change, start.object)
  return { proposal, joins, change, start, record, cert: certify(base, record) }
}
