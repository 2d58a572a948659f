import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const hex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

const LEAF = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array({ maxLength: 20 }),
)
const VALUE = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    LEAF,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ maxLength: 4 }).filter((key) => key !== '__proto__'),
      tie('value'),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
  ),
})).value

describe('canonical CBOR', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(VALUE, (value) => {
        assert.deepEqual(decodeCanonical(encodeCanonical(value), 100_000, 12), value)
      }),
      { seed: 31 },
    )
  })

  it('decodes random bytes to a value that encodes to them, or refuses them', () => {
    let decoded = 0
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        try {
          assert.deepEqual(encodeCanonical(decodeCanonical(bytes, 12)), bytes)
          decoded++
        } catch (error) {
          assert.ok(error instanceof DecodeError)
        }
      }),
      { seed: 32, numRuns: 5000 },
    )
    assert.ok(decoded > 50)
  })

  for (const [what, bytes] of [
    ['empty input', ''],
    ['unsorted keys', 'a2 6162 01 6161 01'],
    ['a key twice', 'a2 6161 01 6161 01'],
    ['integer keys', 'a1 01 01'],
    ['an integer too long', '18 01'],
    ['a length too long', '58 01 00'],
    ['invalid UTF-8', '61 ff'],
    ['bytes of a surrogate', '63 eda080'],
    ['a float too long', 'fb 3ff0000000000000'],
    ['minus zero', 'f9 8000'],
    ['NaN', 'f9 7e00'],
    ['infinity', 'f9 7c00'],
    ['undefined', 'f7'],
    ['simple(32)', 'f8 20'],
    ['an indefinite array', '9f ff'],
    ['indefinite bytes', '5f ff'],
    ['a tag', 'c1 01'],
    ['trailing bytes', '01 01'],
    ['a cut string', '62 61'],
    ['a cut head', '19 01'],
    ['a reserved length', '1c'],
    ['a length of 2^64-1', '5b ffffffffffffffff'],
    ['a count of 2^32-1', '9a ffffffff'],
    ['a map count of 2^32-1', 'ba ffffffff'],
  ] as const)
    it(`refuses ${what}`, () => {
      assert.throws(() => decodeCanonical(hex(bytes), 100), DecodeError)
    })

  it('takes a key named __proto__ as a key, never as a prototype', () => {
    const value = decodeCanonical(hex('a1 69 5f5f70726f746f5f5f a1 6161 01'), 100)
    assert.ok(typeof value === 'object' && value !== null)
    assert.deepEqual(Object.keys(value), ['__proto__'])
    assert.equal('a' in value, false)
  })

  it('refuses 200,000 nested arrays without going deep', () => {
    assert.throws(() => decodeCanonical(new Uint8Array(200_000).fill(0x81), 300_000), DecodeError)
  })

  it('has its limits at the edge: bytes and depth', () => {
    const bytes = encodeCanonical(new Uint8Array(20))
    assert.deepEqual(decodeCanonical(bytes, 21), new Uint8Array(20))
    assert.throws(() => decodeCanonical(bytes, 20), DecodeError)
    assert.deepEqual(decodeCanonical(hex('81 81 80'), 10, 3), [[[]]])
    assert.throws(() => decodeCanonical(hex('81 81 80'), 10, 2), DecodeError)
  })

  it('refuses to encode a lone surrogate, in a value or a key', () => {
    assert.throws(() => encodeCanonical(['\ud800']), TypeError)
    assert.throws(() => encodeCanonical({ '\udc00': 1 }), TypeError)
  })

  it('gives integers from 2^53 as bigint', () => {
    assert.equal(decodeCanonical(hex('1b 0020000000000000'), 9), 2n ** 53n)
  })
})
