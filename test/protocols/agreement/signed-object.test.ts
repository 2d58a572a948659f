import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { signedMessage, verifySigned } from '../../../protocols/agreement/signed-object.ts'
import { seeded } from '../../support/seeded.ts'

const secret = seeded('alice')(32)
const publicKey = ed25519.getPublicKey(secret)
const network = new Uint8Array(32).fill(1)
const object = utf8ToBytes('an encoded object')

describe('signed object', () => {
  it('signs tag, zero byte, network and hash of the object (03 §1.1)', () => {
    assert.deepEqual(
      signedMessage('ban', network, object),
      concatBytes(
        utf8ToBytes('holdfast/guest/ban/1'),
        Uint8Array.of(0),
        network,
        blake3(object, { context: utf8ToBytes('holdfast/v1 ban') }),
      ),
    )
  })

  it('verifies under its own type, network, object and key only', () => {
    const signature = ed25519.sign(signedMessage('ban', network, object), secret)
    assert.equal(verifySigned('ban', network, object, publicKey, signature), true)
    assert.equal(verifySigned('node', network, object, publicKey, signature), false)
    assert.equal(verifySigned('ban', new Uint8Array(32), object, publicKey, signature), false)
    assert.equal(verifySigned('ban', network, utf8ToBytes('other'), publicKey, signature), false)
    const other = ed25519.getPublicKey(seeded('bob')(32))
    assert.equal(verifySigned('ban', network, object, other, signature), false)
    assert.equal(verifySigned('ban', network, object, publicKey, signature.slice(1)), false)
    assert.equal(verifySigned('ban', network, object, publicKey.slice(1), signature), false)
  })

  it('refuses the signature that verifies under a key of small order by ZIP 215', () => {
    const neutral = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    const trivial = concatBytes(neutral, new Uint8Array(32))
    const message = signedMessage('ban', network, object)
    assert.equal(ed25519.verify(trivial, message, neutral, { zip215: true }), true) // the planted case
    assert.equal(verifySigned('ban', network, object, neutral, trivial), false)
  })
})
