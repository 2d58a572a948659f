import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import {
  brokenKeySet,
  checkKeySet,
  type KeyEntry,
  keySetRoot,
} from '../../../../protocols/agreement/chain/key-set.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { exampleKeys } from '../example-epochs.ts'

const H = (tag: string, value: unknown) =>
  blake3(encodeCanonical(value), { context: utf8ToBytes(`holdfast/v1 ${tag}`) })

/** Level by level, an odd node goes up as it is: the definition, not the way it is computed. */
function rootOf(entries: readonly KeyEntry[]): Uint8Array {
  let level = entries.map(({ keyId, curve, publicKey, chainCode, commitment }) =>
    H('key set leaf', [keyId, curve, publicKey, H('cc', chainCode), H('F', commitment)]),
  )
  while (level.length > 1)
    level = level.flatMap((left, i) => {
      const right = level[i + 1]
      if (i % 2 === 1) return []
      return [right === undefined ? left : H('key set node', [left, right])]
    })
  return level[0] ?? H('key set node', [])
}

const keys = exampleKeys(9, 3, 0)
const next = exampleKeys(9, 4, 1)
const { count, root } = keySetRoot(next)
const record = { keyCount: count, keySetRoot: root }

describe('the root of a key set', () => {
  it('is a Merkle root with odd nodes promoted', () => {
    for (let n = 0; n <= keys.length; n++) {
      const some = keys.slice(0, n)
      assert.deepEqual(keySetRoot(some), { count: n, root: rootOf(some) })
    }
  })

  it('is of sorted keys, each once', () => {
    assert.throws(() => keySetRoot(keys.toReversed()), /bug/)
    assert.throws(() => keySetRoot([...keys.slice(0, 1), ...keys.slice(0, 1)]), /bug/)
  })
})

describe('R7', () => {
  const change = (at: number, fields: Partial<KeyEntry>) =>
    next.map((key, i) => (i === at ? { ...key, ...fields } : key))
  const check = (keysOfNext: KeyEntry[]) => {
    const { count, root } = keySetRoot(keysOfNext)
    return brokenKeySet(keys, keysOfNext, { keyCount: count, keySetRoot: root })
  }

  it('is kept when every key has another commitment and nothing else is another', () => {
    assert.equal(brokenKeySet(keys, next, record), undefined)
    assert.equal(check(next), undefined)
  })

  it('is broken by a key that is missing, new, or another', () => {
    const BROKEN: [KeyEntry[], RegExp][] = [
      [next.slice(1), /missing/],
      [next.slice(0, -1), /missing/],
      [next.toSpliced(4, 1), /missing/],
      [change(3, { publicKey: next[4]?.publicKey ?? root }), /is another/],
      [change(3, { chainCode: root }), /is another/],
      [change(3, { curve: 2 }), /is another/],
      [[...next, { ...(next[0] ?? assert.fail()), keyId: new Uint8Array(32).fill(0xff) }], /new/],
      [[{ ...(next[0] ?? assert.fail()), keyId: new Uint8Array(32) }, ...next], /new/],
    ]
    for (const [keysOfNext, reason] of BROKEN) {
      const broken = check(keysOfNext)
      assert.equal(broken?.rule, 'R7')
      assert.match(broken?.reason ?? '', reason)
    }
  })

  it('is checked key by key, so that others get a turn', () => {
    const check = checkKeySet(keys, next, record)
    let pauses = 0
    for (let step = check.next(); step.done !== true; step = check.next()) pauses++
    assert.equal(pauses, keys.length)
  })

  it('is broken by another count or root in the record', () => {
    assert.match(brokenKeySet(keys, next, { ...record, keyCount: 8 })?.reason ?? '', /keyCount/)
    const stale = keySetRoot(keys).root
    assert.match(
      brokenKeySet(keys, next, { ...record, keySetRoot: stale })?.reason ?? '',
      /keySetRoot/,
    )
  })
})
