import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  encodeFrame,
  type Frame,
  FrameReader,
  MAX_FRAME_LENGTH,
  MIN_FRAME_LENGTH,
  PortViolation,
} from '../../../enclave-runtime/port/frames.ts'
import { seeded } from '../../support/seeded.ts'

const frame = (type: number, id: number, ...payload: number[]): Frame => ({
  type,
  id,
  payload: Uint8Array.from(payload),
})
const lengthOnly = (length: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, length)
  return bytes
}

describe('encodeFrame()', () => {
  it('writes the layout of the specification', () => {
    assert.equal(
      Buffer.from(encodeFrame(frame(0x85, 0x01020304, 0xaa, 0xbb))).toString('hex'),
      '00000007' + '85' + '01020304' + 'aabb',
    )
  })

  it('takes the largest frame and refuses a larger one', () => {
    const payload = new Uint8Array(MAX_FRAME_LENGTH - 5)
    assert.equal(encodeFrame({ type: 2, id: 0, payload }).length, MAX_FRAME_LENGTH + 4)
    const more = new Uint8Array(MAX_FRAME_LENGTH - 4)
    assert.throws(() => encodeFrame({ type: 2, id: 0, payload: more }), /bug/)
  })
})

describe('FrameReader', () => {
  it('gives back the same frames for any way of cutting the bytes', () => {
    const frames = fc.array(
      fc.record(
        {
          type: fc.nat(255),
          id: fc.nat(0xffff_ffff),
          payload: fc.uint8Array({ maxLength: 40 }),
        },
        { noNullPrototype: true },
      ),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 30 })), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(encodeFrame))
        const reader = new FrameReader()
        const received: Frame[] = []
        let at = 0
        for (const cut of [...cuts, bytes.length]) {
          received.push(...reader.push(bytes.subarray(at, at + cut)))
          at += cut
        }
        assert.deepEqual(received, sent)
        assert.equal(reader.unfinished, false)
      }),
      { seed: 21 },
    )
  })

  it('takes one byte at a time, and says that a frame is unfinished', () => {
    const reader = new FrameReader()
    const bytes = encodeFrame(frame(1, 7, 1, 2, 3))
    for (const [i, byte] of bytes.entries()) {
      assert.equal(reader.unfinished, i > 0)
      const done = reader.push(Uint8Array.of(byte))
      assert.equal(done.length, i === bytes.length - 1 ? 1 : 0)
    }
  })

  it('keeps the bytes of a frame apart from the chunk they came in', () => {
    const chunk = encodeFrame(frame(1, 7, 1, 2, 3))
    const [got] = new FrameReader().push(chunk)
    chunk.fill(0)
    assert.deepEqual(got, frame(1, 7, 1, 2, 3))
  })

  it('takes lengths at both edges and refuses those beyond', () => {
    assert.equal(new FrameReader().push(encodeFrame(frame(1, 1))).length, 1)
    const largest = encodeFrame({ type: 2, id: 0, payload: new Uint8Array(MAX_FRAME_LENGTH - 5) })
    assert.equal(new FrameReader().push(largest).length, 1)
    for (const length of [0, MIN_FRAME_LENGTH - 1, MAX_FRAME_LENGTH + 1, 0xffff_ffff])
      assert.throws(() => new FrameReader().push(lengthOnly(length)), PortViolation, `${length}`)
  })

  it('ends 10,000 random streams in frames, a wait or a refusal', () => {
    const random = seeded('frames')
    const ends = { frames: 0, waits: 0, refusals: 0 }
    for (let i = 0; i < 10_000; i++) {
      const bytes = random(4 + (i % 40))
      if (i % 2 === 0) bytes.set([0, 0, 0, (bytes[3] ?? 0) % 48]) // otherwise nearly every length is too large
      const reader = new FrameReader()
      try {
        ends.frames += reader.push(bytes).length
        if (reader.unfinished) ends.waits++
      } catch (error) {
        assert.ok(error instanceof PortViolation)
        ends.refusals++
      }
    }
    assert.ok(ends.frames > 200 && ends.waits > 500 && ends.refusals > 500, JSON.stringify(ends))
  })
})
