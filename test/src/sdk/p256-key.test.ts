import assert from 'node:assert/strict'
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { p256Key } from '../../../src/sdk/p256-key.ts'
import { seeded } from '../../support/seeded.ts'

const random = seeded('p256 key')
const fits = (signature: Uint8Array, message: Uint8Array, point: Uint8Array): boolean =>
  p256.verify(signature, sha256(message), point, { prehash: false, lowS: false })

describe('p256Key()', () => {
  const secret = p256.utils.randomSecretKey(random(48))
  const point = p256.getPublicKey(secret, false)
  const message = random(60)

  it('signs by WebCrypto, which alone has the key then', async () => {
    const own = secret.slice()
    const sign = p256Key(own)
    for (let i = 0; i < 8; i++) {
      const signature = await sign(message)
      assert.equal(signature.length, 64)
      assert.ok(fits(signature, message, point))
    }
    assert.deepEqual(own, new Uint8Array(32))
  })

  for (const [what, subtle] of [
    ['in a context that has no WebCrypto', undefined],
    [
      'where WebCrypto takes no such key',
      { importKey: () => Promise.reject(new Error('not supported')) },
    ],
  ] as const)
    it(`signs ${what}`, async () => {
      const theirs = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
      const getRandomValues = crypto.getRandomValues.bind(crypto)
      const value = { getRandomValues, subtle }
      Object.defineProperty(globalThis, 'crypto', { value, configurable: true })
      try {
        assert.ok(fits(await p256Key(secret.slice())(message), message, point))
      } finally {
        if (theirs !== undefined) Object.defineProperty(globalThis, 'crypto', theirs)
      }
    })
})
