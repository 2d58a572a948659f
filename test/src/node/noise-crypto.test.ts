import { deepEqual, equal, throws } from 'node:assert/strict'
import { pureJsCrypto } from '@chainsafe/libp2p-noise'
import { Uint8ArrayList } from 'uint8arraylist'
import { noiseCrypto } from '../../../src/node/noise-crypto.ts'
import { seeded } from '../../support/seeded.ts'

const SIZES = [0, 1, 383, 384, 399, 400, 401, 1200, 65_519]
const NONE = new Uint8Array(0)

/** The package has a copy of its own of the list. */
type Bytes = Parameters<typeof noiseCrypto.chaCha20Poly1305Encrypt>[0]
const list = (...pieces: Uint8Array[]): Bytes => new Uint8ArrayList(...pieces) as unknown as Bytes

describe('the cipher of connections', () => {
  const random = seeded('noise-crypto')
  const key = random(32)
  const plain = (bytes: Bytes) => new Uint8Array(bytes.subarray())

  for (const ad of [NONE, random(32)])
    it(`is ChaCha20-Poly1305 in every size, with ${ad.length} bytes beside it`, () => {
      for (const size of SIZES) {
        const [text, nonce] = [random(size), random(12)]
        const sealed = pureJsCrypto.chaCha20Poly1305Encrypt(text, nonce, ad, key)
        const inPieces = list(text.subarray(0, size >> 1), text.subarray(size >> 1))
        for (const given of [text, inPieces])
          deepEqual(
            plain(noiseCrypto.chaCha20Poly1305Encrypt(given, nonce, ad, key)),
            plain(sealed),
          )
        const bytes = plain(sealed)
        const cut = list(bytes.slice(0, 9), bytes.slice(9))
        for (const given of [bytes.slice(), cut]) {
          const opened = noiseCrypto.chaCha20Poly1305Decrypt(given, nonce, ad, key)
          deepEqual(plain(opened), text)
        }
      }
    })

  it('refuses what was altered, under another nonce, key, or beside other bytes', () => {
    for (const size of [100, 5_000]) {
      const [text, nonce, ad] = [random(size), random(12), random(32)]
      const sealed = plain(noiseCrypto.chaCha20Poly1305Encrypt(text, nonce, ad, key))
      const open = (bytes: Uint8Array, n = nonce, beside = ad, k = key) =>
        noiseCrypto.chaCha20Poly1305Decrypt(bytes.slice(), n, beside, k)
      equal(open(sealed).byteLength, size)
      for (const at of [0, size >> 1, size, size + 15]) {
        const altered = sealed.slice()
        altered[at] = (altered[at] ?? 0) ^ 1
        throws(() => open(altered))
      }
      throws(() => open(sealed.slice(0, -1)))
      throws(() => open(sealed, random(12)))
      throws(() => open(sealed, nonce, NONE))
      throws(() => open(sealed, nonce, ad, random(32)))
    }
  })
})
