import assert from 'node:assert/strict'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import {
  assertReceipt,
  type CommitteeRequest,
  decodeHistory,
  decodeJoined,
  decodeNewest,
  decodeRequest,
  encodeHistory,
  encodeJoined,
  encodeNewest,
  encodeRequest,
  fittingCerts,
  MAX_ANSWER_BYTES,
  RECEIPT,
} from '../../../../src/node/committee/exchange.ts'

const KIB = 1024
const REQUESTS: readonly CommitteeRequest[] = [
  { ask: 'genesis' },
  { ask: 'newest' },
  { ask: 'history', e: 0 },
  { ask: 'history', e: 65_535 },
  { ask: 'join', join: new Uint8Array(41 * KIB) },
  { ask: 'letters', from: new Uint8Array(32).fill(4) },
]

/** Every answer with its decoder. */
const ANSWERS: readonly [
  name: string,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => unknown,
][] = [
  ['newest', encodeNewest(Uint8Array.of(1, 2)), decodeNewest],
  ['no newest', encodeNewest(null), decodeNewest],
  ['history', encodeHistory(3, [Uint8Array.of(1)]), (bytes) => decodeHistory(bytes, 3)],
  ['no history', encodeHistory(3, []), (bytes) => decodeHistory(bytes, 3)],
  ['joined', encodeJoined(true), decodeJoined],
  ['receipt', RECEIPT, (bytes) => assertReceipt(bytes)],
]

describe('requests between hosts about the committee', () => {
  it('decode to what was encoded', () => {
    for (const request of REQUESTS) assert.deepEqual(decodeRequest(encodeRequest(request)), request)
  })

  it('are refused in any other form', () => {
    const b32 = new Uint8Array(32)
    for (const other of [
      ['genesis', 2],
      ['genesis', 1, 1],
      ['newest', 1, null],
      ['head', 1],
      ['history', 1],
      ['history', 1, -1],
      ['history', 1, 65_536],
      ['history', 1, 1, 1],
      ['join', 1, new Uint8Array()],
      ['join', 1, new Uint8Array(41 * KIB + 1)],
      ['letters', 1, b32.subarray(1)],
      ['letters', 1, [b32]],
      { ask: 'genesis' },
      'genesis',
    ])
      assert.throws(() => decodeRequest(encodeCanonical(other)), DecodeError, String(other))
    assert.throws(() => decodeRequest(new Uint8Array()), DecodeError)
  })

  it('changed in a byte are refused or mean something else', () => {
    for (const request of REQUESTS) {
      const bytes = encodeRequest(request)
      for (let at = 0; at < Math.min(bytes.length, 64); at++) {
        const other = bytes.with(at, (bytes[at] ?? 0) ^ 1)
        try {
          assert.deepEqual(encodeRequest(decodeRequest(other)), other)
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
        }
      }
    }
  })
})

describe('answers between hosts about the committee', () => {
  it('decode to what was encoded', () => {
    assert.deepEqual(decodeNewest(encodeNewest(Uint8Array.of(5))), Uint8Array.of(5))
    assert.equal(decodeNewest(encodeNewest(null)), null)
    assert.deepEqual(decodeHistory(encodeHistory(2, [Uint8Array.of(5)]), 2), [Uint8Array.of(5)])
    for (const isTaken of [true, false]) assert.equal(decodeJoined(encodeJoined(isTaken)), isTaken)
  })

  for (const [name, bytes, decode] of ANSWERS)
    it(`${name}: each byte changed, cut or added is refused or says something else`, () => {
      const said = JSON.stringify(decode(bytes))
      const others = [
        ...Array.from(bytes, (byte, at) => bytes.with(at, byte ^ 1)),
        bytes.subarray(1),
        bytes.subarray(0, -1),
        Uint8Array.of(...bytes, 0),
      ]
      for (const other of others)
        try {
          assert.notEqual(JSON.stringify(decode(other)), said)
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
        }
    })

  it('give as many epochs as fit one frame, and none of another epoch', () => {
    const cert = (length: number) => new Uint8Array(length)
    const large = [cert(64 * KIB), cert(64 * KIB), cert(64 * KIB), cert(64 * KIB)]
    const fit = large.slice(0, fittingCerts(large))
    assert.equal(fit.length, 3)
    assert.ok(encodeHistory(7, fit).length <= MAX_ANSWER_BYTES)
    assert.equal(fittingCerts(Array.from({ length: 100 }, () => cert(10))), 64)
    assert.throws(() => decodeHistory(encodeHistory(8, fit), 7), DecodeError)
    assert.throws(() => decodeHistory(encodeHistory(7, [cert(64 * KIB + 1)]), 7), DecodeError)
  })
})
