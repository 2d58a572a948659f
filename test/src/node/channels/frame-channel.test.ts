import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import fc from 'fast-check'
import {
  ChannelError,
  FrameChannel,
  type FrameLimits,
  LINK_FRAMES,
} from '../../../../src/node/channels/frame-channel.ts'
import { polling, until } from '../support/test-network.ts'

const limits = (change: Partial<FrameLimits>): FrameLimits => ({ ...LINK_FRAMES, ...change })
const code = (expected: string) => (error: unknown) =>
  error instanceof ChannelError && error.code === expected
const soon = (): AbortSignal => AbortSignal.timeout(5_000)

async function pair(
  mine: FrameLimits = LINK_FRAMES,
  theirs: FrameLimits = LINK_FRAMES,
): Promise<{ a: FrameChannel; b: FrameChannel; raw: readonly [Stream, Stream] }> {
  const raw = await streamPair()
  return { a: new FrameChannel(raw[0], mine), b: new FrameChannel(raw[1], theirs), raw }
}

function framed(bodies: readonly Uint8Array[]): Uint8Array {
  const parts = bodies.flatMap((body) => {
    const head = new Uint8Array(4)
    new DataView(head.buffer).setUint32(0, body.length)
    return [head, body]
  })
  return new Uint8Array(Buffer.concat(parts))
}

describe('FrameChannel', () => {
  it('gives the same frames however the bytes are cut', async () => {
    const body = fc.uint8Array({ minLength: 1, maxLength: 300 })
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(body, { minLength: 1, maxLength: 12 }),
        cuts,
        async (bodies, sizes) => {
          const [sender, receiver] = await streamPair({ delay: 0 })
          const channel = new FrameChannel(receiver)
          const bytes = framed(bodies)
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1
            sender.send(bytes.subarray(at, at + size))
            at += size
          }
          for (const expected of bodies) assert.deepEqual(await channel.read(soon()), expected)
          sender.abort(new Error('done'))
        },
      ),
      { numRuns: 40, seed: 7 },
    )
  })

  for (const length of [0, LINK_FRAMES.maxFrame + 1, 0xffff_ffff])
    it(`resets the stream at a length of ${length}, before the body came`, async () => {
      const [sender, receiver] = await streamPair()
      const channel = new FrameChannel(receiver)
      const head = new Uint8Array(4)
      new DataView(head.buffer).setUint32(0, length)
      sender.send(head)
      await assert.rejects(channel.read(soon()), code('FRAME_SIZE'))
      assert.equal(receiver.status, 'aborted')
    })

  it('refuses to write a frame of no or too many bytes, and lives on', async () => {
    const { a, b } = await pair()
    await assert.rejects(a.write(new Uint8Array(0)), code('FRAME_SIZE'))
    await assert.rejects(a.write(new Uint8Array(LINK_FRAMES.maxFrame + 1)), code('FRAME_SIZE'))
    await a.write(Uint8Array.of(1))
    assert.deepEqual(await b.read(soon()), Uint8Array.of(1))
  })

  it('refuses writes above its queue with OVERLOADED; those before and after it arrive', async () => {
    const { a, b } = await pair(limits({ maxQueued: 1000 }))
    const first = a.write(new Uint8Array(600).fill(1))
    await assert.rejects(a.write(new Uint8Array(600).fill(2)), code('OVERLOADED'))
    const third = a.write(new Uint8Array(400).fill(3))
    await Promise.all([first, third])
    assert.equal((await b.read(soon()))[0], 1)
    assert.equal((await b.read(soon()))[0], 3)
    assert.equal(a.queued, 0)
  })

  it('pauses the stream for a slow reader, and resumes below half', async () => {
    const readHigh = 4_000
    const { a, b, raw } = await pair(LINK_FRAMES, limits({ readHigh }))
    for (let i = 0; i < 10; i++) await a.write(new Uint8Array(1_000).fill(i))
    await until(() => raw[1].readStatus === 'paused', polling)
    assert.ok(b.unread <= readHigh + 1_000, `${b.unread} unread`)
    for (let i = 0; i < 10; i++) assert.equal((await b.read(soon()))[0], i)
    assert.equal(raw[1].readStatus, 'readable')
    assert.ok(b.pausedMs > 0)
  })

  it('pauses by the number of frames, too', async () => {
    const { a, b, raw } = await pair(LINK_FRAMES, limits({ maxUnread: 16 }))
    for (let i = 0; i < 64; i++) await a.write(Uint8Array.of(i))
    await until(() => raw[1].readStatus === 'paused', polling)
    for (let i = 0; i < 64; i++) assert.deepEqual(await b.read(soon()), Uint8Array.of(i))
  })

  it('reads a hundred thousand tiny frames in order', async () => {
    const count = 100_000
    const bytes = new Uint8Array(count * 8)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < count; i++) {
      view.setUint32(i * 8, 4)
      view.setUint32(i * 8 + 4, i)
    }
    const [sender, receiver] = await streamPair()
    const channel = new FrameChannel(receiver)
    for (let at = 0; at < bytes.length; at += 65_000) sender.send(bytes.subarray(at, at + 65_000))
    const signal = AbortSignal.timeout(20_000)
    for (let i = 0; i < count; i++) {
      const body = await channel.read(signal)
      if (new DataView(body.buffer).getUint32(0) !== i) assert.fail(`frame ${i} out of order`)
    }
  })

  it('keeps the channel open when a wait for a frame is aborted', async () => {
    const { a, b } = await pair()
    const given = new AbortController()
    const waiting = b.read(given.signal)
    given.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await assert.rejects(b.read(given.signal), /enough/)
    await a.write(Uint8Array.of(9))
    assert.deepEqual(await b.read(soon()), Uint8Array.of(9))
  })

  it('does not let one failed write poison the next', async () => {
    const { a, b, raw } = await pair()
    const send = raw[0].send.bind(raw[0])
    let isBroken = true
    raw[0].send = (bytes) => {
      if (!isBroken) return send(bytes)
      isBroken = false
      throw new Error('once')
    }
    await assert.rejects(a.write(Uint8Array.of(1)), code('CLOSED'))
    await a.write(Uint8Array.of(2))
    assert.deepEqual(await b.read(soon()), Uint8Array.of(2))
  })

  it('resets a stream whose peer takes nothing, after the stall time', async () => {
    const { a, raw } = await pair(limits({ stallMs: 50 }))
    raw[0].send = () => false // full, and no drain ever comes
    await assert.rejects(a.write(Uint8Array.of(1)), code('STALLED'))
    assert.equal(raw[0].status, 'aborted')
    await assert.rejects(a.write(Uint8Array.of(1)), code('STALLED'))
  })

  it('delivers queued frames after the peer closed its half, then ends', async () => {
    const { a, b, raw } = await pair(LINK_FRAMES, limits({ readHigh: 1_500 }))
    for (let i = 0; i < 5; i++) await a.write(new Uint8Array(1_000).fill(i))
    await until(() => raw[1].readStatus === 'paused', polling)
    await a.close(soon())
    for (let i = 0; i < 5; i++) assert.equal((await b.read(soon()))[0], i)
    await assert.rejects(b.read(soon()), code('CLOSED'))
    await b.write(Uint8Array.of(5)) // the other half is still open
    assert.deepEqual(await a.read(soon()), Uint8Array.of(5))
  })

  it('says TRUNCATED when the stream ends within a frame', async () => {
    const [sender, receiver] = await streamPair()
    const channel = new FrameChannel(receiver)
    sender.send(framed([new Uint8Array(10)]).subarray(0, 9))
    await sender.close()
    await assert.rejects(channel.read(soon()), code('TRUNCATED'))
  })

  it('rejects a waiting read when the peer resets', async () => {
    const { a, b } = await pair()
    const waiting = b.read(soon())
    a.abort('GONE')
    await assert.rejects(waiting, code('RESET'))
    await assert.rejects(a.write(Uint8Array.of(1)), code('GONE'))
    await b.ended(soon())
  })
})
