import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { publicKeyToAddress } from 'viem/accounts'
import {
  addressBytes,
  addressOf,
  addressText,
  isBy,
  type RecoverableSignature,
  recoverAddress,
  recoverPoint,
} from '../../../protocols/request/ethereum-address.ts'
import { hexText } from '../../../protocols/request/hex.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { seeded } from '../../support/seeded.ts'

/** Examples of EIP-55. */
const CHECKSUMMED = [
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
]

describe('Ethereum address', () => {
  it('is that of viem for any key, compressed or not', () => {
    for (let i = 0; i < 20; i++) {
      const secret = seeded(`key ${i}`)(32)
      const point = secp256k1.getPublicKey(secret, false)
      const expected = publicKeyToAddress(`0x${Buffer.from(point).toString('hex')}`)
      assert.equal(addressOf(point), expected)
      assert.equal(addressOf(secp256k1.getPublicKey(secret, true)), expected)
    }
    assert.throws(() => addressOf(new Uint8Array(33)), DecodeError)
  })

  for (const text of CHECKSUMMED)
    it(`reads and writes ${text}`, () => {
      const bytes = addressBytes(text)
      assert.ok(bytes)
      assert.equal(addressText(bytes), text)
      assert.deepEqual(addressBytes(text.toLowerCase()), bytes)
    })

  const [good = ''] = CHECKSUMMED
  const bad = [
    good.replace('5aAe', '5aae'),
    `0x${good.slice(2).toUpperCase()}`,
    good.slice(2),
    good.slice(0, -1),
    `${good}0`,
    `${good}\n`,
    '',
  ]
  for (const text of bad)
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(addressBytes(text), undefined)
    })

  it('is that of a known key exactly where recovery gives this key, with its tables and without', () => {
    const random = seeded('known key')
    const secret = random(32)
    const plain = secp256k1.Point.fromBytes(secp256k1.getPublicKey(secret))
    const quick = secp256k1.Point.fromBytes(secp256k1.getPublicKey(secret)).precompute(4, false)
    const stranger = secp256k1.Point.fromBytes(secp256k1.getPublicKey(random(32)))
    const { Fn } = secp256k1.Point
    for (let i = 0; i < 30; i++) {
      const digest = random(32)
      const bytes = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' })
      const [recovery = 0] = bytes
      const good: RecoverableSignature = { r: bytes.slice(1, 33), s: bytes.slice(33), recovery }
      const high = Fn.toBytes(Fn.neg(Fn.fromBytes(good.s)))
      const flipped = good.r.map((byte, at) => (at === i ? byte ^ 1 : byte))
      const others: [Uint8Array, RecoverableSignature][] = [
        [random(32), good],
        ...[0, 1, 2, 3, 4, -1, 0.5]
          .filter((id) => id !== recovery)
          .map((id): [Uint8Array, RecoverableSignature] => [digest, { ...good, recovery: id }]),
        [digest, { ...good, s: high, recovery: 1 - recovery }],
        [digest, { ...good, r: flipped }],
        [digest, { ...good, s: random(32) }],
        [digest, { ...good, r: new Uint8Array(32) }],
        [digest, { ...good, s: new Uint8Array(32) }],
        [digest, { ...good, s: Fn.toBytes(1n) }],
        [digest, { ...good, r: good.r.subarray(1) }],
        [digest.subarray(1), good],
      ]
      assert.ok(recoverPoint(digest, good).equals(plain))
      for (const point of [plain, quick]) {
        assert.ok(isBy(point, digest, good))
        for (const [of, signature] of others) assert.ok(!isBy(point, of, signature))
      }
      assert.ok(!isBy(stranger, digest, good))
    }
  })

  it('is recovered from a signature, and from no other', () => {
    const secret = seeded('alice')(32)
    const digest = seeded('digest')(32)
    const bytes = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' })
    const [recovery = 0] = bytes
    const signature: RecoverableSignature = { r: bytes.slice(1, 33), s: bytes.slice(33), recovery }
    const address = addressOf(secp256k1.getPublicKey(secret))
    assert.equal(recoverAddress(digest, signature), address)
    assert.notEqual(recoverAddress(digest, { ...signature, recovery: 1 - recovery }), address)
    assert.notEqual(recoverAddress(new Uint8Array(32), signature), address)
    const broken: Partial<RecoverableSignature>[] = [
      { r: new Uint8Array(32) },
      { s: new Uint8Array(32) },
      { s: new Uint8Array(32).fill(0xff) },
      { recovery: 4 },
      { r: new Uint8Array(31) },
    ]
    for (const change of broken)
      assert.throws(() => recoverAddress(digest, { ...signature, ...change }), DecodeError)
    assert.equal(hexText(digest).length, 66)
  })
})
