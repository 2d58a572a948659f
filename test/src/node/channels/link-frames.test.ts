import assert from 'node:assert/strict'
import fc from 'fast-check'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import {
  BULK_BYTES,
  decodeLinkFrame,
  encodeLinkFrame,
  type LinkFrame,
  PART_BYTES,
  URGENT_BYTES,
} from '../../../../src/node/channels/link-frames.ts'

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(3)
const frames: Exclude<LinkFrame, { kind: 'later' }>[] = [
  {
    kind: 'hello',
    hello: {
      networkId: bytes(32),
      startId: bytes(8),
      epoch: 0,
      features: 0,
      sentAt: 1_700_000_000_000,
    },
  },
  { kind: 'ping', nonce: bytes(8) },
  { kind: 'pong', nonce: bytes(8) },
  { kind: 'bye', reason: 0, text: 'going' },
  { kind: 'urgent', envelope: bytes(URGENT_BYTES) },
  { kind: 'part', number: 3, bytes: bytes(PART_BYTES) },
  { kind: 'last-part', number: 4, bytes: bytes(1) },
]

describe('frames of a link', () => {
  for (const frame of frames)
    it(`reads ${frame.kind} back`, () => {
      assert.deepEqual(decodeLinkFrame(encodeLinkFrame(frame)), frame)
    })

  it('ignores kinds from 0x80 on, and refuses the unknown ones below', () => {
    const known = new Set([0x01, 0x02, 0x03, 0x04, 0x10, 0x11, 0x12])
    for (let kind = 0; kind < 256; kind++) {
      if (known.has(kind)) continue
      const frame = Uint8Array.of(kind, 1, 2, 3)
      if (kind >= 0x80) assert.deepEqual(decodeLinkFrame(frame), { kind: 'later' })
      else assert.throws(() => decodeLinkFrame(frame), DecodeError)
    }
  })

  const refused: [string, Uint8Array][] = [
    ['no byte at all', new Uint8Array(0)],
    ['an urgent envelope above its limit', join([0x10], bytes(URGENT_BYTES + 1))],
    ['an empty urgent envelope', Uint8Array.of(0x10)],
    ['a part above its limit', join([0x11, 0, 0, 0, 0], bytes(PART_BYTES + 1))],
    ['a part without bytes', Uint8Array.of(0x12, 0, 0, 0, 0)],
    ['a part number that no envelope has', Uint8Array.of(0x11, 200, 0, 0, 0, 1)],
    ['a short ping', Uint8Array.of(0x02, 1, 2, 3)],
    ['a long pong', Uint8Array.of(0x03, ...bytes(9))],
    ['a bye without a reason', Uint8Array.of(0x04)],
    ['a bye of many words', Uint8Array.of(0x04, 0, ...bytes(65))],
    ['a hello that is no CBOR', Uint8Array.of(0x01, 0xff)],
    ['a hello of version 2', hello(['hello', 2, bytes(32), bytes(8), 0, 0, 1])],
    ['a hello with a short network id', hello(['hello', 1, bytes(31), bytes(8), 0, 0, 1])],
    ['a hello with one field more', hello(['hello', 1, bytes(32), bytes(8), 0, 0, 1, 1])],
    ['a hello with a negative epoch', hello(['hello', 1, bytes(32), bytes(8), -1, 0, 1])],
    ['a hello above 256 bytes', hello(['hello', 1, bytes(32), bytes(300), 0, 0, 1])],
  ]
  for (const [name, frame] of refused)
    it(`refuses ${name}`, () => {
      assert.throws(() => decodeLinkFrame(frame), DecodeError)
    })

  it('gives a frame or a DecodeError for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (frame) => {
        try {
          const read = decodeLinkFrame(frame)
          if (read.kind !== 'later' && read.kind !== 'bye')
            assert.deepEqual(encodeLinkFrame(read), frame)
        } catch (error) {
          assert.ok(error instanceof DecodeError)
        }
      }),
      { numRuns: 2_000, seed: 11 },
    )
  })

  it('leaves room for the largest bulk envelope', () => {
    const number = Math.ceil(BULK_BYTES / PART_BYTES) - 1
    const frame = encodeLinkFrame({ kind: 'last-part', number, bytes: bytes(1024) })
    assert.equal(decodeLinkFrame(frame).kind, 'last-part')
  })
})

function hello(fields: unknown[]): Uint8Array {
  return Uint8Array.of(0x01, ...encodeCanonical(fields))
}

function join(head: number[], body: Uint8Array): Uint8Array {
  const all = new Uint8Array(head.length + body.length)
  all.set(head)
  all.set(body, head.length)
  return all
}
