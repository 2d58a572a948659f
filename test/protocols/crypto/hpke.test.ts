import assert from 'node:assert/strict'
import { HPKE_OVERHEAD, hpkeOpen, hpkeSeal } from '../../../protocols/crypto/hpke.ts'
import { seeded } from '../../support/seeded.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

/** RFC 9180, A.2.1 and A.2.1.1, sequence number 0. */
const RFC = {
  skE: hex('f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600'),
  skR: hex('8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb'),
  pkR: hex('4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a'),
  info: hex('4f6465206f6e2061204772656369616e2055726e'),
  aad: hex('436f756e742d30'),
  plaintext: hex('4265617574792069732074727574682c20747275746820626561757479'),
  enc: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
  ciphertext:
    '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
}

describe('HPKE', () => {
  it('seals and opens the message of RFC 9180', () => {
    const { skE, skR, pkR, info, aad, plaintext, enc, ciphertext } = RFC
    const sealed = hpkeSeal(() => skE.slice(), pkR, info, plaintext, aad)
    assert.equal(Buffer.from(sealed).toString('hex'), enc + ciphertext)
    assert.deepEqual(hpkeOpen(skR, info, sealed, aad), plaintext)
  })

  it('is 48 bytes longer, another each time, and wipes the ephemeral secret', () => {
    const drawn: Uint8Array[] = []
    const draw = seeded('hpke')
    const random = (length: number): Uint8Array => {
      const bytes = draw(length)
      drawn.push(bytes)
      return bytes
    }
    const [first, second] = [0, 1].map(() =>
      hpkeSeal(random, RFC.pkR, RFC.info, new Uint8Array(64).fill(5)),
    )
    assert.equal(first?.length, 64 + HPKE_OVERHEAD)
    assert.notDeepEqual(first, second)
    assert.ok(drawn.length === 2 && drawn.every((bytes) => bytes.every((byte) => byte === 0)))
  })

  it('opens nothing else: another key, info, aad, any byte or length changed, a key of low order', () => {
    const sealed = hpkeSeal(seeded('other'), RFC.pkR, RFC.info, RFC.plaintext)
    assert.deepEqual(hpkeOpen(RFC.skR, RFC.info, sealed), RFC.plaintext)
    for (const opened of [
      hpkeOpen(seeded('key')(32), RFC.info, sealed),
      hpkeOpen(RFC.skR, RFC.info.slice(1), sealed),
      hpkeOpen(RFC.skR, RFC.info, sealed, RFC.aad),
      hpkeOpen(RFC.skR, RFC.info, new Uint8Array(sealed.length)),
      hpkeOpen(RFC.skR, RFC.info, new Uint8Array([...sealed, 0])),
      ...[0, 31, 32, 47, 48].map((length) => hpkeOpen(RFC.skR, RFC.info, sealed.slice(0, length))),
      ...Array.from(sealed, (byte, at) => hpkeOpen(RFC.skR, RFC.info, sealed.with(at, byte ^ 1))),
    ])
      assert.equal(opened, undefined)
    assert.throws(() => hpkeSeal(seeded('low'), new Uint8Array(32), RFC.info, RFC.plaintext))
  })
})
