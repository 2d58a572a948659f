import { equal } from 'node:assert/strict'
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { verifyMessage } from '../../../protocols/request/proofs.ts'
import { encodeSpki } from '../../../protocols/request/spki.ts'
import { fitsKey } from '../../../src/sdk/fits-key.ts'
import { seeded } from '../../support/seeded.ts'

const random = seeded('fits key')
const secret = p256.utils.randomSecretKey(random(48))
const spki = encodeSpki('ES256', p256.getPublicKey(secret, false))

describe('fitsKey()', () => {
  const message = random(60)
  const signature = p256.sign(sha256(message), secret, { prehash: false, format: 'compact' })
  const zeros = new Uint8Array(64)
  const bent = Uint8Array.from(signature, (byte, i) => (i === 40 ? byte ^ 1 : byte))
  const cases = [
    { what: 'its own signature', spki, message, signature, fits: true },
    { what: 'another message', spki, message: random(60), signature, fits: false },
    { what: 'an altered signature', spki, message, signature: bent, fits: false },
    { what: 'zeros', spki, message, signature: zeros, fits: false },
    { what: 'a short signature', spki, message, signature: signature.subarray(1), fits: false },
    { what: 'no key', spki: spki.subarray(1), message, signature, fits: false },
  ]
  for (const { what, fits, ...of } of cases)
    it(`says of ${what} what the strict verifier says`, async () => {
      equal(await fitsKey('ES256', of.spki, of.message, of.signature), fits)
      equal(verifyMessage('ES256', of.spki, of.message, of.signature), fits)
    })

  it('does without WebCrypto', async () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
    Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true })
    try {
      equal(await fitsKey('ES256', spki, message, signature), true)
      equal(await fitsKey('ES256', spki, message, bent), false)
    } finally {
      if (own !== undefined) Object.defineProperty(globalThis, 'crypto', own)
    }
  })
})
