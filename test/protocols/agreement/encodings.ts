import assert from 'node:assert/strict'
import { concatBytes } from '@noble/hashes/utils.js'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { Example } from './objects/examples.ts'

/** The same items with the length of the outermost array in one byte more than needed. */
function twin(bytes: Uint8Array): Uint8Array {
  const [head = 0] = bytes
  assert.equal(head >> 5, 4)
  assert.ok((head & 31) < 24)
  return concatBytes(Uint8Array.of(0x98, head & 31), bytes.subarray(1))
}

/** As `twin`, of the last unsigned integer below 24 inside, if there is one. */
function innerTwin(items: readonly unknown[]): Uint8Array | undefined {
  const at = items.findLastIndex((item) => typeof item === 'number' && item < 24)
  if (at === -1) return undefined
  const parts = items.map((item, i) =>
    i === at ? Uint8Array.of(0x18, Number(item)) : encodeCanonical(item),
  )
  return concatBytes(Uint8Array.of(0x80 | items.length), ...parts)
}

const refuses = (again: (bytes: Uint8Array) => Uint8Array, bytes: Uint8Array) =>
  assert.throws(() => again(bytes), DecodeError)

/** What every codec of a canonical array must refuse, and keep, of one example. */
export function describeEncoding({ name, bytes, again, maxBytes }: Example): void {
  describe(name, () => {
    const items = decodeCanonical(bytes, maxBytes) as unknown[]

    it('is read as it was written', () => {
      assert.deepEqual(again(bytes), bytes)
      assert.deepEqual(encodeCanonical(items), bytes)
    })

    it('with one byte flipped is refused or another value with one encoding', () => {
      for (let at = 0; at < bytes.length; at++)
        for (const mask of [0x01, 0x80]) {
          const changed = bytes.slice()
          changed[at] = (changed[at] ?? 0) ^ mask
          try {
            assert.deepEqual(again(changed), changed)
          } catch (error) {
            if (!(error instanceof DecodeError)) throw error
          }
        }
    })

    it('lacks no field, has none more, and each is of its kind', () => {
      for (let at = 0; at < items.length; at++) {
        refuses(again, encodeCanonical(items.toSpliced(at, 1)))
        refuses(again, encodeCanonical(items.with(at, { not: 'a field' })))
        refuses(again, encodeCanonical(items.with(at, -1)))
        refuses(again, encodeCanonical(items.with(at, 'x'.repeat(600))))
      }
      refuses(again, encodeCanonical([...items, 0]))
      refuses(again, encodeCanonical([...items, null]))
    })

    it('has no other encoding', () => {
      refuses(again, twin(bytes))
      const inner = innerTwin(items)
      if (inner !== undefined) refuses(again, inner)
      refuses(again, concatBytes(bytes, Uint8Array.of(0)))
      refuses(again, concatBytes(Uint8Array.of(0x9f), bytes.subarray(1), Uint8Array.of(0xff)))
    })

    it('is refused above its cap before it is read', () => {
      assert.throws(() => again(new Uint8Array(maxBytes + 1)), /more than \d+ bytes/)
    })
  })
}
