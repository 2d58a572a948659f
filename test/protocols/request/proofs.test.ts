import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { proofMessage, verifyKeyProof } from '../../../protocols/request/proofs.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { ALGORITHMS, testKey } from './keys.ts'

const digest = new Uint8Array(32).fill(9)

/** The same signature with the other s. */
function otherS(curve: typeof p256 | typeof secp256k1, signature: Uint8Array): Uint8Array {
  const { r, s } = curve.Signature.fromBytes(signature, 'compact')
  return new curve.Signature(r, curve.Point.Fn.neg(s)).toBytes('compact')
}

describe('key proof', () => {
  it('signs the tag, a zero byte and the digest', () => {
    assert.deepEqual(
      proofMessage(digest),
      concatBytes(utf8ToBytes('holdfast/proof/key/1'), Uint8Array.of(0), digest),
    )
    assert.throws(() => proofMessage(new Uint8Array(31)), DecodeError)
  })

  for (const alg of ALGORITHMS) {
    const alice = testKey(alg, 'alice')
    const signature = alice.prove(digest)

    it(`${alg}: verifies for its digest and key only`, () => {
      assert.equal(verifyKeyProof(alice.key, digest, signature), true)
      assert.equal(verifyKeyProof(alice.key, new Uint8Array(32), signature), false)
      assert.equal(verifyKeyProof(testKey(alg, 'mallory').key, digest, signature), false)
    })

    it(`${alg}: refuses any changed bit, any other length, and zeros`, () => {
      for (let bit = 0; bit < 512; bit += 7) {
        const changed = signature.slice()
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.equal(verifyKeyProof(alice.key, digest, changed), false, `bit ${bit}`)
      }
      const lengths = [signature.slice(1), new Uint8Array([...signature, 0]), new Uint8Array(0)]
      for (const bad of [...lengths, new Uint8Array(64)])
        assert.equal(verifyKeyProof(alice.key, digest, bad), false)
    })

    it(`${alg}: is false, and throws nothing, for a key of another algorithm`, () => {
      for (const other of ALGORITHMS)
        if (other !== alg)
          assert.equal(verifyKeyProof({ ...alice.key, alg: other }, digest, signature), false)
    })
  }

  it('ES256K refuses a high s, ES256 takes either: P-256 signers do not normalise', () => {
    const k1 = testKey('ES256K', 'alice')
    const r1 = testKey('ES256', 'alice')
    const high = otherS(secp256k1, k1.prove(digest))
    assert.equal(secp256k1.Signature.fromBytes(high, 'compact').hasHighS(), true)
    assert.equal(verifyKeyProof(k1.key, digest, high), false)
    assert.equal(verifyKeyProof(r1.key, digest, otherS(p256, r1.prove(digest))), true)
  })

  it('EdDSA refuses the trivial signature of a key of small order', () => {
    const neutral = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    const head = testKey('EdDSA', 'alice').key.spki.slice(0, 12)
    const key = { kid: 'k', alg: 'EdDSA', spki: concatBytes(head, neutral) } as const
    const trivial = concatBytes(neutral, new Uint8Array(32))
    assert.equal(ed25519.verify(trivial, proofMessage(digest), neutral, { zip215: true }), true)
    assert.equal(verifyKeyProof(key, digest, trivial), false)
  })

  it('takes what WebCrypto exports and signs', async () => {
    const { subtle } = globalThis.crypto
    const algorithms = [
      ['ES256', { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }],
      ['EdDSA', { name: 'Ed25519' }],
    ] as const
    for (const [alg, parameters] of algorithms) {
      const made = await subtle.generateKey(parameters, false, ['sign', 'verify'])
      if (!('privateKey' in made)) throw new Error('bug: not a key pair')
      const spki = new Uint8Array(await subtle.exportKey('spki', made.publicKey))
      const message = Uint8Array.from(proofMessage(digest))
      const signature = new Uint8Array(await subtle.sign(parameters, made.privateKey, message))
      assert.equal(verifyKeyProof({ kid: 'k', alg, spki }, digest, signature), true, alg)
    }
  })
})
