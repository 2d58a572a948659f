import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import {
  addressOf,
  type RecoverableSignature,
} from '../../../protocols/request/ethereum-address.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { KnownKeys } from '../../../src/sdk/known-keys.ts'
import { seeded } from '../../support/seeded.ts'

const random = seeded('known keys')
const keyOf = () => {
  const secret = random(32)
  const sign = (digest: Uint8Array): RecoverableSignature => {
    const bytes = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' })
    return { r: bytes.slice(1, 33), s: bytes.slice(33), recovery: bytes[0] ?? 0 }
  }
  return { address: addressOf(secp256k1.getPublicKey(secret)), sign }
}

describe('KnownKeys', () => {
  const alice = keyOf()
  const mallory = keyOf()

  it('say the same of the first signature of an address and of all that follow', () => {
    const keys = new KnownKeys()
    for (let i = 0; i < 6; i++) {
      const digest = random(32)
      const { r, s, recovery } = alice.sign(digest)
      keys.expect(alice.address) // from the third on with a table
      assert.ok(!keys.signed(alice.address, digest, mallory.sign(digest)))
      assert.ok(!keys.signed(alice.address, digest, { r, s, recovery: 1 - recovery }))
      assert.ok(!keys.signed(alice.address, random(32), { r, s, recovery }))
      assert.ok(keys.signed(alice.address, digest, { r, s, recovery }))
    }
  })

  it('learn nothing from a signature of another key', () => {
    const keys = new KnownKeys()
    const digest = random(32)
    assert.ok(!keys.signed(alice.address, digest, mallory.sign(digest)))
    assert.ok(!keys.signed(alice.address, digest, mallory.sign(digest)))
    assert.ok(keys.signed(alice.address, digest, alice.sign(digest)))
  })

  it('say of what no key made that it is no signature', () => {
    const none = { r: new Uint8Array(32), s: new Uint8Array(32), recovery: 0 }
    assert.throws(() => new KnownKeys().signed(alice.address, random(32), none), DecodeError)
  })

  it('verify for more addresses than they have tables for', () => {
    const keys = new KnownKeys()
    for (const { address, sign } of Array.from({ length: 20 }, keyOf)) {
      for (let i = 0; i < 4; i++) {
        const digest = random(32)
        keys.expect(address)
        assert.ok(keys.signed(address, digest, sign(digest)))
      }
      const digest = random(32)
      assert.ok(!keys.signed(address, digest, alice.sign(digest)))
    }
  })
})
