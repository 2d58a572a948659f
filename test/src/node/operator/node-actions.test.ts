import assert from 'node:assert/strict'
import type { EpochStatus, GuestCommittee } from '../../../../enclave-runtime/host/guest.ts'
import { PortError } from '../../../../enclave-runtime/port/port.ts'
import { EpochCert } from '../../../../protocols/agreement/objects/certificates.ts'
import { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'
import { JoinBox } from '../../../../src/node/operator/join-box.ts'
import { OPERATOR_STATUS, OperatorError } from '../../../../src/node/operator/messages.ts'
import { NodeActions } from '../../../../src/node/operator/node-actions.ts'
import { exampleFirst, TIME } from '../../../protocols/agreement/example-epochs.ts'

const { signal } = new AbortController()
const { record, cert, base } = exampleFirst(5, 3)
const NOW = TIME + 3_600_000

const known = (change: Partial<EpochStatus> = {}): EpochStatus => ({
  standing: 'member',
  epoch: { e: 0, k: 1 },
  baseHash: base.hash,
  committeeId: base.committeeId,
  index: 1,
  t: 3,
  q: 4,
  members: record.members,
  attempt: null,
  proposals: [],
  receipts: [],
  contributing: [1, 2, 3, 4],
  stampUntil: NOW + 7_200_000,
  quarantine: null,
  ...change,
})

const unexpected = (name: string) => (): never => {
  throw new Error(`the guest was asked for ${name}`)
}
const committee = (given: Partial<GuestCommittee>): GuestCommittee => ({
  onLetter: unexpected('onLetter'),
  letter: unexpected('letter'),
  onView: unexpected('onView'),
  onPublish: unexpected('onPublish'),
  onNotice: unexpected('onNotice'),
  status: async () => known(),
  proposal: unexpected('proposal'),
  propose: unexpected('propose'),
  answer: unexpected('answer'),
  join: unexpected('join'),
  leave: unexpected('leave'),
  history: async (e) => (e === 0 ? EpochCert.encode(cert) : null),
  learn: unexpected('learn'),
  alerts: async () => [],
  ...given,
})

describe('NodeActions', () => {
  let now = NOW
  const begun: string[] = []
  beforeEach(() => {
    now = NOW
    begun.length = 0
  })
  const actions = (
    given: Partial<GuestCommittee> = {},
    silence: (peer: string) => number = () => 0,
  ) =>
    new NodeActions({
      committee: committee(given),
      networkId: base.networkId,
      guestSig: record.members[0]?.guestSig ?? new Uint8Array(),
      peerId: record.members[0]?.peerId ?? '',
      environment: 'development',
      silence,
      joins: new JoinBox(base.networkId, () => now),
      sendJoin: unexpected('sendJoin'),
      openBackup: unexpected('openBackup'),
      partition: null,
      settings: { missingMinutes: 30 },
      begins: ({ id }) => begun.push(id),
      now: () => now,
    })

  it('says what the guest knows and what its host saw, in the shape that crosses the socket', async () => {
    const [, , , fourth] = record.members
    const node = actions({}, (peer) => (peer === fourth?.peerId ? 20_000 : 0))
    const status = await node.status(signal)
    assert.deepEqual(OPERATOR_STATUS.parse(status), status)
    assert.equal(status.record, Buffer.from(EpochRecord.encode(record)).toString('hex'))
    assert.deepEqual(
      status.members.map(({ silentMs }) => silentMs),
      [0, 0, 0, 20_000, 0],
    )
    assert.deepEqual(status.alerts, [])
  })

  it('asks for the record once each epoch, and has none before the first', async () => {
    let asked = 0
    let status = known({ epoch: null, standing: 'genesis' })
    const node = actions({
      status: async () => status,
      history: async () => {
        asked++
        return EpochCert.encode(cert)
      },
    })
    assert.equal((await node.status(signal)).record, null)
    status = known()
    await node.status(signal)
    await node.status(signal)
    assert.equal(asked, 1)
  })

  it('knows since when it is in doubt, and about which attempt', async () => {
    const attempt = (k: number, inDoubt: boolean) => ({
      e: 1,
      k,
      proposalHash: new Uint8Array(32),
      step: 'decide',
      initiator: 1,
      deadline: NOW,
      round: 1,
      missing: [],
      inDoubt,
    })
    let status = known({ attempt: attempt(1, true) })
    const node = actions({ status: async () => status })
    const since = async () => (await node.status(signal)).attempt?.inDoubtSince
    assert.equal(await since(), NOW)
    now += 70_000
    assert.equal(await since(), NOW)
    assert.deepEqual(begun, ['in-doubt/1/1'])
    status = known({ attempt: attempt(2, true) })
    assert.equal(await since(), now)
    status = known({ attempt: attempt(2, false) })
    assert.equal(await since(), null)
  })

  it('tells aborted attempts and what else the guest noticed', async () => {
    const node = actions({
      alerts: async () => [
        { at: TIME, notice: { about: 'aborted', e: 1, k: 1, blamed: [4] } },
        { at: TIME, notice: { about: 'clone', of: 2 } },
      ],
    })
    const { aborts, alerts } = await node.status(signal)
    assert.deepEqual(aborts, [{ at: TIME, e: 1, k: 1, blamed: [4] }])
    assert.deepEqual(
      alerts.map(({ id, since }) => [id, since]),
      [['clone/2', TIME]],
    )
  })

  it('reads history in pages, from any epoch on', async () => {
    const node = actions({ history: async (e) => (e < 20 ? EpochCert.encode(cert) : null) })
    const first = await node.history(0, signal)
    assert.deepEqual([first.certs.length, first.next], [16, 16])
    const second = await node.history(16, signal)
    assert.deepEqual([second.certs.length, second.next], [4, null])
  })

  it('tells why the guest proposes nothing', async () => {
    const wish = {
      kind: 2 as const,
      joins: [],
      leaves: [],
      t: 3,
      params: null,
      allowAdd: [],
      allowDrop: [],
      unban: [],
      expiresAt: NOW,
    }
    const refusing = actions({
      propose: async () => ({ proposalHash: null, reasons: ['R4: 2 members'] }),
    })
    await assert.rejects(refusing.propose(wish, signal), (error) => {
      assert.ok(error instanceof OperatorError)
      assert.equal(error.code, 'refused')
      assert.match(error.message, /R4: 2 members/)
      return true
    })
    const proposing = actions({
      propose: async () => ({ proposalHash: new Uint8Array(32).fill(0xcd), reasons: [] }),
    })
    assert.equal(await proposing.propose(wish, signal), 'cd'.repeat(32))
  })

  for (const [code, becomes] of [
    ['NO_COMMITTEE', 'waiting'],
    ['NOT_READY', 'waiting'],
    ['BAD_SIGNATURE', 'refused'],
  ] as const)
    it(`makes of ${code} of the guest "${becomes}"`, async () => {
      const node = actions({
        status: async () => {
          throw new PortError(code)
        },
      })
      await assert.rejects(node.status(signal), (error) => {
        assert.ok(error instanceof OperatorError)
        assert.equal(error.code, becomes)
        return true
      })
    })
})
