import assert from 'node:assert/strict'
import type { Libp2p, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { calmWindow } from '../../../../src/node/channels/calm-window.ts'
import { FrameChannel } from '../../../../src/node/channels/frame-channel.ts'
import { addressOf, bareHost } from '../support/hosts.ts'

describe('calmWindow()', () => {
  const hosts: Libp2p[] = []
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((node) => node.stop()))
  })

  /** Two ends of a Yamux stream; `updates` counts what the receiving end says about its window. */
  async function pair(
    isCalm: boolean,
  ): Promise<{ out: Stream; into: Stream; updates: () => number }> {
    const [a, b] = [await bareHost(), await bareHost()]
    hosts.push(a, b)
    const { promise, resolve } = Promise.withResolvers<Stream>()
    let updates = 0
    await b.handle('/calm/1', (stream) => {
      const framed = stream as Stream & {
        sendFrame(header: { type: number }, data?: unknown): boolean
      }
      const send = framed.sendFrame.bind(stream)
      framed.sendFrame = (header, data) => {
        if (header.type === 1) updates += 1
        return send(header, data)
      }
      if (isCalm) calmWindow(stream)
      resolve(stream)
    })
    const out = await a.dialProtocol(addressOf(b), '/calm/1')
    out.send(Uint8Array.of(0, 0, 0, 1, 7))
    const into = await promise
    return { out, into, updates: () => updates }
  }

  async function carry(isCalm: boolean, frames: number, size: number): Promise<number> {
    const { out, into, updates } = await pair(isCalm)
    const [from, to] = [new FrameChannel(out), new FrameChannel(into)]
    await to.read()
    const read = (async () => {
      for (let i = 0; i < frames; i++) assert.equal((await to.read()).byteLength, size)
    })()
    for (let i = 0; i < frames; i++) {
      await from.write(new Uint8Array(size).fill(i))
      await new Promise((done) => setImmediate(done)) // each a message of its own
    }
    await read
    return updates()
  }

  it('saves the window update after every small message: the plain stream sends one each', async () => {
    assert.ok((await carry(false, 50, 300)) >= 25)
    assert.ok((await carry(true, 50, 300)) <= 2)
  })

  it('lets through far more than a window, in order, without a stall', async () => {
    await carry(true, 80, 200_000)
  })

  it('goes on after a pause longer than the window', async () => {
    const { out, into } = await pair(true)
    const [from, to] = [new FrameChannel(out), new FrameChannel(into)]
    await to.read()
    const writes = Promise.all(
      Array.from({ length: 18 }, () => from.write(new Uint8Array(100_000))),
    )
    await new Promise((done) => setTimeout(done, 50)) // nobody reads: the stream is paused
    for (let i = 0; i < 18; i++) assert.equal((await to.read()).byteLength, 100_000)
    await writes
  })

  it('leaves streams of other kinds as they are', async () => {
    const [a] = await streamPair()
    const before = Object.keys(a)
    calmWindow(a)
    assert.deepEqual(Object.keys(a), before)
  })
})
