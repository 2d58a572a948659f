import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseJsonText } from '../../../../protocols/request/intents/json-text.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'

describe('JSON text', () => {
  it('is read as JSON.parse reads it, spaced or not', () => {
    const value = fc.jsonValue({ maxDepth: 6, noUnicodeString: false }).filter(holdsNoFraction)
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (given, space) => {
        const text = JSON.stringify(given, undefined, space)
        assert.deepEqual(parseJsonText(text), JSON.parse(text))
      }),
      { numRuns: 300 },
    )
  })

  it('is read with all escapes', () => {
    const text = String.raw` { "a\u0062" : "\"\\\/\b\f\n\r\té\ud83d\ude00" , "c":[ ] , "d":{ } } `
    assert.deepEqual(parseJsonText(text), { ab: '"\\/\b\f\n\r\té😀', c: [], d: {} })
  })

  it('accepts nothing that JSON.parse refuses', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'{}[]:,"\\u0e1-.x tnf'), maxLength: 12 })
    fc.assert(
      fc.property(noise, (text) => {
        let value: unknown
        try {
          value = parseJsonText(text)
        } catch (error) {
          assert.ok(error instanceof DecodeError)
          return
        }
        assert.deepEqual(value, JSON.parse(text))
      }),
      { numRuns: 3000 },
    )
  })

  const bad: Readonly<Record<string, string>> = {
    'a name twice': '{"a":1,"a":2}',
    'a name twice, once escaped': String.raw`{"a":1,"\u0061":2}`,
    'a name twice far below': '[{"x":{"b":1,"c":2,"b":1}}]',
    'the name __proto__': '{"__proto__":{}}',
    'the name constructor': '{"constructor":1}',
    'a fraction': '1.0',
    'an exponent': '1e3',
    'minus zero': '-0',
    'an integer beyond 2^53-1': '9007199254740992',
    'a leading zero': '01',
    'a leading plus': '+1',
    'a lone surrogate': String.raw`"\ud800"`,
    'a raw line break in a string': '"\n"',
    'an unknown escape': String.raw`"\x41"`,
    'an open string': '"abc',
    'an escaped end': '"abc\\"',
    'a trailing comma': '[1,]',
    'a missing comma': '[1 2]',
    'a missing colon': '{"a" 1}',
    'a name without quotes': '{a:1}',
    'an open array': '[1',
    'an open object': '{"a":1',
    'two values': '1 2',
    'a comment': '1 // x',
    'a byte order mark': '\ufeff1',
    'no value': '',
    'only space': '  ',
    'a word': 'nul',
    'seventeen levels': `${'['.repeat(17)}${']'.repeat(17)}`,
    'a hundred thousand levels': '['.repeat(100_000),
  }
  for (const [name, text] of Object.entries(bad))
    it(`refuses ${name}`, () => {
      assert.throws(() => parseJsonText(text), DecodeError)
    })
})

function holdsNoFraction(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0)
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(
    ([key, item]) =>
      !['__proto__', 'constructor', 'prototype'].includes(key) &&
      key.isWellFormed() &&
      holdsNoFraction(item),
  )
}
