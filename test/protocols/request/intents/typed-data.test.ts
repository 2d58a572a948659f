import assert from 'node:assert/strict'
import fc from 'fast-check'
import { hashTypedData as viemHash } from 'viem'
import { hexText } from '../../../../protocols/request/hex.ts'
import { hashTypedData } from '../../../../protocols/request/intents/typed-data.ts'
import type { JsonValue } from '../../../../protocols/request/json-value.ts'
import { MAIL } from './mail.ts'
import { refusedAs } from './refused.ts'

const viemDigest = (document: unknown): string =>
  viemHash(document as Parameters<typeof viemHash>[0])
const asText = (document: unknown): string => JSON.stringify(document)
const digestOf = (document: unknown): string => hexText(hashTypedData(document as JsonValue).digest)

describe('typed data', () => {
  it('has the hashes that EIP-712 publishes for its example, as text and as object', () => {
    for (const given of [MAIL, asText(MAIL)]) {
      const hashed = hashTypedData(given as unknown as JsonValue)
      assert.equal(
        hexText(hashed.domainSeparator),
        '0xf2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f',
      )
      assert.equal(
        hexText(hashed.structHash),
        '0xc52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e',
      )
      assert.equal(
        hexText(hashed.digest),
        '0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2',
      )
      assert.equal(hashed.chainId, 1n)
      assert.equal(hashed.primaryType, 'Mail')
    }
  })

  it('has the digest of viem for random types and values', () => {
    fc.assert(
      fc.property(documents, ({ ours, theirs }) => {
        assert.equal(digestOf(ours), viemDigest(theirs))
        assert.equal(digestOf(asText(ours)), digestOf(ours))
      }),
      { numRuns: 300 },
    )
  }).timeout(30_000)

  it('does not depend on the order of names, spaces, or types that nothing refers to', () => {
    const { types, primaryType, domain, message } = MAIL
    const expected = digestOf(MAIL)
    const reordered = { message, domain, primaryType, types: { Spare: [], ...types } }
    assert.equal(digestOf(reordered), expected)
    assert.equal(digestOf(JSON.stringify(reordered, undefined, 2)), expected)
  })

  it('takes types that refer to themselves through lists', () => {
    const document = {
      ...MAIL,
      types: { ...MAIL.types, Mail: [{ name: 'replies', type: 'Mail[]' }] },
      message: { replies: [{ replies: [] }, { replies: [{ replies: [] }] }] },
    }
    assert.equal(digestOf(document), viemDigest(document))
  })

  it('takes integers as numbers, decimal text and 0x text, all of one digest', () => {
    const forms = [255, '255', '0xff', '0x00FF'].map((value) => digestOf(one('uint8', value)))
    assert.deepEqual(new Set(forms).size, 1)
    assert.equal(forms[0], viemDigest(one('uint8', 255)))
    assert.equal(digestOf(one('int8', '-128')), viemDigest(one('int8', -128)))
  })
})

/** A document with one field of one type. */
const one = (type: string, value: unknown): Record<string, unknown> => ({
  ...MAIL,
  types: { ...MAIL.types, Mail: [{ name: 'a', type }] },
  message: { a: value },
})

const ATOMS: Readonly<Record<string, fc.Arbitrary<[ours: unknown, theirs: unknown]>>> = {
  bool: fc.boolean().map((value) => [value, value]),
  string: fc.string({ unit: 'grapheme' }).map((value) => [value, value]),
  bytes: bytes(0, 70),
  bytes1: bytes(1, 1),
  bytes20: bytes(20, 20),
  bytes32: bytes(32, 32),
  address: bytes(20, 20),
  uint8: integers(0n, 255n),
  uint64: integers(0n, 2n ** 64n - 1n),
  uint256: integers(0n, 2n ** 256n - 1n),
  int16: integers(-(2n ** 15n), 2n ** 15n - 1n),
  int256: integers(-(2n ** 255n), 2n ** 255n - 1n),
}

function bytes(minLength: number, maxLength: number): fc.Arbitrary<[unknown, unknown]> {
  return fc.uint8Array({ minLength, maxLength }).map((value) => [hexText(value), hexText(value)])
}

function integers(min: bigint, max: bigint): fc.Arbitrary<[unknown, unknown]> {
  return fc.bigInt({ min, max }).map((value) => [value.toString(), value])
}

interface Shape {
  readonly text: string
  readonly value: fc.Arbitrary<[unknown, unknown]>
}

const arrayOf = ({ text, value }: Shape, length: number | null): Shape => ({
  text: `${text}[${length ?? ''}]`,
  value: fc
    .array(value, { minLength: length ?? 0, maxLength: length ?? 3 })
    .map((items) => [items.map(([ours]) => ours), items.map(([, theirs]) => theirs)]),
})

/** Struct types A0, A1, … in which each may refer to those after it, and a value of the first. */
const documents: fc.Arbitrary<{ ours: unknown; theirs: unknown }> = fc
  .array(
    fc.array(
      fc.record({
        atom: fc.constantFrom(...Object.keys(ATOMS)),
        struct: fc.option(fc.nat(5)),
        arrays: fc.array(fc.constantFrom(null, 1, 2), { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .chain((plan) => {
    const types: Record<string, { name: string; type: string }[]> = {}
    const shapes: Shape[] = []
    for (const [position, fields] of [...plan.entries()].reverse()) {
      const members = fields.map(({ atom, struct, arrays }) => {
        const inner = struct === null ? undefined : shapes[struct]
        const base = inner ?? {
          text: atom,
          value: ATOMS[atom] ?? fc.constant<[unknown, unknown]>([0, 0]),
        }
        return arrays.reduce(arrayOf, base)
      })
      const name = `A${position}`
      types[name] = members.map(({ text }, i) => ({ name: `f${i}`, type: text }))
      shapes.push({
        text: name,
        value: fc
          .tuple(...members.map(({ value }) => value))
          .map((values) => [
            Object.fromEntries(values.map(([ours], i) => [`f${i}`, ours])),
            Object.fromEntries(values.map(([, theirs], i) => [`f${i}`, theirs])),
          ]),
      })
    }
    const top = shapes.at(-1)
    if (top === undefined) throw new Error('bug: a plan without structs')
    const fixed = {
      types: { ...types, EIP712Domain: MAIL.types['EIP712Domain'] },
      primaryType: 'A0',
      domain: MAIL.domain,
    }
    return top.value.map(([ours, theirs]) => ({
      ours: { ...fixed, message: ours },
      theirs: { ...fixed, message: theirs },
    }))
  })

const ADDRESS = '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB'
const VALUES: readonly [type: string, value: unknown, why: RegExp][] = [
  ['uint8', 256, /range of uint8/],
  ['uint8', -1, /range/],
  ['int8', 128, /range/],
  ['int8', '-129', /range/],
  ['uint256', (2n ** 256n).toString(), /range/],
  ['uint256', `0x1${'0'.repeat(64)}`, /not an integer/],
  ['uint256', '9'.repeat(79), /not an integer/],
  ['uint256', '01', /not an integer/],
  ['uint256', '', /not an integer/],
  ['uint256', '0x', /not an integer/],
  ['uint256', ' 1', /not an integer/],
  ['uint256', '1e3', /not an integer/],
  ['int256', '-0', /not an integer/],
  ['int256', '-0x1', /not an integer/],
  ['uint256', true, /not an integer/],
  ['uint256', null, /not an integer/],
  ['uint256', 0.5, /safe integer/],
  ['uint256', 2 ** 53, /safe integer/],
  ['bool', 1, /neither/],
  ['bool', 'true', /neither/],
  ['string', 1, /not a text/],
  ['string', '\ud800', /surrogate/],
  ['bytes', '0x0', /hex/],
  ['bytes', 'text', /hex/],
  ['bytes', '', /hex/],
  ['bytes4', '0x112233', /4 bytes/],
  ['bytes4', '0x1122334455', /4 bytes/],
  ['address', '0x1234', /address/],
  ['address', ADDRESS.replace('bBbB', 'BbBB'), /address/],
  ['address', `0x${ADDRESS.slice(2).toUpperCase()}`, /address/],
  ['uint8[]', 1, /not a list/],
  ['uint8[]', { length: 0 }, /not a list/],
  ['uint8[2]', [1], /list of 2/],
  ['uint8[2]', [1, 2, 3], /list of 2/],
  ['uint8[2][]', [[1, 2], [1]], /list of 2/],
  ['Person', null, /not an object/],
  ['Person', [], /not an object/],
  ['Person', { name: 'x' }, /missing/],
  ['Person', { name: 'x', wallet: ADDRESS, more: 1 }, /too many/],
  ['Person[]', [{ name: 'x', wallet: ADDRESS }, {}], /missing/],
]

describe('values of typed data', () => {
  for (const [type, value, why] of VALUES)
    it(`refuse ${JSON.stringify(value)?.slice(0, 40)} for ${type}`, () => {
      assert.throws(() => digestOf(one(type, value)), refusedAs('MSG_BUILD_FAILED', why))
    })
})

const TYPES_REFUSED = [
  'uint',
  'int',
  'uint0',
  'uint7',
  'uint264',
  'uint08',
  'bytes0',
  'bytes33',
  'fixed128x18',
  'function',
  'Unknown',
  'Person[0]',
  'Person[01]',
  'Person[-1]',
  'Person[]x',
  'Person []',
  'Person[',
  '[]',
  '',
  'uint8,Person',
  'string name)Evil(',
  'x'.repeat(129),
]

const withTypes = (types: object): unknown => ({ ...MAIL, types: { ...MAIL.types, ...types } })
const field = (name: unknown, type: unknown): object => ({ Spare: [{ name, type }] })
const withDomain = (fields: readonly object[], domain: object): unknown => ({
  ...(withTypes({ EIP712Domain: fields }) as object),
  domain,
})
const { domain: domainGiven, ...noDomain } = MAIL
const { EIP712Domain: domainType, ...noDomainType } = MAIL.types

const DOCUMENTS: Readonly<Record<string, unknown>> = {
  'a list': [],
  null: null,
  'no domain': noDomain,
  'an unknown field': { ...MAIL, metadata: {} },
  'types as a list': { ...MAIL, types: [] },
  'no domain type': { ...MAIL, types: noDomainType },
  'an empty domain type': withDomain([], {}),
  'a domain field of another type': withDomain([{ name: 'chainId', type: 'uint64' }], {
    chainId: 1,
  }),
  'an unknown domain field': withDomain([{ name: 'host', type: 'string' }], { host: 'x' }),
  'a domain field twice': withDomain(
    [
      { name: 'name', type: 'string' },
      { name: 'name', type: 'string' },
    ],
    { name: 'x' },
  ),
  'a domain without a field of its type': { ...MAIL, domain: { ...domainGiven, name: undefined } },
  'a domain with a field beyond its type': { ...MAIL, domain: { ...domainGiven, salt: '0x' } },
  'a negative chain': { ...MAIL, domain: { ...domainGiven, chainId: -1 } },
  'the domain as primary type': { ...MAIL, primaryType: 'EIP712Domain' },
  'an unknown primary type': { ...MAIL, primaryType: 'Letter' },
  'a primary type that every object has': { ...MAIL, primaryType: 'toString' },
  'an array as primary type': { ...MAIL, primaryType: 'Person[]' },
  'a primary type that is no text': { ...MAIL, primaryType: 1 },
  'fields that are no list': withTypes({ Spare: {} }),
  'a field that is no object': withTypes({ Spare: ['x'] }),
  'a field with more than name and type': withTypes({
    Spare: [{ name: 'a', type: 'bool', indexed: true }],
  }),
  'a field without a type': withTypes({ Spare: [{ name: 'a' }] }),
  'a field twice': withTypes({
    Spare: [
      { name: 'a', type: 'bool' },
      { name: 'a', type: 'bool' },
    ],
  }),
  'a field without a name': withTypes(field('', 'bool')),
  'a field name that ends the list': withTypes(field('a)', 'bool')),
  'a field name with a comma': withTypes(field('a,bool b', 'bool')),
  'a field name that starts with a digit': withTypes(field('1a', 'bool')),
  'a struct called like a type': withTypes({ uint256: [{ name: 'a', type: 'bool' }] }),
  'a struct called like an alias': withTypes({ uint: [{ name: 'a', type: 'bool' }] }),
  'a struct called like an array': withTypes({ 'Person[]': [{ name: 'a', type: 'bool' }] }),
  'a struct name with a bracket': withTypes({ 'A(bool b)B': [{ name: 'a', type: 'bool' }] }),
  '65 structs': withTypes(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`S${i}`, []]))),
  '65 fields': withTypes({
    Spare: Array.from({ length: 65 }, (_, i) => ({ name: `f${i}`, type: 'bool' })),
  }),
}

describe('documents of typed data', () => {
  for (const type of TYPES_REFUSED)
    it(`refuse a field of type ${JSON.stringify(type).slice(0, 40)}`, () => {
      assert.throws(() => digestOf(withTypes(field('a', type))), refusedAs('MSG_BUILD_FAILED'))
    })

  for (const [name, document] of Object.entries(DOCUMENTS))
    it(`refuse ${name}`, () => {
      // As JSON: what a caller leaves undefined is missing there.
      const value: unknown = JSON.parse(asText(document))
      assert.throws(() => digestOf(value), refusedAs('MSG_BUILD_FAILED'))
    })

  it('refuse text with a name twice, where two readers would sign different things', () => {
    const text = asText(MAIL).replace('"contents":', '"contents":"Hello!","contents":')
    assert.doesNotThrow(() => JSON.parse(text))
    assert.throws(() => digestOf(text), refusedAs('MSG_BUILD_FAILED', /twice/))
  })

  it('refuse values deeper than sixteen levels', () => {
    let message: object = { replies: [] }
    for (let i = 0; i < 10; i++) message = { replies: [message] }
    const document = {
      ...MAIL,
      types: { ...MAIL.types, Mail: [{ name: 'replies', type: 'Mail[]' }] },
      message,
    }
    assert.throws(() => digestOf(document), refusedAs('MSG_BUILD_FAILED', /deeper/))
    assert.throws(() => digestOf(asText(document)), refusedAs('MSG_BUILD_FAILED', /deeper/))
  })

  it('still have domain types to compare with', () => {
    assert.equal(domainType?.length, 4)
  })
})
