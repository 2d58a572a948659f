import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { Registry } from 'prom-client'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { FrameChannel } from '../../../../src/node/channels/frame-channel.ts'
import { COMMITTEE_PROTOCOL, encodeRequest } from '../../../../src/node/committee/exchange.ts'
import { Roster } from '../../../../src/node/committee/roster.ts'
import type { Network } from '../../../../src/node/network.ts'
import { bareHost } from '../support/hosts.ts'
import {
  polling,
  type TestMember,
  testMembers,
  testNetwork,
  until,
  viewOf,
} from '../support/test-network.ts'

const soon = (): AbortSignal => AbortSignal.timeout(10_000)
const letter = (number: number, length = 100): Uint8Array => {
  const bytes = new Uint8Array(length)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}
const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer).getUint32(0)

describe('letters between hosts', function () {
  this.timeout(30_000)
  let alice: TestMember
  let bob: TestMember
  let dave: TestMember
  const running: Network[] = []

  before(async () => {
    const [first, second, third] = await testMembers(3, 'letters')
    assert.ok(first && second && third)
    ;[alice, bob, dave] = [first, second, third]
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((network) => network.stop()))
  })

  async function start(
    me: TestMember,
    roster: Roster,
    options: { bootstrap?: readonly string[]; registry?: Registry } = {},
  ): Promise<{ network: Network; taken: number[] }> {
    const network = await testNetwork(me, [], { ...options, roster })
    const taken: number[] = []
    network.committee.onLetter(async (bytes) => void taken.push(numberOf(bytes)))
    running.push(network)
    await network.start()
    return { network, taken }
  }
  /** Alice and Bob are members, and know each other. */
  async function pair() {
    const roster = () => new Roster(viewOf([alice, bob]), alice.guestSig)
    const a = await start(alice, roster())
    const registry = new Registry()
    const bootstrap = a.network.multiaddrs().slice(0, 1)
    const b = await start(bob, new Roster(viewOf([alice, bob]), bob.guestSig), {
      bootstrap,
      registry,
    })
    return { a, b, bootstrap, registry }
  }

  it('reach a member in their order, many and large ones, while the links come up', async () => {
    const { a, b } = await pair()
    const numbers = Array.from({ length: 300 }, (_, i) => i)
    for (const number of numbers) b.network.committee.send(alice.guestSig, letter(number, 20_000))
    a.network.committee.send(bob.guestSig, letter(7, 52 * 1024))
    await until(() => a.taken.length === 300 && b.taken.length === 1, polling, 20_000)
    assert.deepEqual(a.taken, numbers)
    assert.deepEqual(b.taken, [7])
  })

  it('wait for a guest that is slow, and lose nothing', async () => {
    const { a, b } = await pair()
    const waiting: (() => void)[] = []
    const taken: number[] = []
    a.network.committee.onLetter(async (bytes) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      await promise
      taken.push(numberOf(bytes))
    })
    for (let i = 0; i < 50; i++) b.network.committee.send(alice.guestSig, letter(i))
    for (let i = 0; i < 50; i++) {
      await until(() => waiting.length > 0, polling)
      assert.equal(waiting.length, 1) // one of a peer at a time
      waiting.shift()?.()
    }
    await until(() => taken.length === 50, polling)
    assert.deepEqual(
      taken,
      Array.from({ length: 50 }, (_, i) => i),
    )
  })

  it('of a joiner reach a member, whose answer finds it though no view names it', async () => {
    const { a, bootstrap } = await pair()
    const joiner = new Roster(viewOf([alice, bob], { standing: 'joining' }), dave.guestSig)
    const d = await start(dave, joiner, { bootstrap })
    d.network.committee.send(alice.guestSig, letter(1))
    await until(() => a.taken.length === 1, polling)
    a.network.committee.send(dave.guestSig, letter(2))
    await until(() => d.taken.length === 1, polling)
    assert.deepEqual([a.taken, d.taken], [[1], [2]])
    assert.equal(d.network.status().up, 0) // no link: it is no member
  })

  it('to a guest that nobody knows are dropped and counted', async () => {
    const registry = new Registry()
    const a = await start(alice, new Roster(viewOf([alice, bob]), alice.guestSig), { registry })
    for (let i = 0; i < 70; i++)
      a.network.committee.send(new Uint8Array(32).fill(100 + i), letter(i))
    const text = await registry.metrics()
    assert.match(text, /letters_dropped_total\{reason="full"\} 6/) // of at most 64 guests at once
  })

  it('of a stranger are few, and more are cut off; a member is never limited', async () => {
    const { a, b, bootstrap } = await pair()
    const stranger = await bareHost()
    try {
      const [address = ''] = bootstrap
      const stream = await stranger.dialProtocol(multiaddr(address), COMMITTEE_PROTOCOL)
      const channel = new FrameChannel(stream)
      await channel.write(encodeRequest({ ask: 'letters', from: dave.guestSig }))
      let receipts = 0
      await assert.rejects(async () => {
        for (let i = 0; i < 400; i++) {
          await channel.write(letter(i))
          await channel.read(soon())
          receipts++
        }
      })
      assert.ok(receipts > 0 && receipts < 240, `${receipts} receipts`)
      assert.equal(a.taken.length, receipts)
    } finally {
      await stranger.stop()
    }
    const before = a.taken.length
    for (let i = 0; i < 200; i++) b.network.committee.send(alice.guestSig, letter(i))
    await until(() => a.taken.length === before + 200, polling)
  })

  it('above their size, and requests of no form, get whoever sends them blocked', async () => {
    const { a, bootstrap } = await pair()
    const stranger = await bareHost()
    const hello = encodeRequest({ ask: 'letters', from: dave.guestSig })
    const large = new Uint8Array(52 * 1024 + 1)
    try {
      for (const frames of [[hello, large], [encodeCanonical(['letters', 9])], [large]]) {
        assert.equal(a.network.status().blocked, 0)
        const [address = ''] = bootstrap
        const stream = await stranger.dialProtocol(multiaddr(address), COMMITTEE_PROTOCOL)
        const channel = new FrameChannel(stream)
        for (const frame of frames) await channel.write(frame)
        await assert.rejects(channel.read(soon()))
      }
      assert.equal(a.network.status().blocked, 1)
    } finally {
      await stranger.stop()
    }
  })
})
