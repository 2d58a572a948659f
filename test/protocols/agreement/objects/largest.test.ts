import assert from 'node:assert/strict'
import { Beat } from '../../../../protocols/agreement/objects/beat.ts'
import { EpochCert } from '../../../../protocols/agreement/objects/certificates.ts'
import { Frozen, Tail } from '../../../../protocols/agreement/objects/freeze.ts'
import { Join } from '../../../../protocols/agreement/objects/join.ts'
import type { ObjectCodec } from '../../../../protocols/agreement/objects/object-codec.ts'
import { Answer, Proposal } from '../../../../protocols/agreement/objects/proposal.ts'
import { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'
import { Start } from '../../../../protocols/agreement/objects/start.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { seeded } from '../../../support/seeded.ts'

const random = seeded('largest')
const b = (length: number) => random(length)
const MOST = Number.MAX_SAFE_INTEGER
const INDEX = 0xffff
const sixteen = Array.from({ length: 16 }, (_, i) => INDEX - 15 + i)
const many = (count: number) => Array.from({ length: count }, () => b(32))
const pairs = sixteen.flatMap((low, i) => sixteen.slice(i + 1).map((high) => [low, high] as const))

const params = {
  t: 16,
  maxMembers: 16,
  refreshS: MOST,
  stampS: MOST,
  drainMs: MOST,
  acceptTtlMs: MOST,
  attestPolicyHash: b(32),
  setupsPerHour: MOST,
}
const sealed = <T>(of: ObjectCodec<T>, object: T) => ({
  object,
  objectBytes: of.encode(object),
  signature: b(64),
})
const answer = (index: number): Answer => ({
  committeeId: b(32),
  baseHash: b(32),
  proposalHash: b(32),
  seq: MOST,
  yes: true,
  index,
  operatorSig: b(64),
})
const frozen = (index: number): Frozen => ({
  committeeId: b(32),
  e: MOST,
  k: MOST,
  count: MOST,
  root: b(32),
  index,
})
const member = (index: number) => ({
  index,
  guestSig: b(32),
  guestEnc: b(32),
  peerId: 'x'.repeat(128),
  operatorKey: b(32),
  measurement: b(32),
  evidenceHash: b(32),
  label: 'x'.repeat(64),
})
const record: EpochRecord = {
  networkId: b(32),
  committeeId: b(32),
  e: MOST,
  k: MOST,
  kind: 1,
  prevHash: b(32),
  proposalHash: b(32),
  epochId: b(32),
  t: 16,
  members: sixteen.map(member),
  nextIndex: INDEX,
  rootKey: b(33),
  keyCount: MOST,
  keySetRoot: b(32),
  transcriptHash: b(32),
  allow: many(64),
  unban: pairs,
  params,
  protocol: INDEX,
  createdAt: MOST,
}

/** Objects with lists, each list full and each number the largest: whatever a field allows, the cap has room for. */
const LARGEST: Record<string, () => [size: number, cap: number]> = {
  join: () => [
    Join.encode({
      networkId: b(32),
      committeeId: b(32),
      guestSig: b(32),
      guestEnc: b(32),
      peerId: 'x'.repeat(128),
      operatorKey: b(32),
      measurement: b(32),
      evidence: b(32 * 1024),
      label: 'x'.repeat(64),
      nonce: b(16),
      expiresAt: MOST,
    }).length,
    Join.maxBytes,
  ],
  proposal: () => [
    Proposal.encode({
      committeeId: b(32),
      baseHash: b(32),
      kind: 1,
      joins: many(16),
      leaves: sixteen.map((index) => ({ index, reason: 2 })),
      t: 16,
      params,
      allowAdd: many(64),
      allowDrop: many(64),
      unban: pairs,
      expiresAt: MOST,
      proposerIndex: INDEX,
      nonce: b(16),
    }).length,
    Proposal.maxBytes,
  ],
  start: () => [
    Start.encode({
      committeeId: b(32),
      e: MOST,
      k: MOST,
      proposalHash: b(32),
      answers: sixteen.map((index) => sealed(Answer, answer(index))),
      initiator: INDEX,
      dealers: sixteen,
      cutCount: MOST,
      cutRoot: b(32),
      createdAt: MOST,
      deadlineMs: MOST,
      nonce: b(32),
      abortCertHash: b(32),
    }).length,
    Start.maxBytes,
  ],
  tail: () => [
    Tail.encode({
      committeeId: b(32),
      e: MOST,
      k: MOST,
      frozen: sixteen.map((index) => sealed(Frozen, frozen(index))),
      initiator: INDEX,
    }).length,
    Tail.maxBytes,
  ],
  record: () => [EpochRecord.encode(record).length, EpochRecord.maxBytes],
  epochCert: () => [
    EpochCert.encode({
      record,
      ready: sixteen.map((index) => ({ index, prekey: b(32), signature: b(64) })),
      round: MOST,
      commits: sixteen.map((index) => [index, b(64)]),
      recovery: [],
    }).length,
    EpochCert.maxBytes,
  ],
  beat: () => [
    Beat.encode({
      committeeId: b(32),
      time: MOST,
      e: MOST,
      recordHash: b(32),
      bootId: b(16),
      bootCounter: MOST,
      vaultSeq: MOST,
      headHash: b(32),
      erasedEpoch: MOST,
      headsRoot: b(32),
      changed: Array.from({ length: 64 }, () => ({
        subject: 'x'.repeat(128),
        index: MOST,
        entryHash: b(32),
      })),
      open: many(64),
      seen: sixteen.map((index) => ({
        index,
        bootId: b(16),
        vaultSeq: MOST,
        contributing: false,
      })),
      index: INDEX,
    }).length,
    Beat.maxBytes,
  ],
}

describe('the largest objects', () => {
  for (const [name, measure] of Object.entries(LARGEST))
    it(`${name}: has room in its cap`, () => {
      const [size, cap] = measure()
      assert.ok(size <= cap, `${size} of ${cap} bytes`)
    })

  it('have no room for one more of a list', () => {
    const one = member(1)
    for (const fields of [
      { members: [one, ...record.members] },
      { allow: many(65) },
      { unban: [[1, 2] as const, ...pairs] },
    ])
      assert.throws(() => EpochRecord.encode({ ...record, ...fields }), DecodeError)
  })
})
