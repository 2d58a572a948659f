import { deepEqual, equal } from 'node:assert/strict'
import { addProduct } from '../../../../protocols/kernel/reference/gf128.ts'
import { bytesOf, wordsOf } from '../../../../protocols/kernel/reference/hash.ts'
import { seeded } from '../../../support/seeded.ts'
import { Arena, COMPILATION_TIMEOUT_MS } from './arena.ts'

describe('GF(2^128) of the kernel', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  function sumWithProduct(sum: Uint8Array, a: Uint8Array, b: Uint8Array): Uint8Array {
    arena.clear()
    const out = arena.put(sum)
    arena.call['gfAddProduct']?.(out, arena.put(a), arena.put(b))
    return arena.read(out, 16)
  }

  it('gives the known product of 02 §1.4', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i)
    const product = sumWithProduct(new Uint8Array(16), key.slice(0, 16), key.slice(16))
    equal(Buffer.from(product).toString('hex'), 'c041ee395862761aa00a8e7238291651')
  })

  it('adds products as the reference does, at single bits and at random', () => {
    const random = seeded('kernel field')
    const single = (bit: number): Uint8Array => {
      const element = new Uint8Array(16)
      element[bit >> 3] = 1 << (bit & 7)
      return element
    }
    const elements = [...[0, 1, 63, 64, 120, 121, 126, 127].map(single), random(16), random(16)]
    elements.push(new Uint8Array(16), new Uint8Array(16).fill(0xff))
    for (const a of elements) {
      for (const b of elements) {
        const sum = random(16)
        const expected = wordsOf(sum)
        addProduct(expected, wordsOf(a), wordsOf(b))
        deepEqual(sumWithProduct(sum, a, b), bytesOf(expected))
      }
    }
  })
})
