import { deepEqual, equal } from 'node:assert/strict'
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js'
import { secp256k1_hasher } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { curveHasher, hashToCurve } from '../../protocols/kernel/reference/hash.ts'
import { seeded } from '../support/seeded.ts'
import { fromHex, vectorFile } from './vector-file.ts'

interface Suite {
  dst: string
  vectors: { msg: string; P: { x: string; y: string } }[]
}
interface Expander {
  DST: string
  tests: { msg: string; len_in_bytes: string; uniform_bytes: string }[]
}

describe('hash to curve, vectors of RFC 9380', () => {
  const { dst, vectors } = vectorFile<Suite>('rfc9380/secp256k1_XMD_SHA-256_SSWU_RO_.json')

  it('hold for our suite once its expander is exchanged for XMD over SHA-256', () => {
    const suite = curveHasher(dst, 'xmd', sha256)
    equal(vectors.length, 5)
    for (const { msg, P } of vectors) {
      const { x, y } = suite.hashToCurve(utf8ToBytes(msg)).toAffine()
      deepEqual({ x, y }, { x: BigInt(P.x), y: BigInt(P.y) })
    }
  })

  it('agree with noble on other messages, and our own suite differs', () => {
    const random = seeded('hash to curve')
    const suite = curveHasher('secp256k1_XMD:SHA-256_SSWU_RO_', 'xmd', sha256)
    for (let i = 0; i < 20; i++) {
      const message = random(68)
      const theirs = secp256k1_hasher.hashToCurve(message).toHex()
      equal(suite.hashToCurve(message).toHex(), theirs)
      equal(hashToCurve(message).toHex() === theirs, false)
    }
  })

  it('hold for the expander', () => {
    const { DST, tests } = vectorFile<Expander>('rfc9380/expand_message_xmd_SHA256_38.json')
    equal(tests.length, 10)
    for (const { msg, len_in_bytes, uniform_bytes } of tests) {
      const out = expand_message_xmd(utf8ToBytes(msg), DST, Number(len_in_bytes), sha256)
      deepEqual(out, fromHex(uniform_bytes))
    }
  })
})
