import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import {
  decodeCore,
  encodeCore,
  type JsonParams,
  MAX_CORE_BYTES,
  MAX_PARAMS_BYTES,
  type RequestCore,
  requestDigest,
} from '../../../protocols/request/core.ts'
import { proofMessage, verifyKeyProof } from '../../../protocols/request/proofs.ts'
import { encodeSpki } from '../../../protocols/request/spki.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte)

/** The vector of 05 §2.1. */
const vector: RequestCore = {
  networkId: filled(32, 0x11),
  scopeId: filled(16, 0x22),
  accountId: filled(16, 0x33),
  method: 'personal_sign',
  params: ['0x68656c6c6f', '0x00000000000000000000000000000000000000aa'],
  nonce: filled(16, 0x44),
  iat: 1_800_000_000,
  exp: 1_800_000_120,
  ticketHash: null,
  head: null,
}
const VECTOR_DIGEST = '137c61ef47ecee9cf37324775e8e0728a056aa3a530a308806c654674b33e9ed'

const nested = (depth: number): JsonParams =>
  depth === 1 ? [] : [nested(depth - 1) as readonly []]

describe('request core', () => {
  it('has the bytes and the digest of the published vector', () => {
    const bytes = encodeCore(vector)
    assert.equal(bytes.length, 189)
    assert.ok(bytesToHex(bytes).startsWith('8b72686f'))
    assert.ok(bytesToHex(bytes).endsWith('6b49d278f6f6'))
    assert.equal(bytesToHex(requestDigest(bytes)), VECTOR_DIGEST)
    assert.deepEqual(decodeCore(bytes), vector)
  })

  it('is proved by the signature of the published vector', () => {
    const secret = filled(32, 0x55)
    const digest = requestDigest(encodeCore(vector))
    const signature = ed25519.sign(proofMessage(digest), secret)
    assert.match(bytesToHex(signature), /^cdb78a91.*4dfd930b$/)
    const spki = encodeSpki('EdDSA', ed25519.getPublicKey(secret))
    assert.equal(verifyKeyProof({ kid: 'k', alg: 'EdDSA', spki }, digest, signature), true)
  })

  it('gives every field a part in the digest', () => {
    const changes: Partial<RequestCore>[] = [
      { networkId: filled(32, 0x12) },
      { scopeId: filled(16, 0x23) },
      { accountId: null },
      { method: 'personal_sigm' },
      { params: [] },
      { nonce: filled(16, 0x45) },
      { iat: 1_800_000_001 },
      { exp: 1_800_000_121 },
      { ticketHash: filled(32, 1) },
      { head: filled(32, 1) },
    ]
    const digests = changes.map((change) =>
      bytesToHex(requestDigest(encodeCore({ ...vector, ...change }))),
    )
    assert.equal(new Set([...digests, VECTOR_DIGEST]).size, changes.length + 1)
  })

  it('reads any parameters that it wrote', () => {
    const text = fc.string({ unit: 'grapheme' })
    const name = text.filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key))
    const { params } = fc.letrec<{ value: unknown; params: JsonParams }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 10 },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger().map((n) => n + 0), // no minus zero
        text,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
      params: fc.oneof(
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ) as fc.Arbitrary<JsonParams>,
    }))
    fc.assert(
      fc.property(params, (given) => {
        const core = { ...vector, params: given }
        assert.deepEqual(decodeCore(encodeCore(core)), core)
      }),
      { numRuns: 200 },
    )
  })

  it('refuses every flipped byte, or reads a core that is written in just these bytes', () => {
    const bytes = encodeCore({ ...vector, params: { a: [1, true, null, 'x'], b: { c: -5 } } })
    for (let at = 0; at < bytes.length; at++)
      for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const changed = bytes.slice()
        changed[at] = (changed[at] ?? 0) ^ mask
        let core: RequestCore
        try {
          core = decodeCore(changed)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
          continue
        }
        assert.deepEqual(encodeCore(core), changed)
      }
  })

  it('takes sixteen levels of parameters, the integers of 2^53-1 and 256 KiB, and no more', () => {
    const fits: JsonParams[] = [
      nested(16),
      [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
      ['x'.repeat(MAX_PARAMS_BYTES - 6)],
    ]
    for (const params of fits)
      assert.deepEqual(decodeCore(encodeCore({ ...vector, params })).params, params)
    const beyond: JsonParams[] = [
      nested(17),
      [Number.MAX_SAFE_INTEGER + 1],
      ['x'.repeat(MAX_PARAMS_BYTES - 5)],
    ]
    for (const params of beyond) assert.throws(() => encodeCore({ ...vector, params }), DecodeError)
  })
})

const MALFORMED_PARAMS: Readonly<Record<string, unknown>> = {
  'a fraction': [0.5],
  'an infinity': [Infinity],
  'not a number': [Number.NaN],
  'minus zero': [-0],
  'a bigint': [1n],
  'a lone surrogate': ['\ud800'],
  'a lone surrogate in a name': { '\udc00': 1 },
  undefined: [undefined],
  'a hole': Object.assign([], { 1: 1 }),
  'a function': [() => 1],
  bytes: [new Uint8Array(1)],
  'an instance of a class': [new Map()],
  'the name __proto__': JSON.parse('{"__proto__":1}'),
  'the name constructor': [{ constructor: 1 }],
  'the name prototype': [[{ prototype: 1 }]],
  'neither an array nor an object': 'text',
  null: null,
}

describe('parameters of a core', () => {
  for (const [name, params] of Object.entries(MALFORMED_PARAMS))
    it(`refuse ${name}`, () => {
      assert.throws(() => encodeCore({ ...vector, params: params as JsonParams }), DecodeError)
    })

  it('refuse in bytes what they refuse as values', () => {
    const fields = (params: unknown): unknown[] => [
      'holdfast/request/1',
      vector.networkId,
      vector.scopeId,
      vector.accountId,
      'personal_sign',
      params,
      vector.nonce,
      vector.iat,
      vector.exp,
      null,
      null,
    ]
    const refused = [[0.5], [filled(1, 1)], [2n ** 60n], [{ constructor: 1 }], 7, nested(17)]
    for (const params of refused)
      assert.throws(() => decodeCore(encodeCanonical(fields(params))), DecodeError)
    assert.deepEqual(decodeCore(encodeCanonical(fields([1]))).params, [1])
  })
})

const MALFORMED_FIELDS: Readonly<Record<string, Partial<Record<keyof RequestCore, unknown>>>> = {
  'a short networkId': { networkId: filled(31, 1) },
  'a text for scopeId': { scopeId: '00000000-0000-0000-0000-000000000000' },
  'a long accountId': { accountId: filled(17, 1) },
  'an empty method': { method: '' },
  'a method with a space': { method: 'personal sign' },
  'a method of 129 characters': { method: 'm'.repeat(129) },
  'a short nonce': { nonce: filled(15, 1) },
  'a negative iat': { iat: -1 },
  'a fraction for exp': { exp: 1.5 },
  'a ticketHash of 31 bytes': { ticketHash: filled(31, 1) },
  'a head of 33 bytes': { head: filled(33, 1) },
}

describe('fields of a core', () => {
  for (const [name, change] of Object.entries(MALFORMED_FIELDS))
    it(`refuse ${name}`, () => {
      assert.throws(() => encodeCore({ ...vector, ...change } as RequestCore), DecodeError)
    })

  it('refuse another name, another count, and other bytes around them', () => {
    const bytes = encodeCore(vector)
    const hex = bytesToHex(bytes)
    const mutants = [
      `8c${hex.slice(2)}f6`, // twelve fields
      `8a${hex.slice(2, -2)}`, // ten
      hex.replace('2f31', '2f32'), // holdfast/request/2
      `${hex}00`,
      hex.slice(0, -2),
      '',
      `9f${hex.slice(2)}ff`, // indefinite
      `c1${hex}`, // tagged
      `980b${hex.slice(2)}`, // a length that is not minimal
      hex.replace(/f6f6$/, 'f7f6'), // undefined
      hex.replace(/f6f6$/, 'f97e00f6'), // NaN
    ]
    for (const mutant of mutants)
      assert.throws(() => decodeCore(Buffer.from(mutant, 'hex')), DecodeError, mutant)
    assert.throws(() => decodeCore(new Uint8Array(MAX_CORE_BYTES + 1)), /more than/)
  })

  it('refuse map keys that are not sorted, or there twice', () => {
    const bytes = bytesToHex(encodeCore({ ...vector, params: { a: 1, b: 2 } }))
    for (const map of ['a2616202616101', 'a2616101616101'])
      assert.throws(
        () => decodeCore(Buffer.from(bytes.replace('a2616101616202', map), 'hex')),
        DecodeError,
      )
  })
})
