import assert from 'node:assert/strict'
import type { Libp2p } from '@libp2p/interface'
import { FrameChannel } from '../../../src/node/channels/frame-channel.ts'
import { ABUSE_LIMITS, type AbuseLimits, PeerLimits } from '../../../src/node/limits.ts'
import { silentLog } from '../../../src/node/log.ts'
import { RPC_FRAME_BYTES, RpcError, type RpcErrorCode } from '../../../src/node/rpc.ts'
import {
  RPC_PROTOCOL,
  RPC_TIMINGS,
  type RpcTimings,
  StreamRpc,
} from '../../../src/node/stream-rpc.ts'
import { addressOf, bareHost } from './support/hosts.ts'
import { polling, testMembers, until } from './support/test-network.ts'

const soon = (): AbortSignal => AbortSignal.timeout(5_000)
const fails = (code: RpcErrorCode, promise: Promise<unknown>): Promise<void> =>
  assert.rejects(promise, (error: unknown) => error instanceof RpcError && error.code === code)

async function all(answers: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = []
  for await (const frame of answers) frames.push(frame)
  return frames
}

describe('remote calls', () => {
  const nodes: Libp2p[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  async function pair(
    timings: RpcTimings = RPC_TIMINGS,
    limits: AbuseLimits = ABUSE_LIMITS,
  ): Promise<{ client: StreamRpc; server: StreamRpc; name: string; node: Libp2p; to: Libp2p }> {
    const [node, to] = [await bareHost(), await bareHost()]
    nodes.push(node, to)
    const make = (host: Libp2p): StreamRpc => {
      const counted = new PeerLimits(
        () => false,
        () => {},
        undefined,
        limits,
      )
      return new StreamRpc(host, counted, silentLog, timings)
    }
    const [client, server] = [make(node), make(to)]
    await server.start()
    await node.dial(addressOf(to))
    return { client, server, name: to.peerId.toString(), node, to }
  }
  const open = (node: Libp2p): number =>
    node
      .getConnections()
      .flatMap(({ streams }) => streams)
      .filter(({ protocol, status }) => protocol === RPC_PROTOCOL && status === 'open').length

  it('carry the largest request and several answers, and leave no stream', async () => {
    const { client, server, name, node, to } = await pair()
    const request = new Uint8Array(RPC_FRAME_BYTES).fill(1)
    server.serve(async function* (frame, from) {
      assert.equal(from, node.peerId.toString())
      yield Uint8Array.of(frame.length & 255)
      yield frame
    })
    const frames = await all(client.call(name, request, soon()))
    assert.deepEqual(frames, [Uint8Array.of(0), request])
    assert.deepEqual(await all(client.call(name, Uint8Array.of(5), soon())), [
      Uint8Array.of(1),
      Uint8Array.of(5),
    ])
    await until(() => open(node) === 0 && open(to) === 0, polling)
  })

  it('refuse a request above the limit before it leaves', async () => {
    const { client, name } = await pair()
    await fails('TOO_LARGE', all(client.call(name, new Uint8Array(RPC_FRAME_BYTES + 1), soon())))
    await fails('TOO_LARGE', all(client.call(name, new Uint8Array(0), soon())))
  })

  it('end as BROKEN when the handler throws, when its answer is too large, and when there is none', async () => {
    const { client, server, name } = await pair()
    await fails('BROKEN', all(client.call(name, Uint8Array.of(1), soon())))
    server.serve(async function* () {
      yield Uint8Array.of(1)
      throw new Error('a secret reason')
    })
    await fails('BROKEN', all(client.call(name, Uint8Array.of(1), soon())))
    server.serve(async function* () {
      yield new Uint8Array(RPC_FRAME_BYTES + 1)
    })
    await fails('BROKEN', all(client.call(name, Uint8Array.of(1), soon())))
  })

  it('end in time when the server does not answer', async () => {
    const { client, server, name, node } = await pair({ requestMs: 2_000, answerMs: 100 })
    server.serve(async function* () {
      await new Promise(() => {})
      yield Uint8Array.of(1)
    })
    await fails('TIMEOUT', all(client.call(name, Uint8Array.of(1), soon())))
    await until(() => open(node) === 0, polling)
  })

  it('end when the caller says so, on both sides', async () => {
    const { client, server, name, to } = await pair()
    let isAsked = false
    server.serve(async function* () {
      isAsked = true
      await new Promise(() => {})
      yield Uint8Array.of(1)
    })
    const given = new AbortController()
    const call = all(client.call(name, Uint8Array.of(1), given.signal))
    await until(() => isAsked, polling)
    given.abort()
    await fails('CANCELLED', call)
    await until(() => open(to) === 0, polling)
  })

  it('reset the stream when the caller stops reading', async () => {
    const { client, server, name, to } = await pair()
    let returned = false
    server.serve(async function* () {
      try {
        for (;;) yield new Uint8Array(1000)
      } finally {
        returned = true
      }
    })
    for await (const _frame of client.call(name, Uint8Array.of(1), soon())) break
    await until(() => returned && open(to) === 0, polling)
  })

  it('say UNREACHABLE for a peer that nobody knows', async () => {
    const { client } = await pair({ requestMs: 500, answerMs: 1_000 })
    const [stranger] = await testMembers(1, 'nobody')
    assert.ok(stranger)
    await fails('UNREACHABLE', all(client.call(stranger.peerId, Uint8Array.of(1), soon())))
  })

  it('say LIMIT_EXCEEDED above the requests of a minute, and reset above the streams of ten seconds', async () => {
    const { client, server, name } = await pair(RPC_TIMINGS, {
      ...ABUSE_LIMITS,
      requests: 2,
      streams: 3,
    })
    server.serve(async function* (frame) {
      yield frame
    })
    const call = (): Promise<unknown> => all(client.call(name, Uint8Array.of(1), soon()))
    await call()
    await call()
    await fails('LIMIT_EXCEEDED', call())
    await fails('BROKEN', call())
  })

  it('reset a request that does not come', async () => {
    const { node, to } = await pair({ requestMs: 100, answerMs: 1_000 })
    const stream = await node.dialProtocol(to.peerId, RPC_PROTOCOL)
    await assert.rejects(new FrameChannel(stream).read(soon()))
    await until(() => open(to) === 0, polling)
  })
})
