import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { encodeSpki, parseSpki } from '../../../protocols/request/spki.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { ALGORITHMS, testKey } from './keys.ts'

const exported = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  ES256K: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey,
  EdDSA: () => generateKeyPairSync('ed25519').publicKey,
}

describe('SubjectPublicKeyInfo', () => {
  for (const alg of ALGORITHMS) {
    const { spki } = testKey(alg, 'alice').key
    const headLength = spki.length - (alg === 'EdDSA' ? 32 : 65)

    it(`${alg}: takes what OpenSSL exports and writes the same bytes`, () => {
      const bytes = new Uint8Array(exported[alg]().export({ type: 'spki', format: 'der' }))
      assert.deepEqual(encodeSpki(alg, parseSpki(alg, bytes)), bytes)
    })

    it(`${alg}: refuses every changed byte of the DER around the point`, () => {
      for (let at = 0; at < headLength; at++)
        for (let mask = 1; mask < 256; mask <<= 1) {
          const changed = spki.slice()
          changed[at] = (changed[at] ?? 0) ^ mask
          assert.throws(() => parseSpki(alg, changed), DecodeError)
        }
    })

    it(`${alg}: refuses other lengths, other algorithms and points off the curve`, () => {
      const off = spki.slice()
      off.fill(0xff, headLength + 1)
      const bad = [spki.slice(0, -1), new Uint8Array([...spki, 0]), new Uint8Array(0), off]
      for (const bytes of bad) assert.throws(() => parseSpki(alg, bytes), DecodeError)
      for (const other of ALGORITHMS)
        if (other !== alg) assert.throws(() => parseSpki(other, spki), DecodeError)
    })
  }

  it('refuses compressed and hybrid points', () => {
    const { spki } = testKey('ES256K', 'alice').key
    const point = parseSpki('ES256K', spki)
    const compressed = secp256k1.Point.fromBytes(point).toBytes(true)
    assert.throws(() => encodeSpki('ES256K', compressed), DecodeError)
    // A compressed key with DER of its own, as OpenSSL writes it on request.
    const der = concatBytes(
      Buffer.from('3036301006072a8648ce3d020106052b8104000a032200', 'hex'),
      compressed,
    )
    assert.throws(() => parseSpki('ES256K', der), DecodeError)
    const hybrid = spki.slice()
    hybrid[spki.length - 65] = 6 + ((point[64] ?? 0) & 1)
    assert.throws(() => parseSpki('ES256K', hybrid), DecodeError)
  })

  it('refuses every Ed25519 point of small order and encodings that are not canonical', () => {
    const orders = new Set<string>()
    for (const start of [ed25519.Point.ZERO, ...smallOrder()]) {
      orders.add(bytesToHex(start.toBytes()))
      assert.throws(() => encodeSpki('EdDSA', start.toBytes()), DecodeError)
    }
    assert.equal(orders.size, 8)
    const notCanonical = new Uint8Array(32).fill(0xff) // y = 2^255-1 = p+18 with a sign
    assert.throws(() => encodeSpki('EdDSA', notCanonical), DecodeError)
  })
})

/** The multiples of a point of order eight, found as the torsion part of any point of full order. */
function smallOrder(): (typeof ed25519.Point.ZERO)[] {
  const order = ed25519.Point.Fn.ORDER
  for (let y = 2; y < 200; y++) {
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? y : 0))
    try {
      const torsion = ed25519.Point.fromBytes(bytes)
        .multiplyUnsafe(order - 1n)
        .add(ed25519.Point.fromBytes(bytes))
      if (torsion.double().double().is0()) continue
      return Array.from({ length: 7 }, (_, i) => torsion.multiplyUnsafe(BigInt(i + 1)))
    } catch (error) {
      if (!(error instanceof Error) || !/bad point|invalid/i.test(error.message)) throw error
    }
  }
  throw new Error('bug: no point of order eight')
}
