import assert from 'node:assert/strict'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { toRlp } from 'viem'
import {
  decodeRlp,
  encodeRlp,
  minimalBytes,
  type RlpItem,
} from '../../../../protocols/request/intents/rlp.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'

const { item } = fc.letrec<{ item: RlpItem }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 3 },
    fc.uint8Array({ maxLength: 70 }),
    fc.array(tie('item'), { maxLength: 5 }),
  ),
}))

describe('RLP', () => {
  it('is that of viem, and read again', () => {
    fc.assert(
      fc.property(item, (given) => {
        const bytes = encodeRlp(given)
        assert.equal(bytesToHex(bytes), toRlp(given as Uint8Array[], 'hex').slice(2))
        assert.deepEqual(decodeRlp(bytes), given)
      }),
      { numRuns: 500 },
    )
  })

  it('writes lengths around every boundary as viem does', () => {
    for (const length of [0, 1, 55, 56, 255, 256, 65_535, 65_536, 200_000]) {
      const bytes = new Uint8Array(length).fill(0x80)
      assert.equal(bytesToHex(encodeRlp([bytes])), toRlp([bytes], 'hex').slice(2))
      assert.deepEqual(decodeRlp(encodeRlp([bytes])), [bytes])
    }
  })

  it('refuses every flipped byte, or reads an item that is written in just these bytes', () => {
    fc.assert(
      fc.property(item, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, place, mask) => {
        const changed = encodeRlp(given).slice()
        const at = place % changed.length
        changed[at] = (changed[at] ?? 0) ^ mask
        let read: RlpItem
        try {
          read = decodeRlp(changed)
        } catch (error) {
          assert.ok(error instanceof DecodeError)
          return
        }
        assert.deepEqual(encodeRlp(read), changed)
      }),
      { numRuns: 1000 },
    )
  })

  const bad: Readonly<Record<string, string>> = {
    nothing: '',
    'a small byte written as a string': '8105',
    'a short length written long': 'b80100',
    'a length with a leading zero': `b90038${'00'.repeat(56)}`,
    'a list length written long': 'f80180',
    'a string beyond the end': '83aabb',
    'a list beyond the end': 'c3aa',
    'an item beyond its list': 'c283aabbcc',
    'trailing bytes': '8000',
    'a length without its bytes': 'b9ff',
    'a length of eight bytes': 'bfffffffffffffffff',
    'a list of eight length bytes': 'ffffffffffffffffff',
    'six levels': 'c5c4c3c2c1c0',
  }
  for (const [name, hex] of Object.entries(bad))
    it(`refuses ${name}`, () => {
      assert.throws(() => decodeRlp(hexToBytes(hex)), DecodeError)
    })

  it('has numbers without leading zeros', () => {
    assert.deepEqual(minimalBytes(0n), new Uint8Array(0))
    assert.deepEqual(minimalBytes(256n), Uint8Array.of(1, 0))
    assert.deepEqual(minimalBytes(2n ** 256n - 1n), new Uint8Array(32).fill(255))
  })
})
