import assert from 'node:assert/strict'
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
