import { deepEqual, equal } from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { keyedBlock } from '../../protocols/kernel/reference/blake3-block.ts'
import { wordsOf } from '../../protocols/kernel/reference/hash.ts'
import { fromHex, vectorFile } from './vector-file.ts'

interface Vectors {
  key: string
  context_string: string
  cases: { input_len: number; hash: string; keyed_hash: string; derive_key: string }[]
}

const ONE_BLOCK = 64

describe('BLAKE3, official vectors', () => {
  const { key: keyText, context_string, cases } = vectorFile<Vectors>('blake3/test_vectors.json')
  const key = utf8ToBytes(keyText)
  const context = utf8ToBytes(context_string)
  const input = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251)

  it('hold in the modes hash, keyed hash and derive key, extended output included', () => {
    equal(cases.length, 35)
    for (const { input_len, hash, keyed_hash, derive_key } of cases) {
      const bytes = input(input_len)
      const dkLen = hash.length / 2
      deepEqual(blake3(bytes, { dkLen }), fromHex(hash))
      deepEqual(blake3(bytes, { key, dkLen }), fromHex(keyed_hash))
      deepEqual(blake3(bytes, { context, dkLen }), fromHex(derive_key))
    }
  })

  it('hold for our own keyed compression wherever the input fits one block', () => {
    const small = cases.filter(({ input_len }) => input_len <= ONE_BLOCK)
    equal(small.length, 11)
    for (const { input_len, keyed_hash } of small) {
      const message = new Uint8Array(ONE_BLOCK)
      message.set(input(input_len))
      const expected = wordsOf(fromHex(keyed_hash).slice(0, 128))
      const out = new Uint32Array(expected.length)
      keyedBlock(wordsOf(key), 0, wordsOf(message), input_len, out, 0, out.length)
      deepEqual(out, expected)
    }
  })
})
