import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { addProduct, timesX } from '../../../../protocols/kernel/reference/gf128.ts'
import { wordsOf } from '../../../../protocols/kernel/reference/hash.ts'
import {
  COLUMN_WORDS,
  foldRow,
  foldRows,
} from '../../../../protocols/kernel/reference/softspoken.ts'
import { transpose } from '../../../../protocols/kernel/reference/transpose.ts'
import { seeded } from '../../../support/seeded.ts'

const element = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(wordsOf)
const product = (a: Uint32Array, b: Uint32Array): Uint32Array => {
  const out = new Uint32Array(4)
  addProduct(out, a, b)
  return out
}
const sum = (a: Uint32Array, b: Uint32Array): Uint32Array => a.map((w, i) => w ^ (b[i] ?? 0))

/** The textbook product of two polynomials over bigints, reduced bit by bit. */
function textbook(a: Uint32Array, b: Uint32Array): Uint32Array {
  const number = (words: Uint32Array): bigint =>
    words.reduceRight((value, word) => (value << 32n) | BigInt(word), 0n)
  let value = 0n
  for (let i = 0n; i < 128n; i++) if ((number(b) >> i) & 1n) value ^= number(a) << i
  for (let i = 255n; i >= 128n; i--)
    if ((value >> i) & 1n) value ^= ((1n << 128n) | 0x87n) << (i - 128n)
  return Uint32Array.from({ length: 4 }, (_, i) => Number((value >> BigInt(32 * i)) & 0xffffffffn))
}

describe('GF(2^128)', () => {
  it('multiplies as polynomials modulo x^128 + x^7 + x^2 + x + 1', () => {
    fc.assert(
      fc.property(element, element, (a, b) => deepEqual(product(a, b), textbook(a, b))),
      { seed: 1 },
    )
  })

  it('is commutative and distributes over the sum', () => {
    fc.assert(
      fc.property(element, element, element, (a, b, c) => {
        deepEqual(product(a, b), product(b, a))
        deepEqual(product(a, sum(b, c)), sum(product(a, b), product(a, c)))
      }),
      { seed: 2 },
    )
  })

  it('multiplies by x as by the element x', () => {
    fc.assert(
      fc.property(element, (a) => {
        const shifted = a.slice()
        timesX(shifted)
        deepEqual(shifted, product(a, Uint32Array.of(2, 0, 0, 0)))
      }),
      { seed: 3 },
    )
  })
})

describe('fold', () => {
  it('of the columns equals the fold of each row by its definition', () => {
    const random = seeded('fold')
    const rows = wordsOf(random(256 * 80))
    const chi = wordsOf(random(64))
    const folded = foldRows(chi, transpose(rows, 256, 20))
    for (let r = 0; r < 256; r++) {
      const row = rows.slice(20 * r, 20 * (r + 1))
      deepEqual(folded.slice(4 * r, 4 * (r + 1)), foldRow(chi, row))
    }
  })
})

describe('transpose', () => {
  it('puts bit j of row i at bit i of row j, and back', () => {
    const rows = wordsOf(seeded('transpose')(256 * 80))
    const columns = transpose(rows, 256, 20)
    for (let i = 0; i < 256; i += 37) {
      for (let j = 0; j < 640; j += 13) {
        const there = ((columns[COLUMN_WORDS * j + (i >> 5)] ?? 0) >>> (i & 31)) & 1
        const here = ((rows[20 * i + (j >> 5)] ?? 0) >>> (j & 31)) & 1
        deepEqual([i, j, there], [i, j, here])
      }
    }
    deepEqual(transpose(columns, 640, COLUMN_WORDS), rows)
  })
})
