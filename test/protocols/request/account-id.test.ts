import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import {
  accountIdOf,
  credentialIdOf,
  NO_IDENTIFIER_HASH,
  NO_SCOPE_ID,
  uuidBytes,
  uuidText,
} from '../../../protocols/request/account-id.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const networkId = new Uint8Array(32).fill(1)
const digest = new Uint8Array(32).fill(2)

describe('account id', () => {
  it('is the first 16 bytes of the hash of 05 §1.1 with the bits of UUID v8', () => {
    const id = accountIdOf(networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest)
    const expected = blake3(encodeCanonical([networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest]), {
      context: utf8ToBytes('holdfast/v1 account id'),
    }).slice(0, 16)
    expected[6] = 0x80 | ((expected[6] ?? 0) & 15)
    expected[8] = 0x80 | ((expected[8] ?? 0) & 63)
    assert.deepEqual(id, expected)
    assert.match(uuidText(id), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
  })

  it('differs by network and by request, and from the credential id', () => {
    const id = accountIdOf(networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest)
    assert.notDeepEqual(accountIdOf(digest, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest), id)
    assert.notDeepEqual(accountIdOf(networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, networkId), id)
    const credential = credentialIdOf(id, { spki: new Uint8Array(44) })
    assert.equal(credential.length, 16)
    assert.notDeepEqual(credential, id)
    assert.notDeepEqual(credentialIdOf(id, { spki: new Uint8Array(91) }), credential)
  })
})

describe('UUID text', () => {
  it('has one form for each 16 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (id) => {
        assert.deepEqual(uuidBytes(uuidText(id)), id)
      }),
    )
    assert.equal(uuidText(new Uint8Array(16)), '00000000-0000-0000-0000-000000000000')
    const counted = Uint8Array.from({ length: 16 }, (_, i) => i)
    assert.equal(uuidText(counted), '00010203-0405-0607-0809-0a0b0c0d0e0f')
  })

  const bad = [
    '00010203-0405-0607-0809-0A0B0C0D0E0F',
    '00010203040506070809-0a0b0c0d0e0f',
    '{00010203-0405-0607-0809-0a0b0c0d0e0f}',
    '00010203-0405-0607-0809-0a0b0c0d0e0',
    '',
  ]
  for (const text of bad)
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => uuidBytes(text), DecodeError)
    })
})
