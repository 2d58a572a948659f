import assert from 'node:assert/strict'
import type { Libp2p } from '@libp2p/interface'
import { FrameChannel } from '../../../src/node/channels/frame-channel.ts'
import { createGater } from '../../../src/node/gater.ts'
import { guardStreams } from '../../../src/node/guard-streams.ts'
import { ABUSE_LIMITS, PeerLimits } from '../../../src/node/limits.ts'
import { silentLog } from '../../../src/node/log.ts'
import { closeIdle, type IdleSince } from '../../../src/node/sweep.ts'
import { addressOf, bareHost } from './support/hosts.ts'
import { polling, until } from './support/test-network.ts'

const nobody = (): boolean => false

describe('limits over libp2p', () => {
  const nodes: Libp2p[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  /** A host with the gater, and a stranger. */
  async function pair(limits: PeerLimits): Promise<{ server: Libp2p; stranger: Libp2p }> {
    const server: Libp2p = await bareHost({
      gater: createGater(limits, () => server.getConnections(), true, []),
    })
    const stranger = await bareHost()
    nodes.push(server, stranger)
    return { server, stranger }
  }
  const counted = (change: Partial<typeof ABUSE_LIMITS> = {}): PeerLimits =>
    new PeerLimits(nobody, () => {}, undefined, { ...ABUSE_LIMITS, ...change })

  it('keep a blocked peer out, in both directions', async () => {
    const limits = counted()
    const { server, stranger } = await pair(limits)
    await stranger.dial(addressOf(server))
    await Promise.all(stranger.getConnections().map((connection) => connection.close()))
    await until(() => server.getConnections().length === 0, polling)
    for (let i = 0; i < 3; i++) limits.protocolError(stranger.peerId.toString())
    // The dial may resolve: the server says no only after Noise. What counts is that nothing stays.
    await Promise.allSettled([stranger.dial(addressOf(server))])
    await until(() => stranger.getConnections().length === 0, polling)
    assert.equal(server.getConnections().length, 0)
    await assert.rejects(server.dial(addressOf(stranger)))
  })

  it('keep out whoever this node was cut off from, until it is so no more', async () => {
    const cut = new Set<string>()
    const server: Libp2p = await bareHost({
      gater: createGater(
        counted(),
        () => server.getConnections(),
        true,
        [],
        (peer) => cut.has(peer),
      ),
    })
    const stranger = await bareHost()
    nodes.push(server, stranger)
    cut.add(stranger.peerId.toString())
    await Promise.allSettled([stranger.dial(addressOf(server))])
    await until(() => stranger.getConnections().length === 0, polling)
    await assert.rejects(server.dial(addressOf(stranger)))
    cut.clear()
    await server.dial(addressOf(stranger))
    assert.equal(server.getConnections().length, 1)
  })

  it('keep a stranger at its number of connections', async () => {
    const { server, stranger } = await pair(counted({ connectionsPerPeer: 2 }))
    for (let i = 0; i < 4; i++)
      await Promise.allSettled([stranger.dial(addressOf(server), { force: true })])
    await until(() => stranger.getConnections().length === 2, polling)
    assert.equal(server.getConnections().length, 2)
  })

  it('reset streams above the limit on protocols that are not ours', async () => {
    const { server, stranger } = await pair(counted({ streams: 2 }))
    let handled = 0
    await server.handle('/other/1', () => {
      handled++
    })
    guardStreams(server, '/other/1', counted({ streams: 2 }))
    for (let i = 0; i < 2; i++) await stranger.dialProtocol(addressOf(server), '/other/1')
    await until(() => handled === 2, polling)
    const third = await stranger.dialProtocol(addressOf(server), '/other/1')
    await assert.rejects(new FrameChannel(third).read(AbortSignal.timeout(5_000)))
    assert.equal(handled, 2)
  })

  it("close a stranger's idle connection after its time, and no member's", async () => {
    const { server, stranger } = await pair(counted())
    await stranger.dial(addressOf(server))
    await until(() => server.getConnections().length === 1, polling)
    await until(() => server.getConnections()[0]?.streams.length === 0, polling)
    const seen: IdleSince = new WeakMap()
    const sweep = (now: number, isMember: () => boolean): void =>
      closeIdle(server.getConnections(), isMember, 1_000, seen, now, silentLog)
    for (const now of [0, 2_000, 4_000]) sweep(now, () => true)
    sweep(4_999, nobody)
    assert.equal(server.getConnections()[0]?.status, 'open')
    sweep(5_000, nobody)
    await until(() => server.getConnections().length === 0, polling)
  })
})
