import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { FrameChannel } from '../../../../src/node/channels/frame-channel.ts'
import type { LinkTimings } from '../../../../src/node/channels/link.ts'
import { encodeLinkFrame } from '../../../../src/node/channels/link-frames.ts'
import { LinkError, type LinkState } from '../../../../src/node/channels/links.ts'
import { ENVELOPE_PROTOCOL } from '../../../../src/node/channels/peer-links.ts'
import { addressOf, bareHost } from '../support/hosts.ts'
import { type LinkHost, linkHost, linkStreams, openerFirst } from '../support/link-host.ts'
import { tcpProxy } from '../support/tcp-proxy.ts'
import {
  NETWORK_ID,
  polling,
  type TestMember,
  testMembers,
  until,
} from '../support/test-network.ts'

const soon = (): AbortSignal => AbortSignal.timeout(5_000)
const up = (host: LinkHost, other: LinkHost): boolean => host.links.state(other.name).up
const linked = (a: LinkHost, b: LinkHost): Promise<void> =>
  until(() => up(a, b) && up(b, a), polling)

describe('links over libp2p', function () {
  this.timeout(15_000)
  const hosts: LinkHost[] = []
  let members: [TestMember, TestMember]

  before(async () => {
    members = openerFirst(await testMembers(2, 'links'))
  })
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()))
  })

  async function opener(timings?: LinkTimings): Promise<LinkHost> {
    const host = await linkHost(members[0], members, timings)
    hosts.push(host)
    return host
  }
  async function listener(timings?: LinkTimings): Promise<LinkHost> {
    const host = await linkHost(members[1], members, timings)
    hosts.push(host)
    return host
  }

  it('come up over one stream, whichever side dials', async () => {
    const [a, b] = [await opener(), await listener()]
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      await from.node.dial(addressOf(to.node))
      await linked(a, b)
      assert.equal(linkStreams(a), 1)
      await Promise.all(a.node.getConnections().map((connection) => connection.close()))
      const isOver = (host: LinkHost): boolean => host.node.getConnections().length === 0
      await until(() => !up(a, b) && !up(b, a) && isOver(a) && isOver(b), polling)
    }
  })

  it('are exactly one after fifty simultaneous dials', async () => {
    const [a, b] = [await opener(), await listener()]
    const dial = (from: LinkHost, to: LinkHost): Promise<unknown>[] =>
      Array.from({ length: 25 }, () => from.node.dial(addressOf(to.node), { force: true }))
    await Promise.allSettled([...dial(a, b), ...dial(b, a)])
    await linked(a, b)
    await a.links.send(b.name, Uint8Array.of(1), 'urgent', soon())
    await b.links.send(a.name, Uint8Array.of(2), 'bulk', soon())
    await until(() => a.taken.length === 1 && b.taken.length === 1, polling)
    assert.ok(
      a.node.getConnections().length >= 2,
      'the dials made one connection only: nothing was tested',
    )
    assert.equal(linkStreams(a), 1)
    assert.equal(linkStreams(b), 1)
  })

  it('reset a stream of the side that must not open', async () => {
    const [a, b] = [await opener(), await listener()]
    await b.node.dial(addressOf(a.node))
    await linked(a, b)
    const [connection] = b.node.getConnections()
    assert.ok(connection)
    const stream = await connection.newStream(ENVELOPE_PROTOCOL)
    const channel = new FrameChannel(stream)
    await assert.rejects(channel.read(soon()))
    assert.ok(up(a, b), 'the link is not touched')
    const refused = await a.metrics.linkRefused.get()
    assert.deepEqual(
      refused.values.map(({ labels, value }) => [labels.reason, value]),
      [['opener', 1]],
    )
  })

  it('are refused to a peer that is no member', async () => {
    const b = await listener()
    const stranger = await bareHost()
    try {
      const stream = await stranger.dialProtocol(addressOf(b.node), ENVELOPE_PROTOCOL)
      await assert.rejects(new FrameChannel(stream).read(soon()))
      const refused = await b.metrics.linkRefused.get()
      assert.equal(refused.values[0]?.labels.reason, 'stranger')
    } finally {
      await stranger.stop()
    }
  })

  it("are replaced by the opener's newer stream, without going down", async () => {
    const b = await listener()
    const node = await bareHost({ seed: members[0].seed })
    try {
      const states: LinkState[] = []
      b.links.onState((_peer, state) => states.push(state))
      const hello = {
        networkId: NETWORK_ID,
        startId: new Uint8Array(8),
        epoch: 0,
        features: 0,
        sentAt: 0,
      }
      const open = async (): Promise<FrameChannel> => {
        const stream = await node.dialProtocol(addressOf(b.node), ENVELOPE_PROTOCOL)
        const channel = new FrameChannel(stream)
        await channel.write(encodeLinkFrame({ kind: 'hello', hello }))
        return channel
      }
      const first = await open()
      await until(() => b.links.state(members[0].peerId).up, polling)
      const second = await open()
      await until(() => linkStreams(b) === 1 && states.length === 2, polling)
      await assert.rejects(async () => {
        for (;;) await first.read(soon())
      })
      await second.write(encodeLinkFrame({ kind: 'urgent', envelope: Uint8Array.of(4) }))
      await until(() => b.taken.length === 1, polling)
      assert.ok(states.every((state) => state.up))
    } finally {
      await node.stop()
    }
  })

  it('go suspect, down, and up again when the line freezes and heals', async () => {
    // Faster than the real ones: suspect at 0.9 s, down at 1.5 s.
    const timings: LinkTimings = {
      helloMs: 2_000,
      pingMs: 300,
      suspectMs: 900,
      downMs: 1_500,
      tickMs: 25,
    }
    const [a, b] = [await opener(timings), await listener(timings)]
    const port = Number(addressOf(b.node).toString().split('/')[4])
    const proxy = await tcpProxy(port)
    try {
      const address = multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${b.name}`)
      await a.node.dial(address)
      await linked(a, b)
      const seen: [string, number][] = []
      a.links.onState((_peer, { up: isUp, suspect }) =>
        seen.push([isUp ? (suspect ? 'suspect' : 'up') : 'down', performance.now()]),
      )
      const cutAt = performance.now()
      proxy.cut()
      await until(() => !up(a, b) && !up(b, a), polling)
      const [first, second] = seen
      assert.equal(first?.[0], 'suspect')
      assert.equal(second?.[0], 'down')
      // The last ping came up to 0.3 s before the cut; the test's own machine may be late.
      assert.ok(first[1] - cutAt >= 550, `suspect after ${first[1] - cutAt} ms`)
      assert.ok(second[1] - first[1] >= 550, `down ${second[1] - first[1]} ms later`)
      assert.deepEqual(a.downs, ['silent'])
      await assert.rejects(
        a.links.send(b.name, Uint8Array.of(1), 'urgent', soon()),
        (error: unknown) => error instanceof LinkError && error.code === 'UNREACHABLE',
      )
      proxy.heal()
      await a.node.dial(address)
      await linked(a, b)
    } finally {
      await proxy.close()
    }
  })

  it('come back after a cut from either side', async () => {
    const [a, b] = [await opener(), await listener()]
    for (const [cutter, dialler, target] of [
      [a, b, a],
      [b, a, b],
    ] as const) {
      await dialler.node.dial(addressOf(target.node))
      await linked(a, b)
      for (const connection of cutter.node.getConnections()) connection.abort(new Error('cut'))
      await until(() => !up(a, b) && !up(b, a), polling)
    }
    await b.node.dial(addressOf(a.node))
    await linked(a, b)
    assert.deepEqual(new Set(a.downs), new Set(['lost']))
  })

  it('tell a leaving node by its bye', async () => {
    const [a, b] = [await opener(), await listener()]
    await a.node.dial(addressOf(b.node))
    await linked(a, b)
    await b.links.stop()
    await until(() => !up(a, b), polling)
    assert.deepEqual(a.downs, ['bye'])
  })
})
