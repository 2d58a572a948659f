import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, sign } from 'node:crypto'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import {
  encodeRsaSpki,
  parseRsaSpki,
  rsaKey,
  verifyPs256,
  verifyRs256,
} from '../../../../protocols/request/credentials/rsa.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { rsaPair } from './actors.ts'

const message = utf8ToBytes('a message')
const spkiOf = (name: string): Uint8Array =>
  new Uint8Array(rsaPair(name).publicKey.export({ type: 'spki', format: 'der' }))
const pss = (saltLength: number) =>
  new Uint8Array(
    sign('sha256', message, {
      key: rsaPair('alice').privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength,
    }),
  )

describe('RSA', () => {
  it('verifies what OpenSSL signs, of any accepted size', () => {
    for (const modulusLength of [2048, 2049, 2055, 3072]) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength })
      const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
      const key = parseRsaSpki(spki)
      assert.deepEqual(encodeRsaSpki(key), spki)
      const pkcs1 = new Uint8Array(sign('sha256', message, privateKey))
      assert.equal(verifyRs256(key, message, pkcs1), true, `PKCS1 ${modulusLength}`)
      assert.equal(verifyPs256(key, message, pkcs1), false)
      const padding = constants.RSA_PKCS1_PSS_PADDING
      const probabilistic = new Uint8Array(
        sign('sha256', message, { key: privateKey, padding, saltLength: 32 }),
      )
      assert.equal(verifyPs256(key, message, probabilistic), true, `PSS ${modulusLength}`)
      assert.equal(verifyRs256(key, message, probabilistic), false)
    }
  }).timeout(20_000)

  it('refuses other hashes, salts, messages, keys, and every changed byte', () => {
    const key = parseRsaSpki(spkiOf('alice'))
    const good = new Uint8Array(sign('sha256', message, rsaPair('alice').privateKey))
    const sha1 = new Uint8Array(sign('sha1', message, rsaPair('alice').privateKey))
    assert.equal(verifyRs256(key, message, sha1), false)
    assert.equal(verifyRs256(key, utf8ToBytes('another'), good), false)
    assert.equal(verifyRs256(parseRsaSpki(spkiOf('bob')), message, good), false)
    for (const salt of [0, 20, 31, 33, 64])
      assert.equal(verifyPs256(key, message, pss(salt)), false)
    const probabilistic = pss(32)
    for (let at = 0; at < good.length; at += 5) {
      const change = (bytes: Uint8Array) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
      assert.equal(verifyRs256(key, message, change(good)), false)
      assert.equal(verifyPs256(key, message, change(probabilistic)), false)
    }
    for (const bytes of [good.slice(1), concatBytes(Uint8Array.of(0), good), new Uint8Array(256)])
      assert.equal(verifyRs256(key, message, bytes), false)
    const beyond = concatBytes(good)
    beyond.fill(0xff) // above the modulus
    assert.equal(verifyRs256(key, message, beyond), false)
  })

  it('refuses the forgery for small exponents: a hash that is not at the end', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicExponent: 3,
    })
    const key = parseRsaSpki(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })))
    const good = new Uint8Array(sign('sha256', message, privateKey))
    assert.equal(verifyRs256(key, message, good), true)
    const s = BigInt(`0x${Buffer.from(good).toString('hex')}`)
    const prefix = (s ** 3n % key.n) >> 1024n // padding and hash where a lax reader looks for them
    const root = cubeRoot((prefix << 1024n) | ((1n << 1024n) - 1n))
    const forged = new Uint8Array(Buffer.from(root.toString(16).padStart(512, '0'), 'hex'))
    assert.equal(verifyRs256(key, message, forged), false)
  })

  it('takes one encoding of a key', () => {
    const spki = spkiOf('alice')
    for (let length = 0; length < spki.length; length += 3)
      assert.throws(() => parseRsaSpki(spki.slice(0, length)), DecodeError)
    assert.throws(() => parseRsaSpki(new Uint8Array([...spki, 0])), DecodeError)
    for (let at = 0; at < spki.length; at++)
      for (const mask of [1, 0x80]) {
        const changed = spki.map((byte, i) => (i === at ? byte ^ mask : byte))
        try {
          assert.deepEqual(encodeRsaSpki(parseRsaSpki(changed)), changed, `byte ${at}`)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
        }
      }
    assert.throws(
      () =>
        parseRsaSpki(
          new Uint8Array(
            generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
              type: 'spki',
              format: 'der',
            }),
          ),
        ),
      /too small/,
    )
  })

  it('bounds its numbers', () => {
    const modulus = new Uint8Array(256).fill(0xff)
    const exponent = Uint8Array.of(1, 0, 1)
    assert.equal(rsaKey(modulus, exponent).e, 65537n)
    const refused: [Uint8Array, Uint8Array][] = [
      [modulus.map((byte, i) => (i === 255 ? 0xfe : byte)), exponent],
      [modulus.map((byte, i) => (i === 0 ? 0x7f : byte)), exponent],
      [new Uint8Array(513).fill(0xff), exponent],
      [modulus, Uint8Array.of(1)],
      [modulus, Uint8Array.of(4)],
      [modulus, Uint8Array.of(0, 3)],
      [modulus, Uint8Array.of(1, 0, 0, 0, 1)],
      [modulus, new Uint8Array()],
    ]
    for (const [n, e] of refused) assert.throws(() => rsaKey(n, e), DecodeError)
  })
})

function cubeRoot(value: bigint): bigint {
  let [low, high] = [0n, 1n << 700n]
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if (middle ** 3n <= value) low = middle
    else high = middle
  }
  return low
}
