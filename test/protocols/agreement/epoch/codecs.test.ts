import assert from 'node:assert/strict'
import { seenOfBase } from '../../../../protocols/agreement/epoch/beat.ts'
import { MAX_BODY_BYTES } from '../../../../protocols/agreement/epoch/body.ts'
import { isListOf } from '../../../../protocols/agreement/epoch/key-lists.ts'
import {
  decodeMessage,
  encodeMessage,
  listsOfMessage,
  MESSAGE_TYPES,
} from '../../../../protocols/agreement/epoch/message-codec.ts'
import type { Message } from '../../../../protocols/agreement/epoch/messages.ts'
import {
  decodeRecord,
  encodeRecord,
  FAMILIES,
} from '../../../../protocols/agreement/epoch/record-codec.ts'
import type { Families, Family } from '../../../../protocols/agreement/epoch/records.ts'
import { Join } from '../../../../protocols/agreement/objects/join.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { describeEncoding } from '../encodings.ts'
import { exampleKeys, MESSAGES, RECORDS } from './examples.ts'

/** The lists of a message as its sender has them. */
function listsIn(message: Message) {
  if (message.type === 'start') return [message.cut]
  if (message.type === 'frozen') return [message.keys]
  if (message.type === 'tail') return message.lists.map(({ keys }) => keys)
  return message.type === 'epoch' ? [message.keys ?? []] : []
}

describe('messages of the epoch protocol', () => {
  it('have examples of every type', () => {
    assert.deepEqual([...MESSAGE_TYPES].sort(), Object.keys(MESSAGES).sort())
  })

  for (const [type, examples] of Object.entries(MESSAGES))
    examples.forEach((message, i) => {
      const bytes = encodeMessage(message)
      const again = (other: Uint8Array): Uint8Array => {
        const { lists, complete } = decodeMessage(other)
        return encodeMessage(complete(lists.map(() => [])))
      }
      describeEncoding({ name: `${type} ${i + 1}`, bytes, again, maxBytes: MAX_BODY_BYTES })

      it(`${type} ${i + 1} is whole again with the lists that it names`, () => {
        const { type: told, lists, complete } = decodeMessage(bytes)
        const given = listsIn(message)
        assert.equal(told, type)
        assert.deepEqual(lists, listsOfMessage(message))
        assert.equal(lists.length, given.length)
        lists.forEach((name, at) => {
          assert.ok(isListOf(name, given[at] ?? []))
        })
        assert.deepEqual(complete(given), message)
      })
    })

  it('of no type that there is are refused', () => {
    const [vote] = MESSAGES.vote
    assert.ok(vote)
    const bytes = encodeMessage(vote)
    const renamed = bytes.slice()
    renamed.set(new TextEncoder().encode('vole'), 2)
    assert.throws(() => decodeMessage(renamed), DecodeError)
    assert.throws(() => decodeMessage(Uint8Array.of(0x80)), DecodeError)
  })
})

describe('records of the epoch protocol', () => {
  it('have examples of every family', () => {
    assert.deepEqual([...FAMILIES].sort(), Object.keys(RECORDS).sort())
  })

  for (const family of FAMILIES)
    RECORDS[family].forEach((value, i) => {
      const { bytes, lists } = encodeRecord(family, value as Families[Family])
      const again = (other: Uint8Array): Uint8Array => {
        const incomplete = decodeRecord(family, other)
        const given = incomplete.lists.map((_, at) => lists[at]?.keys ?? [])
        if (!incomplete.lists.every((name, at) => isListOf(name, given[at] ?? [])))
          throw new DecodeError('another list')
        const whole = incomplete.complete(given)
        return encodeRecord(family, whole).bytes
      }
      describeEncoding({ name: `${family} ${i + 1}`, bytes, again, maxBytes: MAX_BODY_BYTES })

      it(`${family} ${i + 1} is whole again with its lists`, () => {
        const incomplete = decodeRecord(family, bytes)
        assert.deepEqual(
          incomplete.lists,
          lists.map(({ name }) => name),
        )
        for (const { name, keys } of lists) assert.ok(isListOf(name, keys))
        assert.deepEqual(incomplete.complete(lists.map(({ keys }) => keys)), value)
      })
    })
})

describe('joins of a proposal', () => {
  const [message] = MESSAGES.proposal
  assert.ok(message?.type === 'proposal')
  const [join] = message.joins
  assert.ok(join)
  const large = Join.encode({ ...join.object, evidence: new Uint8Array(32 * 1024) })
  const withJoins = (count: number): Message => ({
    ...message,
    joins: Array.from({ length: count }, () => ({
      ...join,
      object: Join.decode(large),
      objectBytes: large,
    })),
  })

  it('have so many bytes that START and its record hold them, or are refused', () => {
    assert.ok(encodeMessage(withJoins(12)).length < MAX_BODY_BYTES)
    assert.throws(() => encodeMessage(withJoins(13)), DecodeError)
  })
})

describe('what was seen of members', () => {
  it('is told of those of the base alone, sixteen at most', () => {
    const [first] = RECORDS.cert
    assert.ok(first)
    const { record } = first.cert
    const one = { bootId: new Uint8Array(16), vaultSeq: 3 }
    const seen = new Map([900, 6, 800, 1, 700, 3].map((index) => [index, one] as const))
    const base = { record, hash: record.prevHash, base: baseOfRecord(record), cert: null, keys: [] }
    const told = seenOfBase({ base, seen }).map(({ index }) => index)
    assert.deepEqual(told, [1, 3, 6])
  })
})

describe('a list of keys', () => {
  const keys = exampleKeys(5, true)
  const [message] = MESSAGES.start
  const [name] = message === undefined ? [] : listsOfMessage(message)
  const cut = message?.type === 'start' ? message.cut : []

  it('is that of its name, in order, complete and unchanged, or none', () => {
    assert.ok(name)
    assert.ok(isListOf(name, cut))
    assert.ok(!isListOf(name, cut.toReversed()))
    assert.ok(!isListOf(name, cut.slice(1)))
    assert.ok(!isListOf(name, [...cut, ...keys]))
    const [first, ...rest] = cut
    assert.ok(first)
    for (const field of ['keyId', 'publicKey', 'chainCodeHash', 'commitmentHash'] as const) {
      const other = first[field].slice()
      other[0] = (other[0] ?? 0) ^ 1
      assert.ok(!isListOf(name, [{ ...first, [field]: other }, ...rest]), field)
    }
    assert.ok(!isListOf(name, [{ ...first, curve: 2 }, ...rest]))
  })

  it('of certificates takes no key without one', () => {
    const [frozen] = MESSAGES.frozen
    assert.ok(frozen?.type === 'frozen')
    const [named] = listsOfMessage(frozen)
    assert.ok(named)
    assert.ok(isListOf(named, frozen.keys))
    assert.ok(
      !isListOf(
        named,
        frozen.keys.map((key) => ({ ...key, certificate: null })),
      ),
    )
  })
})
