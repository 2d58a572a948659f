import assert from 'node:assert/strict'
import { committeeSide } from '../../../enclave-runtime/host/committee-side.ts'
import type { CommitteeView } from '../../../enclave-runtime/host/guest.ts'
import {
  type CommitteeAnswers,
  committeeTeller,
  serveCommittee,
} from '../../../enclave-runtime/port/committee-port.ts'
import type { PortViolation } from '../../../enclave-runtime/port/frames.ts'
import { PORT_TYPES } from '../../../enclave-runtime/port/messages.ts'
import { Port } from '../../../enclave-runtime/port/port.ts'

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

/** Both ends of one port, and what the guest was told. */
function ends(answers: Partial<CommitteeAnswers> = {}) {
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
  serveCommittee(inside, {
    letter: (bytes) => void letters.push(bytes),
    ...answers,
  } as CommitteeAnswers)
  const host = committeeSide(outside, async (type, bytes, codec, signal) =>
    codec.decode(await outside.request(type, bytes, signal)),
  )
  return { host, tell: committeeTeller(inside), inside, letters, violations }
}

describe('the committee at the port', () => {
  it('carries letters, views, publications and notices from the guest in their order', async () => {
    const { host, tell } = ends()
    const told: unknown[] = []
    host.onLetter((to, bytes) => told.push(['letter', to, bytes]))
    host.onView((got) => told.push(['view', got]))
    host.onPublish((committee) => told.push(['publish', committee]))
    host.onNotice((notice) => told.push(['notice', notice]))
    tell.view(view)
    tell.letter(b32, some)
    tell.publish(some)
    tell.notice({ about: 'active', e: 1, k: 1 })
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
    tell.view({ ...view, t: 3 })
    tell.view(view)
    tell.publish(Uint8Array.of(9))
    tell.publish(some)
    tell.notice({ about: 'clone', of: 2 })
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
    tell.view(view)
    await turn()
    await host.letter(some)
    assert.deepEqual(await host.alerts(soon()), [])
    assert.deepEqual(letters, [some])
  })

  it('asks every question and brings each answer', async () => {
    const asked: unknown[] = []
    const { host, tell } = ends({
      proposal: (hash) => ({ proposal: hash, joins: [some], seq: 4 }),
      propose: async (change) => {
        asked.push(change)
        return { proposalHash: b32, reasons: [] }
      },
      answer: async (answer) => void asked.push(answer),
      join: async (fields) => {
        asked.push(fields)
        return { object: some, guestSignature: new Uint8Array(64) }
      },
      leave: async (wish) => {
        asked.push(wish)
        return { proposalHash: null, reasons: ['R4'] }
      },
      history: (e) => ({ cert: e === 3 ? some : null }),
      learn: async (cert) => ({ learnt: cert.length === 3 ? 'next' : 'refused' }),
    })
    tell.view(view)
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
    tell.view(view)
    await turn()
    const answer = { proposalHash: b32, yes: true, seq: 4, operatorSig: null }
    await assert.rejects(host.answer(answer, soon()), { code: 'STALE' })
    await inside.tell(PORT_TYPES.committee, some, soon())
    await turn()
    assert.equal(violations.length, 1)
  })

  it('gives up on a guest that does not answer in time', async () => {
    const { host, tell } = ends({ propose: () => new Promise(() => {}) })
    tell.view(view)
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
      proposal: (hash) => ({
        proposal: hash,
        joins: Array(16).fill(new Uint8Array(41_000)),
        seq: 1,
      }),
      propose: async () => ({ proposalHash: null, reasons: Array(99).fill('x'.repeat(999)) }),
      alerts: () => ({
        alerts: Array.from({ length: 64 }, () => ({
          at: 1,
          notice: { about: 'refused', reasons: Array(99).fill('x'.repeat(999)) },
        })),
      }),
    })
    const told: CommitteeView[] = []
    host.onView((got) => told.push(got))
    tell.view({ ...view, others: Array(1_000).fill(one) })
    tell.notice({ about: 'refused', reasons: Array(99).fill('x'.repeat(999)) })
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
