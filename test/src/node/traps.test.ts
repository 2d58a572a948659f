import assert from 'node:assert/strict'
import type { Libp2p, Stream } from '@libp2p/interface'
import { byteStream, streamPair } from '@libp2p/utils'
import { guardStreams } from '../../../src/node/guard-streams.ts'
import { PeerLimits } from '../../../src/node/limits.ts'
import { addressOf, type BareHostOptions, bareHost } from './support/hosts.ts'
import { polling, until } from './support/test-network.ts'

/**
 * Each test fails when libp2p loses the trap; then the rule that avoids it may go (spec "Network", 07 §4).
 */
describe('traps of libp2p that the code avoids', () => {
  const hosts: Libp2p[] = []
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((node) => node.stop()))
  })

  /** A stream over loopback and its other end. */
  async function overLoopback(options: BareHostOptions = {}): Promise<[Stream, Stream]> {
    const [a, b] = [await bareHost(options), await bareHost(options)]
    hosts.push(a, b)
    const { promise, resolve } = Promise.withResolvers<Stream>()
    await b.handle('/trap/1', (stream) => resolve(stream))
    const outbound = await a.dialProtocol(addressOf(b), '/trap/1')
    outbound.send(Uint8Array.of(0))
    return [outbound, await promise]
  }

  it('A: onDrain() resolves at once from its second use on, while the stream is still full', async () => {
    const [a] = await streamPair()
    a.writableNeedsDrain = true
    const first = a.onDrain()
    a.dispatchEvent(new Event('drain'))
    await first
    a.writableNeedsDrain = true // full again, and nothing drains it
    const outcome = await Promise.race([
      a.onDrain().then(() => 'resolved'),
      new Promise((resolve) => setImmediate(() => resolve('waits'))),
    ])
    assert.equal(outcome, 'resolved')
  })

  it('B: iterating a stream has no backpressure: it reads on while nobody takes the next chunk', async () => {
    const [a, b] = await overLoopback()
    let held = 0
    b.addEventListener('message', ({ data }) => {
      held += data.byteLength
    })
    const iterator = b[Symbol.asyncIterator]()
    await iterator.next() // and never again
    const chunk = new Uint8Array(1 << 20)
    for (let i = 0; i < 16; i++)
      if (!a.send(chunk))
        await new Promise((resolve) => a.addEventListener('drain', resolve, { once: true }))
    await until(() => held > 12 << 20, polling) // far above the 4 MiB that a paused stream may hold
    assert.equal(b.readStatus, 'readable')
  })

  it('C: a byte stream with more than its buffer unread resets the stream', async () => {
    const [a, b] = await streamPair()
    byteStream(b, { maxBufferSize: 1000 })
    const closed = new Promise((resolve) => b.addEventListener('close', resolve, { once: true }))
    a.send(new Uint8Array(2000))
    await closed
    assert.equal(b.status, 'aborted')
  })

  it('D: pause() with a window larger than the read buffer ends in a reset, and with ours does not', async () => {
    const outcome = async (options: BareHostOptions): Promise<string> => {
      const [a, b] = await overLoopback(options)
      // Reading for a while makes the window grow.
      let read = 0
      b.addEventListener('message', ({ data }) => {
        read += data.byteLength
        if (read > 24 << 20 && b.readStatus === 'readable') b.pause()
      })
      const chunk = new Uint8Array(256 * 1024)
      let sent = 0
      const send = (): void => {
        while (a.writeStatus === 'writable' && sent < 64 << 20) {
          sent += chunk.length
          if (!a.send(chunk)) return
        }
      }
      a.addEventListener('drain', send)
      send()
      let quietSince = performance.now()
      let last = -1
      await until(() => {
        if (b.status !== 'open') return true
        const held = b.readBufferLength
        if (held !== last || b.readStatus !== 'paused') quietSince = performance.now()
        last = held
        return performance.now() - quietSince > 300
      }, polling)
      return b.status
    }
    assert.equal(
      await outcome({
        streams: { initialStreamWindowSize: 1 << 20, maxStreamWindowSize: 16 << 20 },
      }),
      'aborted',
    )
    assert.equal(await outcome({ streams: { maxStreamWindowSize: 1 << 20 } }), 'open')
  }).timeout(15_000)

  it('E: `use` with a list runs the handler once more per stream, and ours does not', async () => {
    const runs = async (guard: (node: Libp2p) => void): Promise<number> => {
      const [a, b] = [await bareHost(), await bareHost()]
      hosts.push(a, b)
      let handled = 0
      let streams = 0
      await b.handle('/trap/1', () => {
        handled++
      })
      await b.handle('/end/1', () => {})
      guard(b)
      for (let i = 0; i < 3; i++) {
        const stream = await a.dialProtocol(addressOf(b), '/trap/1')
        stream.send(Uint8Array.of(1))
        streams++
      }
      await until(() => handled >= streams, polling)
      await a.dialProtocol(addressOf(b), '/end/1') // round trips later, what runs too often has run
      return handled
    }
    const none = new PeerLimits(
      () => false,
      () => {},
    )
    assert.equal(
      await runs((node) =>
        node.use('/trap/1', [(stream, connection, next) => next(stream, connection)]),
      ),
      6,
    )
    assert.equal(await runs((node) => guardStreams(node, '/trap/1', none)), 3)
  })
})
