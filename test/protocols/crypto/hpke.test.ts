import assert from 'node:assert/strict'
import {
  type AeadEncryptionContext,
  type AeadInterface,
  CipherSuite,
  DhkemX25519HkdfSha256,
  HkdfSha256,
} from '@hpke/core'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { hpkeOpen, hpkeSeal, type Sealed } from '../../../protocols/crypto/hpke.ts'
import { seeded } from '../../support/seeded.ts'
import { fromHex, vectorFile } from '../../vectors/vector-file.ts'

interface Vectors {
  vectors: {
    mode: number
    info: string
    skEm: string
    skRm: string
    pkRm: string
    enc: string
    encryptions: { sequence_number: number; pt: string; aad: string; ct: string }[]
    exports: { exporter_context: string; L: number; exported_value: string }[]
  }[]
}

function sealing(...of: Parameters<typeof hpkeSeal>): Sealed {
  const sealed = hpkeSeal(...of)
  assert.ok(sealed)
  return sealed
}

describe('HPKE', () => {
  it('wipes the ephemeral secret', () => {
    const drawn: Uint8Array[] = []
    const random = (length: number): Uint8Array => {
      drawn.push(seeded('ephemeral')(length))
      return drawn.at(-1) as Uint8Array
    }
    sealing(random, x25519.getPublicKey(secret), info, aad, message)
    assert.ok(drawn.length === 1 && drawn[0]?.every((byte) => byte === 0))
  })

  it('has the ciphertext and the exports of RFC 9180 A.2.1', () => {
    const { vectors } = vectorFile<Vectors>('rfc9180/x25519-hkdfsha256-chacha20poly1305.json')
    const base = vectors.find(({ mode }) => mode === 0)
    assert.ok(base)
    const first = base.encryptions.find((one) => one.sequence_number === 0)
    assert.ok(first)
    const [info, aad, plaintext] = [fromHex(base.info), fromHex(first.aad), fromHex(first.pt)]
    const sealed = sealing(() => fromHex(base.skEm), fromHex(base.pkRm), info, aad, plaintext)
    assert.deepEqual(sealed.encapsulated, fromHex(base.enc))
    assert.deepEqual(sealed.ciphertext, fromHex(first.ct))
    const opened = hpkeOpen(fromHex(base.skRm), info, aad, sealed)
    assert.deepEqual(opened?.plaintext, plaintext)
    assert.equal(base.exports.length, 3)
    for (const { exporter_context, L, exported_value } of base.exports)
      for (const exporter of [sealed.exporter, opened?.exporter])
        assert.deepEqual(exporter?.(fromHex(exporter_context), L), fromHex(exported_value))
  })

  const secret = seeded('recipient')(32)
  const [info, aad, message] = ['info', 'aad', 'message'].map(utf8ToBytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const sealed = sealing(seeded('fresh'), x25519.getPublicKey(secret), info, aad, message)

  it('opens nothing under another key, info, aad, or with a changed byte', () => {
    assert.deepEqual(hpkeOpen(secret, info, aad, sealed)?.plaintext, message)
    const { encapsulated, ciphertext } = sealed
    const changed = (bytes: Uint8Array, at: number) =>
      bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
    assert.equal(hpkeOpen(seeded('other')(32), info, aad, sealed), undefined)
    assert.equal(hpkeOpen(secret, aad, aad, sealed), undefined)
    assert.equal(hpkeOpen(secret, info, info, sealed), undefined)
    for (let at = 0; at < ciphertext.length; at++) {
      const parts = { encapsulated, ciphertext: changed(ciphertext, at) }
      assert.equal(hpkeOpen(secret, info, aad, parts), undefined)
    }
    for (let at = 0; at < 32; at++) {
      const parts = { encapsulated: changed(encapsulated, at), ciphertext }
      assert.equal(hpkeOpen(secret, info, aad, parts), undefined)
    }
    for (const parts of [
      { encapsulated, ciphertext: ciphertext.slice(0, 15) },
      { encapsulated: encapsulated.slice(1), ciphertext },
    ])
      assert.equal(hpkeOpen(secret, info, aad, parts), undefined)
  })

  it('refuses keys of low order on both sides', () => {
    for (const low of [
      new Uint8Array(32),
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
    ]) {
      assert.equal(hpkeSeal(seeded('fresh'), low, info, aad, message), undefined)
      assert.equal(hpkeOpen(secret, info, aad, { ...sealed, encapsulated: low }), undefined)
    }
  })

  it('opens what another implementation seals, seals what it opens, and exports the same', async () => {
    const suite = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new ChaCha(),
    })
    const publicKey = await suite.kem.deserializePublicKey(buffer(x25519.getPublicKey(secret)))
    const privateKey = await suite.kem.deserializePrivateKey(buffer(secret))
    const sender = await suite.createSenderContext({
      recipientPublicKey: publicKey,
      info: buffer(info),
    })
    const theirs = {
      encapsulated: new Uint8Array(sender.enc),
      ciphertext: new Uint8Array(await sender.seal(buffer(message), buffer(aad))),
    }
    const opened = hpkeOpen(secret, info, aad, theirs)
    assert.deepEqual(opened?.plaintext, message)
    const context = utf8ToBytes('an export')
    const exported = new Uint8Array(await sender.export(buffer(context), 32))
    assert.deepEqual(opened?.exporter(context, 32), exported)

    const recipient = await suite.createRecipientContext({
      recipientKey: privateKey,
      enc: buffer(sealed.encapsulated),
      info: buffer(info),
    })
    const plaintext = await recipient.open(buffer(sealed.ciphertext), buffer(aad))
    assert.deepEqual(new Uint8Array(plaintext), message)
    assert.deepEqual(
      new Uint8Array(await recipient.export(buffer(context), 32)),
      sealed.exporter(context, 32),
    )
  })
})

type Binary = ArrayBufferLike | ArrayBufferView
const view = (data: Binary): Uint8Array =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer

/** The cipher that the other implementation leaves to its user. */
class ChaCha implements AeadInterface {
  readonly id = 3
  readonly keySize = 32
  readonly nonceSize = 12
  readonly tagSize = 16
  createEncryptionContext(key: ArrayBuffer): AeadEncryptionContext {
    const cipher = (iv: Binary, aad: Binary) =>
      chacha20poly1305(new Uint8Array(key), view(iv), view(aad))
    return {
      seal: async (iv, data, aad) => buffer(cipher(iv, aad).encrypt(view(data))),
      open: async (iv, data, aad) => buffer(cipher(iv, aad).decrypt(view(data))),
    }
  }
}
