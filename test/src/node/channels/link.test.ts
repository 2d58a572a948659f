import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { FrameChannel } from '../../../../src/node/channels/frame-channel.ts'
import {
  LINK_TIMINGS,
  Link,
  type LinkEnd,
  type LinkTimings,
} from '../../../../src/node/channels/link.ts'
import {
  BULK_BYTES,
  decodeLinkFrame,
  encodeLinkFrame,
  type Hello,
  URGENT_BYTES,
} from '../../../../src/node/channels/link-frames.ts'
import { type Lane, LinkError } from '../../../../src/node/channels/links.ts'
import { polling, until } from '../support/test-network.ts'

const HELLO: Hello = {
  networkId: new Uint8Array(32).fill(1),
  startId: new Uint8Array(8),
  epoch: 0,
  features: 0,
  sentAt: 0,
}
/** A hundredth of the real ones. */
const QUICK: LinkTimings = { helloMs: 200, pingMs: 20, suspectMs: 60, downMs: 160, tickMs: 5 }
const soon = (): AbortSignal => AbortSignal.timeout(5_000)
const code = (expected: string) => (error: unknown) =>
  error instanceof LinkError && error.code === expected

interface Side {
  readonly link: Link
  readonly taken: [Lane, Uint8Array][]
  readonly seen: string[]
  ended: LinkEnd | undefined
  ignored: number
  /** Awaited before each envelope is taken. */
  gate: Promise<void>
}

function side(stream: Stream, hello: Hello = HELLO, timings: LinkTimings = LINK_TIMINGS): Side {
  const result: Omit<Side, 'link'> = {
    taken: [],
    seen: [],
    ended: undefined,
    ignored: 0,
    gate: Promise.resolve(),
  }
  const link = new Link(new FrameChannel(stream), hello, timings, {
    up: () => result.seen.push('up'),
    suspect: (suspect) => result.seen.push(suspect ? 'suspect' : 'heard'),
    rtt: () => result.seen.push('rtt'),
    envelope: async (envelope, lane) => {
      await result.gate
      result.taken.push([lane, envelope])
    },
    ignored: () => {
      result.ignored++
    },
    ended: (end) => {
      result.ended = end
      result.seen.push(end)
    },
  })
  const whole: Side = Object.assign(result, { link })
  void link.run()
  return whole
}

async function linked(timings: LinkTimings = LINK_TIMINGS): Promise<[Side, Side]> {
  const [a, b] = await streamPair()
  const sides: [Side, Side] = [side(a, HELLO, timings), side(b, HELLO, timings)]
  await until(() => sides.every(({ seen }) => seen.includes('up')), polling)
  return sides
}

/** A link and the bare channel of its peer, which has said hello unless told not to. */
async function against(
  first: Uint8Array | undefined = encodeLinkFrame({ kind: 'hello', hello: HELLO }),
  timings: LinkTimings = LINK_TIMINGS,
): Promise<{ me: Side; peer: FrameChannel }> {
  const [a, b] = await streamPair()
  const peer = new FrameChannel(b)
  const me = side(a, HELLO, timings)
  if (first !== undefined) await peer.write(first)
  return { me, peer }
}

const ends = (me: Side, expected: LinkEnd): Promise<void> =>
  until(() => me.ended === expected, polling, 3_000)

describe('Link', () => {
  const open: Side[] = []
  afterEach(() => {
    for (const { link } of open.splice(0)) link.abort('stopping')
  })
  const both = async (timings?: LinkTimings): Promise<[Side, Side]> => {
    const sides = await linked(timings)
    open.push(...sides)
    return sides
  }

  it('carries urgent and bulk envelopes up to their limits, and no larger ones', async () => {
    const [a, b] = await both()
    const urgent = new Uint8Array(URGENT_BYTES).fill(1)
    const bulk = new Uint8Array(BULK_BYTES).fill(2)
    await Promise.all([a.link.send(urgent, 'urgent', soon()), a.link.send(bulk, 'bulk', soon())])
    await until(() => b.taken.length === 2, polling)
    assert.deepEqual(b.taken, [
      ['urgent', urgent],
      ['bulk', bulk],
    ])
    const tooMuch = new Uint8Array(URGENT_BYTES + 1)
    await assert.rejects(a.link.send(tooMuch, 'urgent', soon()), code('TOO_LARGE'))
    await assert.rejects(
      a.link.send(new Uint8Array(BULK_BYTES + 1), 'bulk', soon()),
      code('TOO_LARGE'),
    )
    await assert.rejects(a.link.send(new Uint8Array(0), 'urgent', soon()), code('TOO_LARGE'))
  })

  it('measures the round trip', async () => {
    const [a] = await both()
    await until(() => a.seen.includes('rtt'), polling)
  })

  it('lets an urgent envelope overtake bulk that was sent before it', async () => {
    const [a, b] = await both()
    const bulk = [0, 1].map(() => a.link.send(new Uint8Array(1 << 20), 'bulk', soon()))
    const urgent = a.link.send(Uint8Array.of(7), 'urgent', soon())
    await Promise.all([...bulk, urgent])
    await until(() => b.taken.length === 3, polling)
    assert.deepEqual(b.taken[0], ['urgent', Uint8Array.of(7)])
  })

  it('refuses what a lane does not hold with OVERLOADED, per lane', async () => {
    const [a, b] = await both()
    let go = (): void => {}
    b.gate = new Promise((resolve) => {
      go = resolve
    })
    const bulk = [0, 1].map(() => a.link.send(new Uint8Array(1 << 20), 'bulk', soon()))
    await assert.rejects(a.link.send(Uint8Array.of(1), 'bulk', soon()), code('OVERLOADED'))
    await a.link.send(Uint8Array.of(2), 'urgent', soon())
    go()
    await Promise.all(bulk)
    await a.link.send(Uint8Array.of(3), 'bulk', soon())
    assert.equal(a.link.queued('bulk'), 0)
  })

  it('takes back an envelope that was not begun when its signal aborts', async () => {
    const [a, b] = await both()
    const first = a.link.send(new Uint8Array(1 << 20), 'bulk', soon())
    const given = new AbortController()
    const second = a.link.send(Uint8Array.of(2), 'bulk', given.signal)
    given.abort()
    await assert.rejects(second, code('CANCELLED'))
    await first
    await a.link.send(Uint8Array.of(3), 'bulk', soon())
    await until(() => b.taken.length === 2, polling)
    assert.deepEqual(b.taken[1], ['bulk', Uint8Array.of(3)])
  })

  it('tells senders UNREACHABLE when it ends before they were served', async () => {
    const [a, b] = await both()
    b.gate = new Promise(() => {})
    const sends = [0, 1].map(() => a.link.send(new Uint8Array(1 << 20), 'bulk', soon()))
    const outcomes = Promise.allSettled(sends)
    a.link.abort('stopping')
    for (const outcome of await outcomes)
      assert.ok(outcome.status === 'rejected' && code('UNREACHABLE')(outcome.reason))
    await assert.rejects(a.link.send(Uint8Array.of(1), 'urgent', soon()), code('UNREACHABLE'))
    await ends(b, 'lost')
  })

  it('ends with bye on both sides, after the peer took what was sent', async () => {
    const [a, b] = await both()
    await a.link.send(Uint8Array.of(1), 'urgent', soon())
    await a.link.leave(0, 'stopping')
    await ends(b, 'bye')
    assert.equal(a.ended, 'stopping')
    assert.equal(b.taken.length, 1)
  })

  it('ignores and counts frames of a later version', async () => {
    const { me, peer } = await against()
    open.push(me)
    await peer.write(Uint8Array.of(0x80, 1))
    await peer.write(Uint8Array.of(0xff))
    await until(() => me.ignored === 2, polling)
    assert.equal(me.ended, undefined)
  })

  it('answers a ping with its bytes', async () => {
    const { me, peer } = await against()
    open.push(me)
    await peer.write(encodeLinkFrame({ kind: 'ping', nonce: new Uint8Array(8).fill(5) }))
    for (;;) {
      const frame = decodeLinkFrame(await peer.read(soon()))
      if (frame.kind !== 'pong') continue
      assert.deepEqual(frame.nonce, new Uint8Array(8).fill(5))
      break
    }
  })

  const hello = encodeLinkFrame({ kind: 'hello', hello: HELLO })
  const part = (number: number): Uint8Array =>
    encodeLinkFrame({ kind: 'part', number, bytes: Uint8Array.of(1) })
  const full = (number: number): Uint8Array =>
    encodeLinkFrame({ kind: 'part', number, bytes: new Uint8Array(256 * 1024) })
  const ping = encodeLinkFrame({ kind: 'ping', nonce: new Uint8Array(8) })
  const broken: [string, Uint8Array, Uint8Array[]][] = [
    ['an envelope before hello', Uint8Array.of(0x10, 1), []],
    ['a second hello', hello, [hello]],
    ['an unknown kind', hello, [Uint8Array.of(0x20, 1)]],
    ['more than eight pings in a second', hello, Array(9).fill(ping)],
    ['a part that skips one', hello, [part(0), part(2)]],
    ['a first part of number 1', hello, [part(1)]],
    ['a bulk envelope above its limit', hello, [full(0), full(1), full(2), full(3), full(4)]],
  ]
  for (const [name, first, rest] of broken)
    it(`ends with a protocol error at ${name}`, async () => {
      const { me, peer } = await against(first)
      for (const frame of rest) await peer.write(frame)
      await ends(me, 'protocol')
      assert.deepEqual(me.taken, [])
    })

  it('ends with a protocol error at a frame of a forbidden size', async () => {
    const [a, b] = await streamPair()
    const me = side(a)
    b.send(new Uint8Array(4))
    await ends(me, 'protocol')
  })

  it('ends when no hello comes in time', async () => {
    const [a] = await streamPair()
    const me = side(a, HELLO, QUICK)
    await ends(me, 'hello')
    assert.ok(!me.seen.includes('up'))
  })

  it('says bye to a peer of another network, which learns why', async () => {
    const [a, b] = await streamPair()
    const me = side(a)
    const other = side(b, { ...HELLO, networkId: new Uint8Array(32).fill(2) })
    await ends(me, 'network')
    await ends(other, 'network')
    assert.ok(!me.seen.includes('up') && !other.seen.includes('up'))
  })

  it('finds a frozen peer suspect, then gives it up', async () => {
    const { me } = await against(undefined, QUICK)
    me.link.abort('stopping')
    const { me: frozen } = await against(hello, QUICK) // says hello and nothing ever after
    await ends(frozen, 'silent')
    assert.deepEqual(
      frozen.seen.filter((word) => word !== 'rtt'),
      ['up', 'suspect', 'silent'],
    )
  })

  it('stays up while both sides only ping', async () => {
    const [a, b] = await both({ ...QUICK, pingMs: 140, suspectMs: 1_000, downMs: 1_500 })
    const from = performance.now()
    await until(() => performance.now() - from > 1_900, polling)
    assert.equal(a.ended, undefined)
    assert.equal(b.ended, undefined)
  })

  it('does not lose a peer whose guest takes envelopes slowly', async () => {
    const [a, b] = await both({ ...QUICK, pingMs: 140, suspectMs: 800, downMs: 1_200 })
    let go = (): void => {}
    b.gate = new Promise((resolve) => {
      go = resolve
    })
    await a.link.send(Uint8Array.of(1), 'urgent', soon())
    await until(() => b.taken.length === 0 && b.seen.length > 0, polling)
    const from = performance.now()
    await until(() => performance.now() - from > 1_600, polling)
    assert.equal(a.ended, undefined, 'pongs wait behind the envelope, pings do not')
    go()
    await until(() => b.taken.length === 1, polling)
  })
})
