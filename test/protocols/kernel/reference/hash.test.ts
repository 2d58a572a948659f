import { deepEqual, equal, throws } from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { mod, q, wide, writeScalar } from '../../../../protocols/kernel/reference/curve.ts'
import { keyedHash } from '../../../../protocols/kernel/reference/hash.ts'
import { seeded } from '../../../support/seeded.ts'

describe('keyed hash', () => {
  it('equals the keyed BLAKE3 of noble for every length of body and output', () => {
    const random = seeded('keyed hash')
    for (let length = 0; length <= 60; length++) {
      const key = random(32)
      const body = random(length)
      const dkLen = 1 + ((length * 7) % 200)
      const expected = blake3(concatBytes(utf8ToBytes('TREE'), body), { key, dkLen })
      deepEqual(keyedHash(key, 'TREE', dkLen, body), expected)
    }
  })

  it('refuses a body that needs a second block', () => {
    throws(() => keyedHash(new Uint8Array(32), 'TREE', 32, new Uint8Array(61)), /^Error: bug:/)
  })

  it('reduces 64 bytes big-endian', () => {
    const bytes = seeded('wide')(64)
    equal(wide(bytes), BigInt(`0x${Buffer.from(bytes).toString('hex')}`) % q)
    equal(wide(concatBytes(new Uint8Array(32), writeScalar(q - 1n))), mod(-1n))
  })
})
