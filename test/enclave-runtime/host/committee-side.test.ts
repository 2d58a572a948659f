import assert from 'node:assert/strict'
import { committeeSide } from '../../../enclave-runtime/host/committee-side.ts'
import type { CommitteeView } from '../../../enclave-runtime/host/guest.ts'
import {
  alertsReply,
  type CommitteeAsk,
  type CommitteeTell,
  committeeAsk,
  committeeTell,
  historyReply,
  joinReply,
  learnReply,
  proposalReply,
  proposeReply,
} from '../../../enclave-runtime/port/committee-messages.ts'
import type { PortViolation } from '../../../enclave-runtime/port/frames.ts'
import { doneReply, PORT_TYPES } from '../../../enclave-runtime/port/messages.ts'
import { Port } from '../../../enclave-runtime/port/port.ts'
import type { Codec } from '../../../protocols/session/codec.ts'

const b32 = new Uint8Array(32).fill(1)
const some = Uint8Array.of(1, 2, 3)
const view: CommitteeView = {
  epoch: { e: 0, k: 1 },
  epochId: b32,
  t: 2,
  members: [{ index: 1, guestSig: b32, peerId: 'p', label: 'alice' }],
  others: [],
  standing: 'member',
}
const turn = () => new Promise((resolve) => setImmediate(resolve))
const soon = () => AbortSignal.timeout(5_000)

type Asked<Op extends CommitteeAsk['op']> = Extract<CommitteeAsk, { op: Op }>
/** What a guest answers to each question; a letter has no answer. */
type Answers = { readonly [Op in CommitteeAsk['op']]?: (ask: Asked<Op>) => unknown }
const REPLIES: { readonly [op: string]: Codec<never> } = {
  proposal: proposalReply,
  propose: proposeReply,
  answer: doneReply,
  join: joinReply,
  leave: proposeReply,
  history: historyReply,
  learn: learnReply,
  alerts: alertsReply,
} as never

/** Both ends of one port, and what the guest was told. */
function ends(answers: Answers = {}) {
  const violations: PortViolation[] = []
  const wire = (other: () => Port) => ({
    write: (bytes: Uint8Array) => {
      queueMicrotask(() => other().receive(bytes))
      return true
    },
    pause: () => {},
    resume: () => {},
  })
  const inside: Port = new Port(
    wire(() => outside),
    (violation) => violations.push(violation),
  )
  const outside: Port = new Port(
    wire(() => inside),
    (violation) => violations.push(violation),
  )
  const letters: Uint8Array[] = []
  inside.serve(PORT_TYPES.committee, async (payload) => {
    const ask = committeeAsk.decode(payload)
    if (ask.op === 'letter') {
      letters.push(ask.bytes)
      return new Uint8Array()
    }
    const reply = await (answers[ask.op] as (of: CommitteeAsk) => unknown)(ask)
    return (REPLIES[ask.op] as unknown as Codec<unknown>).encode(reply)
  })
  const tell = (told: CommitteeTell): Promise<void> =>
    inside.tell(PORT_TYPES.committee, committeeTell.encode(told), soon())
  const host = committeeSide(outside, async (type, bytes, codec, signal) =>
    codec.decode(await outside.request(type, bytes, signal)),
  )
  return { host, tell, inside, letters, violations }
}

describe('the committee at the port', () => {
  it('carries letters, views, publications and notices from the guest in their order', async () => {
    const { host, tell } = ends()
    const told: unknown[] = []
    host.onLetter((to, bytes) => told.push(['letter', to, bytes]))
    host.onView((got) => told.push(['view', got]))
    host.onPublish((committee) => told.push(['publish', committee]))
    host.onNotice((notice) => told.push(['notice', notice]))
    await tell({ op: 'view', view: view })
    await tell({ op: 'letter', to: b32, bytes: some })
    await tell({ op: 'publish', committee: some })
    await tell({ op: 'notice', notice: { about: 'active', e: 1, k: 1 } })
    await turn()
    assert.deepEqual(told, [
      ['view', view],
      ['letter', b32, some],
      ['publish', some],
      ['notice', { about: 'active', e: 1, k: 1 }],
    ])
  })

  it('keeps the latest view and publication, and the notices, for who listens later', async () => {
    const { host, tell } = ends()
    await tell({ op: 'view', view: { ...view, t: 3 } })
    await tell({ op: 'view', view: view })
    await tell({ op: 'publish', committee: Uint8Array.of(9) })
    await tell({ op: 'publish', committee: some })
    await tell({ op: 'notice', notice: { about: 'clone', of: 2 } })
    await turn()
    const told: unknown[] = []
    host.onView((got) => told.push(got))
    host.onPublish((committee) => told.push(committee))
    host.onNotice((notice) => told.push(notice))
    assert.deepEqual(told, [view, some, { about: 'clone', of: 2 }])
  })

  it('says nothing to a guest that told no view: it may not take such frames', async () => {
    const { host, tell, letters } = ends({ alerts: () => ({ alerts: [] }) })
    await host.letter(some)
    await assert.rejects(host.alerts(soon()), { code: 'NO_COMMITTEE' })
    await turn()
    assert.deepEqual(letters, [])
    await tell({ op: 'view', view: view })
    await turn()
    await host.letter(some)
    assert.deepEqual(await host.alerts(soon()), [])
    assert.deepEqual(letters, [some])
  })

  it('asks every question and brings each answer', async () => {
    const asked: unknown[] = []
    const { host, tell } = ends({
      proposal: ({ proposalHash }) => ({ proposal: proposalHash, joins: [some], seq: 4 }),
      propose: async ({ change }) => {
        asked.push(change)
        return { proposalHash: b32, reasons: [] }
      },
      answer: async (answer) => {
        asked.push(answer)
        return { ok: true }
      },
      join: async (fields) => {
        asked.push(fields)
        return { object: some, guestSignature: new Uint8Array(64) }
      },
      leave: async (wish) => {
        asked.push(wish)
        return { proposalHash: null, reasons: ['R4'] }
      },
      history: ({ e }) => ({ cert: e === 3 ? some : null }),
      learn: async ({ cert }) => ({ learnt: cert.length === 3 ? 'next' : 'refused' }),
    })
    await tell({ op: 'view', view: view })
    await turn()
    const change = {
      kind: 1,
      joins: [some],
      leaves: [[2, 1]],
      t: 3,
      params: null,
      allowAdd: [],
      allowDrop: [],
      unban: [],
      expiresAt: 5,
    } as const
    const answer = { proposalHash: b32, yes: true, seq: 4, operatorSig: null }
    const fields = { peerId: 'p', operatorKey: b32, label: 'l', evidence: some, expiresAt: 5 }
    const wish = { leave: some, t: 3, expiresAt: 5 }
    assert.deepEqual(await host.proposal(b32, soon()), { proposal: b32, joins: [some], seq: 4 })
    assert.deepEqual(await host.propose(change, soon()), { proposalHash: b32, reasons: [] })
    await host.answer(answer, soon())
    assert.deepEqual((await host.join(fields, soon())).object, some)
    assert.deepEqual(await host.leave(wish, soon()), { proposalHash: null, reasons: ['R4'] })
    assert.deepEqual(await host.history(3, soon()), some)
    assert.equal(await host.history(4, soon()), null)
    assert.equal(await host.learn(some, soon()), 'next')
    assert.equal(await host.learn(b32, soon()), 'refused')
    const without = (value: object) => ({ ...value, op: undefined })
    assert.deepEqual(
      asked.map((value) => without(value as object)),
      [change, answer, fields, wish].map(without),
    )
  })

  it('passes the code of a refusal, and takes no payload that does not decode', async () => {
    const { host, tell, inside, violations } = ends({
      answer: () => Promise.reject(Object.assign(new Error('no'), { code: 'STALE' })),
    })
    await tell({ op: 'view', view: view })
    await turn()
    const answer = { proposalHash: b32, yes: true, seq: 4, operatorSig: null }
    await assert.rejects(host.answer(answer, soon()), { code: 'STALE' })
    await inside.tell(PORT_TYPES.committee, some, soon())
    await turn()
    assert.equal(violations.length, 1)
  })

  it('gives up on a guest that does not answer in time', async () => {
    const { host, tell } = ends({ propose: () => new Promise(() => {}) })
    await tell({ op: 'view', view: view })
    await turn()
    const change = { kind: 2, joins: [], leaves: [], t: 2, params: null, expiresAt: 0 } as const
    const lists = { allowAdd: [], allowDrop: [], unban: [] }
    const asked = host.propose({ ...change, ...lists }, AbortSignal.abort())
    await assert.rejects(asked, { code: 'CANCELLED' })
  })

  it('tells no more than a payload holds: the first others, the first reasons, and that a reply is too large', async () => {
    const [one] = view.members
    assert.ok(one)
    const { host, tell, violations } = ends({
      proposal: ({ proposalHash }) => ({
        proposal: proposalHash,
        joins: Array(16).fill(new Uint8Array(41_000)),
        seq: 1,
      }),
      propose: async () => ({ proposalHash: null, reasons: Array(99).fill('x'.repeat(999)) }),
      alerts: () => ({
        alerts: Array.from({ length: 80 }, () => ({
          at: 1,
          notice: { about: 'refused', reasons: Array(99).fill('x'.repeat(999)) },
        })),
      }),
    })
    const told: CommitteeView[] = []
    host.onView((got) => told.push(got))
    await tell({ op: 'view', view: { ...view, others: Array(1_000).fill(one) } })
    await tell({
      op: 'notice',
      notice: { about: 'refused', reasons: Array(99).fill('x'.repeat(999)) },
    })
    await turn()
    assert.equal(told[0]?.others.length, 128)
    await assert.rejects(host.proposal(b32, soon()), { code: 'TOO_LARGE' })
    const joins = Array(16).fill(new Uint8Array(41_000))
    const lists = { leaves: [], allowAdd: [], allowDrop: [], unban: [] }
    const change = { kind: 1, joins, t: 2, params: null, expiresAt: 0, ...lists } as const
    await assert.rejects(host.propose(change, soon()), { code: 'TOO_LARGE' })
    const { reasons } = await host.propose({ ...change, joins: [] }, soon())
    assert.deepEqual([reasons.length, reasons[0]?.length], [8, 160])
    assert.equal((await host.alerts(soon())).length, 64)
    assert.deepEqual(violations, [])
  })
})
