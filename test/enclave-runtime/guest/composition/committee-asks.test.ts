import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { CommitteeAsks } from '../../../../enclave-runtime/guest/composition/committee-asks.ts'
import type { Vault } from '../../../../enclave-runtime/guest/vault/vault.ts'
import {
  alertsReply,
  type CommitteeAsk,
  committeeAsk,
  epochStatusReply,
  historyReply,
  joinReply,
  learnReply,
  type ProposalReply,
  proposalReply,
  proposeReply,
} from '../../../../enclave-runtime/port/committee-messages.ts'
import { EpochCert } from '../../../../protocols/agreement/objects/certificates.ts'
import { Join, Leave, SignedJoin } from '../../../../protocols/agreement/objects/join.ts'
import { Proposal } from '../../../../protocols/agreement/objects/proposal.ts'
import { signed, signObject } from '../../../../protocols/agreement/objects/signed.ts'
import type { Codec } from '../../../../protocols/session/codec.ts'
import { BUNDLE, exampleMember } from '../../../protocols/agreement/example-genesis.ts'
import { seeded } from '../../../support/seeded.ts'
import { EpochNet, type NetNode } from '../epochs/epoch-net.ts'

const HOUR_MS = 3_600_000

/** Asks the guest of a node as its host does, over bytes. */
function asking(net: EpochNet, node: NetNode) {
  assert.ok(node.epochs)
  const asks = new CommitteeAsks({
    epochs: node.epochs,
    vault: node.vault as Vault,
    networkId: net.networkId,
    committeeId: net.committeeId,
    measurement: BUNDLE,
    random: seeded(`asks ${node.id}`),
  })
  return async <T>(ask: CommitteeAsk, reply: Codec<T>): Promise<T> =>
    reply.decode(await asks.take(committeeAsk.encode(ask)))
}

const anything: Codec<Uint8Array> = { encode: (bytes) => bytes, decode: (bytes) => bytes }
const isRefused = (error: unknown): boolean =>
  typeof (error as { code?: unknown }).code === 'string'

describe('what a host asks about the committee', function () {
  this.timeout(240_000)

  it('is where a guest stands, and what it knows', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    const ask = asking(net, net.at(1))
    const status = await ask({ op: 'epoch-status' }, epochStatusReply)
    assert.deepEqual([status.epoch, status.index, status.t, status.q], [{ e: 0, k: 1 }, 1, 3, 3])
    const { cert } = await ask({ op: 'history', e: 0 }, historyReply)
    assert.ok(cert)
    assert.equal(EpochCert.decode(cert).record.e, 0)
    assert.equal((await ask({ op: 'history', e: 1 }, historyReply)).cert, null)
    assert.equal((await ask({ op: 'learn', cert }, learnReply)).learnt, 'known')
    assert.equal((await ask({ op: 'learn', cert: cert.slice(1) }, learnReply)).learnt, 'refused')
    const { alerts } = await ask({ op: 'alerts' }, alertsReply)
    assert.ok(alerts.some(({ notice }) => notice.about === 'active'))
  })

  it('makes a join, its proposal and the answers of operators, each for the number that was signed', async () => {
    const net = await EpochNet.found(4, 3)
    assert.ok(await net.until(net.allIn(0)))
    for (const node of net.nodes) node.agrees = false
    const newcomer = await net.newcomer()
    const { peerId, label } = exampleMember(5)
    const { operatorKey } = newcomer
    const evidence = new Uint8Array()
    const expiresAt = net.clock.unixMs() + HOUR_MS
    const fields = { peerId, label, operatorKey, evidence, expiresAt }
    const made = await asking(net, newcomer)({ op: 'join', ...fields }, joinReply)
    assert.deepEqual(Join.decode(made.object).guestSig, newcomer.guestSig)
    const join = SignedJoin.encode(newcomer.join())
    const nothing = { leaves: [], params: null, allowAdd: [], allowDrop: [], unban: [] }
    const change = { kind: 1 as const, joins: [join], t: 3, expiresAt, ...nothing }
    const second = asking(net, net.at(2))
    const refused = await second({ op: 'propose', change: { ...change, t: 2 } }, proposeReply)
    assert.equal(refused.proposalHash, null)
    assert.match(refused.reasons[0] ?? '', /R4/)
    const { proposalHash } = await second({ op: 'propose', change }, proposeReply)
    assert.ok(proposalHash)
    const founders = net.nodes.slice(0, 4)
    assert.ok(await net.until(() => founders.every(({ state }) => state.proposals.size === 1)))
    for (const node of founders) {
      const ask = asking(net, node)
      const shown: ProposalReply = await ask({ op: 'proposal', proposalHash }, proposalReply)
      assert.ok(shown.proposal)
      assert.deepEqual(shown.joins, [join])
      const { object } = signed(Proposal).decode(shown.proposal)
      assert.deepEqual(Proposal.hash(object), proposalHash)
      const { seq } = shown
      const baseHash = node.state.base.hash
      const signs = (number: number) => node.signs(baseHash, proposalHash, number)
      const yes = { op: 'answer' as const, proposalHash, yes: true, seq, operatorSig: signs(seq) }
      const isWrong = (fields: Partial<typeof yes>) =>
        assert.rejects(ask({ ...yes, ...fields }, anything), isRefused)
      await isWrong({ seq: seq + 1 })
      await isWrong({ proposalHash: baseHash })
      await isWrong({ operatorSig: null })
      await isWrong({ operatorSig: signs(seq + 1) })
      assert.equal(node.state.answerSeq, seq - 1)
      await ask(yes, anything)
    }
    assert.ok(await net.until(net.allIn(1)))
    const status = await asking(net, newcomer)({ op: 'epoch-status' }, epochStatusReply)
    assert.equal(status.index, 5)
  })

  it('lets a member go by the signature of its operator, and of nobody else', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(await net.until(net.allIn(0)))
    const wish: Leave = { committeeId: net.committeeId, e: 0, index: 5 }
    const by = (name: string, of: Leave = wish): Uint8Array =>
      signed(Leave).encode(
        signObject(Leave, of, net.networkId, (message) => ed25519.sign(message, seeded(name)(32))),
      )
    const ask = asking(net, net.at(5))
    const leave = (bytes: Uint8Array) =>
      ask(
        { op: 'leave', leave: bytes, t: 3, expiresAt: net.clock.unixMs() + HOUR_MS },
        proposeReply,
      )
    for (const wrong of [
      by('operator 4'),
      by('operator 5', { ...wish, e: 1 }),
      by('operator 5', { ...wish, index: 4 }),
    ])
      assert.equal((await leave(wrong)).proposalHash, null)
    assert.ok((await leave(by('operator 5'))).proposalHash)
    assert.ok(await net.until(net.allIn(1)))
    const status = await ask({ op: 'epoch-status' }, epochStatusReply)
    assert.equal(status.standing, 'left')
  })
})
