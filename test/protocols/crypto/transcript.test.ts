import { deepEqual, notDeepEqual } from 'node:assert/strict'
import { objectTags, tags } from '../../../protocols/crypto/tags.ts'
import { objectHash, oracle } from '../../../protocols/crypto/transcript.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('random oracle', () => {
  it('tells apart lists of fields that concatenate to the same bytes', () => {
    const whole = oracle(tags.pok, 32, bytes(1, 2, 3))
    notDeepEqual(oracle(tags.pok, 32, bytes(1), bytes(2, 3)), whole)
    notDeepEqual(oracle(tags.pok, 32, bytes(1, 2), bytes(3)), whole)
    notDeepEqual(oracle(tags.pok, 32, bytes(1, 2, 3), bytes()), whole)
  })

  it('tells apart tags, and extends its output', () => {
    notDeepEqual(oracle(tags.pok, 32, bytes(1)), oracle(tags.chain, 32, bytes(1)))
    deepEqual(oracle(tags.pok, 64, bytes(1)).slice(0, 32), oracle(tags.pok, 32, bytes(1)))
  })
})

describe('object hash', () => {
  it('depends on the tag and on every byte', () => {
    const one = objectHash(objectTags.node, bytes(1, 2))
    notDeepEqual(objectHash(objectTags.member, bytes(1, 2)), one)
    notDeepEqual(objectHash(objectTags.node, bytes(1, 3)), one)
    deepEqual(one.length, 32)
  })
})
