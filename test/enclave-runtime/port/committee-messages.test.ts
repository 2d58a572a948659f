import assert from 'node:assert/strict'
import * as messages from '../../../enclave-runtime/port/committee-messages.ts'
import { PAYLOAD_LIMITS, PORT_TYPES } from '../../../enclave-runtime/port/messages.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../../protocols/session/codec.ts'

const b32 = new Uint8Array(32).fill(1)
const b64 = new Uint8Array(64).fill(2)
const some = Uint8Array.of(1, 2, 3)
const codec = <T>(of: Codec<T>): Codec<unknown> => of as Codec<unknown>
const bob = { index: 2, guestSig: b32, peerId: '12D3KooW', label: 'bob' }
const view = {
  epoch: { e: 1, k: 2 },
  epochId: b32,
  t: 2,
  members: [bob],
  others: [{ ...bob, index: 0 }],
  standing: 'member',
}
const notices = [
  { about: 'refused', reasons: ['R4: t'] },
  { about: 'preflight', k: 1, reasons: [] },
  { about: 'evidence', of: 3, what: 'two-votes' },
  { about: 'clone', of: 3 },
  { about: 'fork', e: 4 },
  { about: 'shareless', e: 4 },
  { about: 'aborted', e: 4, k: 1, blamed: [2, 3] },
  { about: 'quarantine', e: 4, k: 1 },
  { about: 'active', e: 4, k: 1 },
  { about: 'receipts', e: 3, of: 5 },
  { about: 'consult', proposalHash: b32 },
]
const change = {
  kind: 1,
  joins: [some],
  leaves: [[2, 1]],
  t: 3,
  params: some,
  allowAdd: [b32],
  allowDrop: [],
  unban: [[1, 2]],
  expiresAt: 5,
}
const status = {
  standing: 'member',
  epoch: { e: 1, k: 1 },
  baseHash: b32,
  committeeId: b32,
  index: 2,
  t: 2,
  q: 3,
  members: [bob],
  attempt: {
    e: 2,
    k: 1,
    proposalHash: b32,
    step: 'reshare',
    initiator: 2,
    deadline: 9,
    round: 0,
    missing: [2],
    inDoubt: false,
  },
  proposals: [{ hash: b32, kind: 1, proposer: 2, expiresAt: 9, yes: [2], no: [] }],
  receipts: [{ e: 0, have: [2], missing: [3] }],
  contributing: [1, 3],
  stampUntil: 9,
  quarantine: { e: 2, k: 3 },
}
const empty = {
  ...status,
  epoch: null,
  index: null,
  attempt: null,
  proposals: [],
  receipts: [],
  contributing: [1, 3],
  stampUntil: null,
  quarantine: null,
}

/** Every payload with values that use every field. */
const SAMPLES: readonly [name: string, codec: Codec<unknown>, values: readonly object[]][] = [
  [
    'committeeTell',
    codec(messages.committeeTell),
    [
      { op: 'letter', to: b32, bytes: some },
      { op: 'view', view },
      { op: 'view', view: { ...view, epoch: null, others: [], standing: 'genesis' } },
      { op: 'publish', committee: some },
      ...notices.map((notice) => ({ op: 'notice', notice })),
    ],
  ],
  [
    'committeeAsk',
    codec(messages.committeeAsk),
    [
      { op: 'letter', bytes: some },
      { op: 'epoch-status' },
      { op: 'proposal', proposalHash: b32 },
      { op: 'propose', change },
      { op: 'propose', change: { ...change, kind: 2, params: null } },
      { op: 'answer', proposalHash: b32, yes: true, seq: 4, operatorSig: b64 },
      { op: 'answer', proposalHash: b32, yes: false, seq: 4, operatorSig: null },
      { op: 'join', peerId: 'p', operatorKey: b32, label: 'l', evidence: some, expiresAt: 5 },
      { op: 'leave', leave: some, t: 3, expiresAt: 5 },
      { op: 'history', e: 3 },
      { op: 'learn', cert: some },
      { op: 'alerts' },
    ],
  ],
  ['epochStatusReply', codec(messages.epochStatusReply), [status, empty]],
  [
    'proposalReply',
    codec(messages.proposalReply),
    [
      { proposal: some, joins: [some], seq: 3 },
      { proposal: null, joins: [], seq: 0 },
    ],
  ],
  [
    'proposeReply',
    codec(messages.proposeReply),
    [
      { proposalHash: b32, reasons: [] },
      { proposalHash: null, reasons: ['no vote here now'] },
    ],
  ],
  ['joinReply', codec(messages.joinReply), [{ object: some, guestSignature: b64 }]],
  ['historyReply', codec(messages.historyReply), [{ cert: some }, { cert: null }]],
  ['learnReply', codec(messages.learnReply), [{ learnt: 'next' }]],
  [
    'alertsReply',
    codec(messages.alertsReply),
    [{ alerts: notices.map((notice, at) => ({ at, notice })) }],
  ],
]

/** Each value with one field of a map in it taken away, replaced or added. */
function* spoilt(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries())
      for (const other of spoilt(item)) yield value.with(i, other)
    return
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
  yield { ...value, extra: 1 }
  for (const [key, item] of Object.entries(value)) {
    yield Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
    for (const wrong of [1.5, -1, 'Ä'.repeat(500), [[{}]]]) yield { ...value, [key]: wrong }
    for (const other of spoilt(item)) yield { ...value, [key]: other }
  }
}

describe('payloads of the committee', () => {
  for (const [name, { encode, decode }, values] of SAMPLES)
    it(`${name} decodes to what was encoded, and refuses unknown, missing and wrong fields at every depth`, () => {
      for (const value of values) {
        assert.deepEqual(decode(encode(value)), value)
        for (const other of spoilt(value))
          assert.throws(
            () => decode(typeof other === 'object' ? bytesOf(other) : some),
            DecodeError,
            JSON.stringify(other),
          )
      }
      for (const other of [[], 1, 'x', null, { op: '__proto__' }])
        assert.throws(() => decode(encodeCanonical(other)), DecodeError)
    })

  for (const [name, { encode, decode }, values] of SAMPLES)
    it(`${name}: any byte changed gives other canonical bytes or a DecodeError`, () => {
      for (const value of values) {
        const bytes = encode(value)
        for (let at = 0; at < bytes.length; at++)
          for (const flip of [0x01, 0x20, 0x80]) {
            const other = bytes.with(at, (bytes[at] ?? 0) ^ flip)
            try {
              assert.deepEqual(encode(decode(other)), other)
            } catch (error) {
              if (!(error instanceof DecodeError)) throw error
            }
          }
        assert.throws(() => decode(bytes.subarray(1)), DecodeError)
        assert.throws(() => decode(bytes.subarray(0, -1)), DecodeError)
      }
    })

  it('has a sample for every exported codec', () => {
    const exported = Object.entries(messages)
      .filter(([, value]) => typeof value === 'object' && 'decode' in value)
      .map(([name]) => name)
    assert.deepEqual(exported.sort(), SAMPLES.map(([name]) => name).sort())
  })

  it('takes each size at its limit and refuses one more', () => {
    const { committeeTell, committeeAsk, historyReply, MAX_LETTER_BYTES } = messages
    const sized = (length: number) => new Uint8Array(length)
    const KIB = 1024
    const edges: [number, Codec<unknown>, (size: number) => object][] = [
      [
        MAX_LETTER_BYTES,
        codec(committeeTell),
        (size) => ({ op: 'letter', to: b32, bytes: sized(size) }),
      ],
      [MAX_LETTER_BYTES, codec(committeeAsk), (size) => ({ op: 'letter', bytes: sized(size) })],
      [64 * KIB, codec(committeeTell), (size) => ({ op: 'publish', committee: sized(size) })],
      [64 * KIB, codec(committeeAsk), (size) => ({ op: 'learn', cert: sized(size) })],
      [64 * KIB, codec(historyReply), (size) => ({ cert: sized(size) })],
      [
        16,
        codec(committeeTell),
        (size) => ({ op: 'view', view: { ...view, members: Array(size).fill(bob) } }),
      ],
      [
        128,
        codec(committeeTell),
        (size) => ({ op: 'view', view: { ...view, others: Array(size).fill(bob) } }),
      ],
      [
        16,
        codec(committeeAsk),
        (size) => ({ op: 'propose', change: { ...change, joins: Array(size).fill(some) } }),
      ],
    ]
    for (const [limit, { encode, decode }, make] of edges) {
      assert.deepEqual(decode(encode(make(limit))), make(limit))
      assert.throws(() => decode(encodeCanonical(make(limit + 1))), DecodeError)
    }
  })

  it('has room in its frame type for what is largest, and for no more', () => {
    const { committeeAsk } = messages
    const joins = Array(3).fill(new Uint8Array(41 * 1024))
    const large = { op: 'propose', change: { ...change, joins } }
    assert.ok(encodeCanonical(large).length < (PAYLOAD_LIMITS[PORT_TYPES.committee] ?? 0))
    assert.deepEqual(committeeAsk.decode(encodeCanonical(large)), large)
    const more = { op: 'propose', change: { ...change, joins: [...joins, joins[0]] } }
    assert.throws(() => committeeAsk.decode(encodeCanonical(more)), DecodeError)
  })
})

/** Canonical bytes, or bytes that are none where the value cannot be written at all. */
function bytesOf(value: unknown): Uint8Array {
  try {
    return encodeCanonical(value)
  } catch {
    return Uint8Array.of(0xff)
  }
}
