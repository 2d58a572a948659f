import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Registry } from 'prom-client'
import { nodeRecordKey } from '../../../src/node/discovery/node-records.ts'
import type { Network } from '../../../src/node/network.ts'
import {
  polling,
  type TestMember,
  testMembers,
  testNetwork,
  until,
} from './support/test-network.ts'

const soon = (): AbortSignal => AbortSignal.timeout(10_000)

describe('five nodes that know one bootstrap address', function () {
  this.timeout(30_000)
  let members: TestMember[]
  let networks: Network[] = []

  before(async () => {
    members = await testMembers(5, 'five nodes')
    const [first, ...others] = members
    assert.ok(first)
    const bootstrap = await testNetwork(first, members)
    networks = [bootstrap]
    await bootstrap.start()
    const address = bootstrap.multiaddrs()[0]
    assert.ok(address)
    const rest = await Promise.all(
      others.map((member) => testNetwork(member, members, { bootstrap: [address] })),
    )
    networks = [bootstrap, ...rest]
    await Promise.all(rest.map((network) => network.start()))
  })

  after(async () => {
    await Promise.all(networks.map((network) => network.stop()))
  })

  it('all get links with all others', async () => {
    await until(() => networks.every((network) => network.status().up === 4), polling, 25_000)
  })

  it("find each other's records", async () => {
    for (const network of networks)
      for (const { guestSig, peerId } of members) {
        const key = nodeRecordKey(guestSig)
        let found = await network.directory.find(key, soon())
        for (let i = 0; found === undefined && i < 10; i++)
          found = await network.directory.find(key, soon())
        assert.ok(found, `${network.peerId} found no record of ${peerId}`)
      }
  })

  it('send envelopes both ways, as they are', async () => {
    const [a, b] = networks
    assert.ok(a && b)
    const taken: [string, Uint8Array][] = []
    for (const network of [a, b])
      network.links.onEnvelope(async (from, envelope) => {
        taken.push([from, envelope])
      })
    await a.links.send(b.peerId, Uint8Array.of(1, 2), 'urgent', soon())
    await until(() => taken.length === 1, polling)
    await b.links.send(a.peerId, new Uint8Array(700_000).fill(3), 'bulk', soon())
    await until(() => taken.length === 2, polling)
    assert.deepEqual(taken, [
      [a.peerId, Uint8Array.of(1, 2)],
      [b.peerId, new Uint8Array(700_000).fill(3)],
    ])
  })

  it('come back when one of them restarts behind another port, though the bootstrap node is gone', async () => {
    const [bootstrap, second, ...rest] = networks
    const me = members[1]
    assert.ok(bootstrap && second && me)
    await Promise.all([bootstrap.stop(), second.stop()])
    await until(() => rest.every((network) => network.status().up === 2), polling)
    const address = rest[0]?.multiaddrs()[0]
    assert.ok(address)
    const again = await testNetwork(me, members, { bootstrap: [address] })
    networks = [again, ...rest]
    await again.start()
    await until(() => networks.every((network) => network.status().up === 3), polling, 25_000)
  })
})

describe('a network', function () {
  this.timeout(20_000)
  const running: Network[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map((network) => network.stop()))
  })

  it('has no link with a member that belongs to another network', async () => {
    const members = await testMembers(2, 'two networks')
    const [one, two] = members
    assert.ok(one && two)
    const registry = new Registry()
    const a = await testNetwork(one, members, { registry })
    running.push(a)
    await a.start()
    const networkId = new Uint8Array(32).fill(8)
    const b = await testNetwork(two, members, { networkId, bootstrap: a.multiaddrs().slice(0, 1) })
    const seen: boolean[] = []
    for (const network of [a, b]) network.links.onState((_peer, { up }) => seen.push(up))
    running.push(b)
    await b.start()
    let counted = ''
    const isRefused = (): boolean => counted.includes('link_refused_total{reason="network"} 1')
    await until(isRefused, (changed) =>
      polling(() => {
        void registry.metrics().then((text) => {
          counted = text
          changed()
        })
      }),
    )
    await assert.rejects(b.links.send(a.peerId, Uint8Array.of(1), 'urgent', soon()))
    assert.deepEqual(seen, [])
  })

  it('refuses to be made with a bootstrap address that is none', async () => {
    const members = await testMembers(1, 'one')
    const [me] = members
    assert.ok(me)
    await assert.rejects(
      testNetwork(me, members, { bootstrap: ['localhost:4001'] }),
      /no multiaddr/,
    )
  })

  it('leaves nothing behind that keeps the process alive after it stopped', async () => {
    const program = fileURLToPath(new URL('./support/start-and-stop.ts', import.meta.url))
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(15_000) })) as [number]
    assert.equal(printed, 'stopped\n')
    assert.equal(code, 0)
  })
})
