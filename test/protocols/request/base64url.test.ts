import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fromBase64url, toBase64url } from '../../../protocols/request/base64url.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

describe('base64url', () => {
  it('agrees with the platform on any bytes, both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = toBase64url(bytes)
        assert.equal(text, Buffer.from(bytes).toString('base64url'))
        assert.deepEqual(fromBase64url(text), bytes)
      }),
    )
  })

  it('reads exactly the texts that it writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQgwZz09-_=+/ é') }), (text) => {
        let bytes: Uint8Array
        try {
          bytes = fromBase64url(text)
        } catch (error) {
          assert.ok(error instanceof DecodeError)
          return
        }
        assert.equal(toBase64url(bytes), text)
      }),
    )
  })

  for (const text of ['A', 'AAAAA', 'AB', 'AAB', 'AA==', 'A+', 'A/', 'AA\n', 'A A'])
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => fromBase64url(text), DecodeError)
    })
})
