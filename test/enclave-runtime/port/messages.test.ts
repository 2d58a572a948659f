import assert from 'node:assert/strict'
import {
  DEFAULT_GUEST_SETTINGS,
  type GuestSettings,
} from '../../../enclave-runtime/port/guest-settings.ts'
import * as messages from '../../../enclave-runtime/port/messages.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../../protocols/session/codec.ts'

const b32 = new Uint8Array(32).fill(1)
const settings = DEFAULT_GUEST_SETTINGS
const hello = { v: 1, bundle: b32, launcher: 'plain', peerId: 'p', isRejoining: false }
const codec = <T>(of: Codec<T>): Codec<unknown> => of as Codec<unknown>

/** Every payload with values that use every field. */
const SAMPLES: readonly [name: string, codec: Codec<unknown>, values: readonly object[]][] = [
  [
    'helloToGuest',
    codec(messages.helloToGuest),
    [
      { ...hello, genesis: null, kernel: 'wasm', settings },
      { ...hello, genesis: b32, kernel: 'reference', settings: { ...settings, readyKeys: 0 } },
    ],
  ],
  [
    'helloToHost',
    codec(messages.helloToHost),
    [
      { v: 1, networkId: b32, guestSig: b32, guestEnc: b32, index: 3 },
      { v: 1, networkId: null, guestSig: b32, guestEnc: b32, index: null },
    ],
  ],
  ['envelopeFrame', codec(messages.envelopeFrame), [{ peer: 2, bytes: b32, priority: 1 }]],
  ['doneReply', codec(messages.doneReply), [{ ok: true }]],
  ['errorReply', codec(messages.errorReply), [{ error: 'UNREACHABLE' }]],
  [
    'rpcAsk',
    codec(messages.rpcAsk),
    [
      { op: 'check', request: b32 },
      { op: 'lead', request: b32, attempt: 1, signers: [1, 2], budgetMs: 5000 },
    ],
  ],
  [
    'checkReply',
    codec(messages.checkReply),
    [
      { kind: 'sign', reqId: b32, accountId: new Uint8Array(16) },
      { kind: 'keygen', reqId: b32, accountId: null },
      { kind: 'done', result: { a: [1, 'b', null, true, -4] } },
      { kind: 'error', id: 'AUTH_FAILED', message: 'no' },
    ],
  ],
  [
    'leadReply',
    codec(messages.leadReply),
    [
      { kind: 'done', result: '0x', signers: [1, 2, 3] },
      { kind: 'error', id: 'AUTH_FAILED', message: 'no' },
      { kind: 'failed', fault: 'not-yet', parties: [2], retryAfterMs: 10, ids: ['POLICY_DENIED'] },
    ],
  ],
  [
    'storeAsk',
    codec(messages.storeAsk),
    [
      { op: 'get', name: 'n/c/0' },
      { op: 'batch', puts: [['n/c/0', b32]], deletes: ['n/c/1'] },
      { op: 'scan', prefix: '', after: '' },
    ],
  ],
  ['getReply', codec(messages.getReply), [{ record: null }, { record: b32 }]],
  ['scanReply', codec(messages.scanReply), [{ rows: [['n/c/0', b32]], more: true }]],
  [
    'commandAsk',
    codec(messages.commandAsk),
    [
      { op: 'init', peerId: 'p', operatorKey: b32, label: 'l' },
      { op: 'status' },
      { op: 'links', up: [1, 2] },
      { op: 'signNode', peerId: 'p', multiaddrs: ['/a'], gateway: null, seq: 1, expiresAt: 2 },
      { op: 'shutdown' },
    ],
  ],
  [
    'initReply',
    codec(messages.initReply),
    [
      {
        guestSig: b32,
        guestEnc: b32,
        peerId: 'p',
        operatorKey: b32,
        measurement: b32,
        evidenceHash: b32,
        label: 'l',
      },
    ],
  ],
  [
    'statusReply',
    codec(messages.statusReply),
    [
      {
        index: 1,
        pairs: [{ party: 2, state: 'ready' }],
        bans: [[1, 2]],
        keys: { active: 1, pending: 0, ready: 2 },
        presignatures: { own: 4, held: 12 },
        correlations: { pools: [{ party: 2, ready: 7 }], batches: 3, unknown: 1, aborted: 2 },
        loopDelayMs: 12,
        held: 4,
        bootId: new Uint8Array(16),
        ready: true,
      },
    ],
  ],
  ['signNodeReply', codec(messages.signNodeReply), [{ record: b32 }]],
  [
    'guestEvent',
    codec(messages.guestEvent),
    [{ code: 'READY' }, { code: 'PAIR_READY', party: 2, number: 7 }],
  ],
]

describe('payloads of the port', () => {
  for (const [name, { encode, decode }, values] of SAMPLES)
    it(`${name} decodes to what was encoded, and refuses unknown, missing and wrong fields`, () => {
      for (const value of values) {
        const bytes = encode(value)
        assert.deepEqual(decode(bytes), value)
        assert.throws(() => decode(encodeCanonical({ ...value, extra: 1 })), DecodeError)
        assert.throws(() => decode(bytes.subarray(1)), DecodeError)
        for (const key of Object.keys(value)) {
          const without = Object.fromEntries(Object.entries(value).filter(([k]) => k !== key))
          if (!(name === 'guestEvent' && key !== 'code'))
            assert.throws(() => decode(encodeCanonical(without)), DecodeError, `without ${key}`)
          for (const wrong of [{}, 1.5, 'Ä'.repeat(500), -1])
            if (key !== 'result')
              assert.throws(
                () => decode(encodeCanonical({ ...value, [key]: wrong })),
                DecodeError,
                `${key} = ${JSON.stringify(wrong)}`,
              )
        }
      }
      for (const other of [[], 1, 'x', null, { kind: 'x' }, { op: '__proto__' }])
        assert.throws(() => decode(encodeCanonical(other)), DecodeError)
    })

  it('has a sample for every exported codec', () => {
    const exported = Object.entries(messages)
      .filter(([, value]) => typeof value === 'object' && 'decode' in value)
      .map(([name]) => name)
    assert.deepEqual(exported.sort(), SAMPLES.map(([name]) => name).sort())
  })

  it('takes each size at its limit and refuses one more', () => {
    const { envelopeFrame, rpcAsk, storeAsk, helloToGuest, getReply } = messages
    const sized = (length: number) => new Uint8Array(length)
    const edges: [number, (bytes: Uint8Array) => { of: Codec<never>; value: unknown }][] = [
      [
        messages.MAX_ENVELOPE_BYTES,
        (bytes) => ({ of: envelopeFrame as never, value: { peer: 1, bytes, priority: 0 } }),
      ],
      [
        messages.MAX_REQUEST_BYTES,
        (request) => ({ of: rpcAsk as never, value: { op: 'check', request } }),
      ],
      [
        messages.MAX_RECORD_BYTES,
        (record) => ({
          of: storeAsk as never,
          value: { op: 'batch', puts: [['n/c/0', record]], deletes: [] },
        }),
      ],
      [messages.MAX_RECORD_BYTES, (record) => ({ of: getReply as never, value: { record } })],
      [
        messages.MAX_GENESIS_BYTES,
        (genesis) => ({
          of: helloToGuest as never,
          value: { ...hello, genesis, kernel: 'wasm', settings },
        }),
      ],
    ]
    for (const [limit, make] of edges) {
      const edge = make(sized(limit))
      assert.deepEqual(edge.of.decode(edge.of.encode(edge.value as never)), edge.value)
      const more = make(sized(limit + 1))
      assert.throws(() => more.of.decode(encodeCanonical(more.value)), DecodeError)
    }
    const rows = (count: number) => ({
      op: 'batch',
      puts: [],
      deletes: Array.from({ length: count }, (_, i) => `n/c/${i}`),
    })
    assert.ok(storeAsk.decode(encodeCanonical(rows(256))))
    assert.throws(() => storeAsk.decode(encodeCanonical(rows(257))), DecodeError)
    const signers = (count: number) => ({
      op: 'links',
      up: Array.from({ length: count }, (_, i) => i + 1),
    })
    assert.ok(messages.commandAsk.decode(encodeCanonical(signers(48))))
    assert.throws(() => messages.commandAsk.decode(encodeCanonical(signers(49))), DecodeError)
  })

  it('refuses settings that no operator may set', () => {
    const { correlations, presignatures, background } = settings
    const refused: readonly GuestSettings[] = [
      { ...settings, correlations: { ...correlations, high: 1025 } },
      { ...settings, correlations: { ...correlations, low: -1 } },
      { ...settings, correlations: { low: 33, high: 32 } },
      { ...settings, presignatures: { ...presignatures, keep: 65 } },
      { ...settings, presignatures: { ...presignatures, warmMinutes: 0 } },
      { ...settings, readyKeys: 65 },
      { ...settings, background: { ...background, cpuPercent: 0 } },
      { ...settings, background: { ...background, mbitPerSecond: 10_001 } },
      {
        ...settings,
        operator: {
          ...settings.operator,
          autoAccept: { ...settings.operator.autoAccept, join: 'always' as 'attested' },
        },
      },
    ]
    for (const each of refused) {
      const value = { ...hello, genesis: null, kernel: 'wasm', settings: each }
      assert.throws(() => messages.helloToGuest.decode(encodeCanonical(value)), DecodeError)
    }
  })

  it('takes only names that the vault makes', () => {
    for (const name of ['../x', 'n/c/Ä', 'N/c', 'n c', '', `n/${'0'.repeat(127)}`])
      assert.throws(
        () => messages.storeAsk.decode(encodeCanonical({ op: 'get', name })),
        DecodeError,
      )
  })

  it('refuses fractions in results, and encodes nothing that it would not decode', () => {
    const fraction = { kind: 'done', result: { a: [1.5] } }
    assert.throws(() => messages.checkReply.decode(encodeCanonical(fraction)), DecodeError)
    assert.throws(() => messages.checkReply.encode(fraction as never), /bug/)
    assert.throws(() => messages.guestEvent.encode({ code: 'FREE TEXT' } as never), /bug/)
  })

  it('stays far from the depth that the decoder takes', () => {
    const deep = { kind: 'done', result: [[[[[[]]]]]] }
    assert.deepEqual(messages.checkReply.decode(encodeCanonical(deep)), deep)
    assert.ok(decodeCanonical(encodeCanonical(deep), 1000))
    const deeper = { kind: 'done', result: [[[[[[[[]]]]]]]] }
    assert.throws(() => messages.checkReply.decode(encodeCanonical(deeper)), DecodeError)
  })
})
