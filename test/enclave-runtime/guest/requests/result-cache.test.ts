import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { ResultCache } from '../../../../enclave-runtime/guest/requests/result-cache.ts'
import {
  decodeFinished,
  encodeFinished,
} from '../../../../enclave-runtime/guest/signing/finished-bytes.ts'
import { seeded } from '../../../support/seeded.ts'

const finished = (seed: string) => {
  const random = seeded(seed)
  return { signature: { r: random(32), s: random(32), recovery: 1 }, signers: [1, 3, 5] }
}
const digest = seeded('digest')(32)

describe('results', () => {
  it('stay until a day after the request’s expiry, the first one of each request', () => {
    const cache = new ResultCache()
    cache.put(digest, finished('first'), 1000)
    cache.put(digest, finished('second'), 2000)
    deepEqual(cache.get(digest, 1000 + 86_399)?.signature, finished('first').signature)
    deepEqual(cache.get(digest, 1000)?.signers, [1, 3, 5])
    equal(cache.get(digest, 1000 + 86_400), undefined)
  })

  it('are at most 65,536, and of a few bytes each, however large what was signed', () => {
    const cache = new ResultCache()
    const key = (n: number): Uint8Array => {
      const bytes = new Uint8Array(32)
      new DataView(bytes.buffer).setUint32(0, n)
      return bytes
    }
    const one = finished('one')
    for (let i = 0; i <= 65_536; i++) cache.put(key(i), one, 1000)
    equal(cache.get(key(0), 0), undefined)
    ok(cache.get(key(1), 0))
    const kept = cache.get(key(65_536), 0)
    deepEqual(Object.keys(kept ?? {}).sort(), ['signature', 'signers', 'until'])
  })

  it('travel as 65 bytes of signature and the signers, and as nothing else', () => {
    const bytes = Uint8Array.from(encodeFinished(finished('x')))
    equal(bytes.length, 65 + 1 + 3 * 2)
    deepEqual(decodeFinished(bytes), finished('x'))
    throws(() => decodeFinished(bytes.subarray(1)), { name: 'DecodeError' })
    throws(() => decodeFinished(Buffer.concat([bytes, Uint8Array.of(0)])), { name: 'DecodeError' })
  })
})
