import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { RequestCore } from '../../../protocols/request/core.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import {
  decodePlainRequest,
  encodePlainRequest,
  fromJsonRpc,
  MAX_REQUEST_BYTES,
  type PlainRequest,
  plainRequest,
  toJsonRpc,
} from '../../../protocols/request/plain-request.ts'
import type { KeyProof } from '../../../protocols/request/proofs.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte)
const networkId = filled(32, 0x11)
const core: RequestCore = {
  networkId,
  scopeId: filled(16, 0),
  accountId: filled(16, 0x33),
  method: 'personal_sign',
  params: ['0x68656c6c6f', '0x00000000000000000000000000000000000000aa'],
  nonce: filled(16, 0x44),
  iat: 1_800_000_000,
  exp: 1_800_000_120,
  ticketHash: null,
  head: null,
}
const proof: KeyProof = { kind: 'key', kid: 'phone', signature: filled(64, 5) }
const request = plainRequest(core, [proof])

describe('plain request', () => {
  it('reads what it wrote, in CBOR and in JSON', () => {
    const variants: PlainRequest[] = [
      request,
      plainRequest({ ...core, accountId: null, params: { a: 1 } }, []),
      plainRequest({ ...core, ticketHash: filled(32, 1), head: filled(32, 2) }, [proof, proof]),
    ]
    for (const variant of variants) {
      assert.deepEqual(decodePlainRequest(encodePlainRequest(variant)), variant)
      const body: unknown = JSON.parse(JSON.stringify(toJsonRpc(variant)))
      assert.deepEqual(fromJsonRpc(body, networkId), variant)
    }
  })

  it('has the plain form of 05 §3.1', () => {
    assert.deepEqual(toJsonRpc(request), {
      method: 'personal_sign',
      params: core.params,
      holdfast: {
        scopeId: '00000000-0000-0000-0000-000000000000',
        accountId: '33333333-3333-3333-3333-333333333333',
        nonce: 'RERERERERERERERERERERA',
        iat: 1_800_000_000,
        exp: 1_800_000_120,
        proofs: [
          {
            kind: 'key',
            kid: 'phone',
            signature: Buffer.from(filled(64, 5)).toString('base64url'),
          },
        ],
      },
    })
  })

  it('gives a request for another network another digest, so that its proof fails there', () => {
    const elsewhere = fromJsonRpc(toJsonRpc(request), filled(32, 0x12))
    assert.notDeepEqual(elsewhere.digest, request.digest)
  })

  it('refuses every flipped byte, or reads a request that is written in just these bytes', () => {
    const bytes = encodePlainRequest(request)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = bytes.slice()
        changed[at] = (changed[at] ?? 0) ^ mask
        let read: PlainRequest
        try {
          read = decodePlainRequest(changed)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
          return
        }
        assert.deepEqual(encodePlainRequest(read), changed)
      }),
      { numRuns: 2000 },
    )
  })
})

const coreBytes = request.coreBytes
const MALFORMED: Readonly<Record<string, unknown>> = {
  'another version': { v: 2, core: coreBytes, proofs: [] },
  'no core': { v: 1, proofs: [] },
  'a core that is none': { v: 1, core: filled(3, 1), proofs: [] },
  'a core as a value': { v: 1, core: [1], proofs: [] },
  'no proofs': { v: 1, core: coreBytes },
  'an unknown field': { v: 1, core: coreBytes, proofs: [], hints: 1 },
  'nine proofs': { v: 1, core: coreBytes, proofs: Array.from({ length: 9 }, () => proof) },
  'a proof of another kind': { v: 1, core: coreBytes, proofs: [{ ...proof, kind: 'pin' }] },
  'a proof with an unknown field': { v: 1, core: coreBytes, proofs: [{ ...proof, x: 1 }] },
  'a signature of 63 bytes': {
    v: 1,
    core: coreBytes,
    proofs: [{ ...proof, signature: filled(63, 1) }],
  },
  'a signature as text': { v: 1, core: coreBytes, proofs: [{ ...proof, signature: 'AA' }] },
  'an empty kid': { v: 1, core: coreBytes, proofs: [{ ...proof, kid: '' }] },
  'a kid of 129 characters': {
    v: 1,
    core: coreBytes,
    proofs: [{ ...proof, kid: 'k'.repeat(129) }],
  },
  'an array': [1, coreBytes, []],
}

describe('plain request in CBOR', () => {
  for (const [name, value] of Object.entries(MALFORMED))
    it(`refuses ${name}`, () => {
      assert.throws(() => decodePlainRequest(encodeCanonical(value)), DecodeError)
    })

  it('refuses more than 600 KiB unread', () => {
    assert.throws(() => decodePlainRequest(new Uint8Array(MAX_REQUEST_BYTES + 1)), /more than/)
  })

  it('writes nothing that it would not read', () => {
    const bad: KeyProof[][] = [
      Array.from({ length: 9 }, () => proof),
      [{ ...proof, kid: '' }],
      [{ ...proof, kid: '\ud800' }],
      [{ ...proof, signature: filled(65, 1) }],
    ]
    for (const proofs of bad) assert.throws(() => plainRequest(core, proofs), DecodeError)
  })
})

const json = toJsonRpc(request)
const { holdfast } = json
const withHoldfast = (change: object): unknown => ({
  ...json,
  holdfast: { ...holdfast, ...change },
})
const [jsonProof] = holdfast.proofs
const MALFORMED_JSON: Readonly<Record<string, unknown>> = {
  'no object': 'text',
  null: null,
  'no holdfast': { method: json.method, params: json.params },
  'no params': { method: json.method, holdfast },
  'params as text': { ...json, params: 'x' },
  'an unknown field': { ...json, jsonrpc: '2.0' },
  'an unknown field of holdfast': withHoldfast({ networkId: 'x' }),
  'a method that is no name': { ...json, method: 'personal sign' },
  'a fraction in params': { ...json, params: [0.5] },
  'a scopeId in upper case': withHoldfast({ scopeId: 'AAAAAAAA-0000-0000-0000-000000000000' }),
  'no accountId': withHoldfast({ accountId: undefined }),
  'an accountId in base64url': withHoldfast({ accountId: holdfast.nonce }),
  'a padded nonce': withHoldfast({ nonce: `${holdfast.nonce}==` }),
  'a nonce of 15 bytes': withHoldfast({ nonce: 'RERERERERERERERERERE' }),
  'a nonce in another spelling': withHoldfast({ nonce: 'RERERERERERERERERERERB' }),
  'iat as text': withHoldfast({ iat: '1800000000' }),
  'exp with a fraction': withHoldfast({ exp: 1.5 }),
  'a ticketHash of 16 bytes': withHoldfast({ ticketHash: holdfast.nonce }),
  'a head that is null': withHoldfast({ head: null }),
  'no proofs': withHoldfast({ proofs: undefined }),
  'nine proofs': withHoldfast({ proofs: Array.from({ length: 9 }, () => jsonProof) }),
  'a proof with an unknown field': withHoldfast({ proofs: [{ ...jsonProof, alg: 'none' }] }),
  'a signature of 16 bytes': withHoldfast({
    proofs: [{ ...jsonProof, signature: holdfast.nonce }],
  }),
}

describe('plain request in JSON', () => {
  for (const [name, body] of Object.entries(MALFORMED_JSON))
    it(`refuses ${name} as REQ_MALFORMED`, () => {
      assert.throws(
        () => fromJsonRpc(body, networkId),
        (error) => error instanceof RequestError && error.id === 'REQ_MALFORMED',
      )
    })
})
