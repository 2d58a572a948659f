import { deepEqual, equal, throws } from 'node:assert/strict'
import { inspect } from 'node:util'
import { Secret } from '../../../protocols/crypto/secret.ts'

describe('Secret', () => {
  it('shows nothing when printed, inspected, copied or turned into JSON', () => {
    const secret = new Secret('hunter2')
    for (const text of [String(secret), `${inspect(secret)}`, JSON.stringify({ secret })]) {
      equal(text.includes('hunter2'), false)
    }
    deepEqual(Object.keys(secret), [])
  })

  it('gives its value only through expose()', () => {
    equal(new Secret(5).expose(), 5)
  })

  it('zeroes bytes and refuses to be used after destroy()', () => {
    const bytes = Uint8Array.of(1, 2)
    const secret = new Secret(bytes)
    secret.destroy()
    deepEqual(bytes, Uint8Array.of(0, 0))
    throws(() => secret.expose(), /^Error: bug:/)
  })
})
