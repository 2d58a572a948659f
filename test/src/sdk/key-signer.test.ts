import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import { verifyKeyProof } from '../../../protocols/request/proofs.ts'
import { keySigner } from '../../../src/sdk/key-signer.ts'
import { parsePkcs8 } from '../../../src/sdk/pkcs8.ts'

const digest = new Uint8Array(32).fill(0xd1)

const CURVES = [
  { alg: 'ES256', options: ['ec', { namedCurve: 'P-256' }] },
  { alg: 'ES256K', options: ['ec', { namedCurve: 'secp256k1' }] },
  { alg: 'EdDSA', options: ['ed25519', {}] },
] as const

/** A key as OpenSSL makes it. */
const keyOf = ([type, options]: (typeof CURVES)[number]['options']) => {
  const { privateKey, publicKey } =
    type === 'ec' ? generateKeyPairSync(type, options) : generateKeyPairSync(type)
  return {
    privateKey,
    pkcs8: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
    spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
  }
}

describe('keySigner()', () => {
  for (const { alg, options } of CURVES) {
    it(`reads the PKCS8 of an ${alg} key that OpenSSL wrote, and proves with it`, async () => {
      const { pkcs8, spki } = keyOf(options)
      const { credential, prove } = keySigner({ pkcs8 })
      assert.equal(credential.alg, alg)
      assert.deepEqual(credential.spki, spki)
      const [proof] = await prove(digest)
      assert.equal(proof?.kid, credential.kid)
      assert.ok(verifyKeyProof(credential, digest, proof?.signature ?? new Uint8Array()))
    })

    it(`is the same signer from the 32 bytes of an ${alg} key`, async () => {
      const { pkcs8 } = keyOf(options)
      const { privateKey } = parsePkcs8(pkcs8)
      const [a, b] = [keySigner({ pkcs8 }), keySigner({ alg, privateKey })]
      assert.deepEqual(a.credential, b.credential)
      privateKey.fill(0) // the signer has its own copy
      assert.ok(
        verifyKeyProof(b.credential, digest, (await b.prove(digest))[0]?.signature ?? digest),
      )
    })
  }

  it('signs by a function, whose key may be anywhere', async () => {
    const { privateKey, spki } = keyOf(CURVES[0].options)
    const signer = keySigner({
      alg: 'ES256',
      spki,
      kid: 'mine',
      sign: async (message) =>
        new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
    })
    const [proof] = await signer.prove(digest)
    assert.equal(proof?.kid, 'mine')
    assert.ok(verifyKeyProof(signer.credential, digest, proof?.signature ?? digest))
  })

  it('refuses a signature that does not fit its key', async () => {
    const { spki } = keyOf(CURVES[0].options)
    const signer = keySigner({ alg: 'ES256', spki, sign: async () => new Uint8Array(64) })
    await assert.rejects(signer.prove(digest), { id: 'AUTH_FAILED' })
  })

  it('shows no key when it is printed', () => {
    const privateKey = new Uint8Array(32).fill(0x5a)
    const signer = keySigner({ alg: 'EdDSA', privateKey })
    assert.ok(!JSON.stringify(signer).includes('90,90'))
    assert.deepEqual(Object.keys(signer), ['kind', 'credential', 'prove'])
  })
})

describe('parsePkcs8()', () => {
  it('reads the form without the public point', () => {
    const head = '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'
    const key = p256.utils.randomSecretKey(new Uint8Array(48).fill(7))
    const der = Buffer.concat([Buffer.from(head, 'hex'), key])
    assert.deepEqual(parsePkcs8(new Uint8Array(der)), { alg: 'ES256', privateKey: key })
  })

  it("refuses any other bytes, and a public point that is not the key's", () => {
    const { pkcs8 } = keyOf(CURVES[0].options)
    const changed = [0, 10, pkcs8.length - 1].map((at) =>
      pkcs8.map((byte, i) => (i === at ? byte ^ 1 : byte)),
    )
    const bad = [...changed, pkcs8.subarray(1), new Uint8Array(), Uint8Array.of(...pkcs8, 0)]
    for (const der of bad) assert.throws(() => parsePkcs8(der), { id: 'PARAMS_INVALID' })
  })
})
