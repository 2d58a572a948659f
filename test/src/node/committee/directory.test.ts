import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { Registry } from 'prom-client'
import { askNewest } from '../../../../src/node/committee/ask-committee.ts'
import { committeeKey, netKey } from '../../../../src/node/committee/committee-records.ts'
import { nodeRecordKey } from '../../../../src/node/discovery/node-records.ts'
import type { Network } from '../../../../src/node/network.ts'
import { exampleMember } from '../../../protocols/agreement/example-genesis.ts'
import { bareHost } from '../support/hosts.ts'
import { committeeId, networkId, publishedOf, second, third } from '../support/published.ts'
import {
  polling,
  signRecord,
  type TestMember,
  type TestNetworkOptions,
  testMembers,
  testNetwork,
  until,
} from '../support/test-network.ts'

const soon = (): AbortSignal => AbortSignal.timeout(10_000)

describe('the committee in the directory', function () {
  this.timeout(40_000)
  let members: TestMember[]
  let folder: string
  const running: Network[] = []

  before(async () => {
    members = await testMembers(3, 'directory')
    assert.ok(exampleMember(1))
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-directory-'))
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((network) => network.stop()))
    await rm(folder, { recursive: true })
  })

  async function start(index: number, options: TestNetworkOptions = {}): Promise<Network> {
    const me = members[index]
    assert.ok(me)
    const bootstrap = running[0]?.multiaddrs().slice(0, 1) ?? []
    const network = await testNetwork(me, members, { networkId, bootstrap, ...options })
    running.push(network)
    await network.start()
    return network
  }
  const stopped = async (network: Network): Promise<void> => {
    running.splice(running.indexOf(network), 1)
    await network.stop()
  }
  const epochOf = (network: Network) => network.newest()?.committee.cert.record.e

  it('goes from the member whose guest published it to all others, and to strangers who ask', async () => {
    const a = await start(0)
    const b = await start(1)
    const c = await start(2)
    await until(() => running.every((network) => network.status().up === 2), polling, 20_000)
    const now = Date.now()
    // Others need the word of their own guest before they believe anybody.
    for (const network of [b, c]) await network.adopt(publishedOf(second, now - 1_000))
    await a.adopt(publishedOf(third, now))
    await until(() => epochOf(b) === 2 && epochOf(c) === 2, polling, 20_000)
    for (const key of [committeeKey(committeeId), netKey(networkId)])
      assert.ok(await b.directory.find(key, soon()))
    const stranger = await bareHost()
    try {
      const connection = await stranger.dial(multiaddr(b.multiaddrs()[0] ?? ''))
      assert.deepEqual(await askNewest(connection, soon()), publishedOf(third, now))
    } finally {
      await stranger.stop()
    }
  })

  it('that somebody still has an older one of is published again, and what was known survives a restart', async () => {
    const committeeFile = join(folder, 'committee')
    const now = Date.now()
    const a = await start(0, { config: { committeeFile } })
    await a.adopt(publishedOf(third, now))
    await stopped(a)
    const again = await start(0, { config: { committeeFile } })
    assert.equal(epochOf(again), 2)
    await again.adopt(publishedOf(second, now + 500))
    assert.equal(epochOf(again), 2)
    const b = await start(1)
    await until(() => b.status().up === 1, polling)
    await b.adopt(publishedOf(second, now)) // it publishes epoch 1, which the other refuses and answers with epoch 2
    await until(() => epochOf(b) === 2, polling, 20_000)
  })

  it('begins where members were before, though no address is written anywhere', async () => {
    const committeeFile = join(folder, 'committee')
    const a = await start(0)
    const b = await start(1, { config: { committeeFile } })
    await until(() => b.status().up === 1, polling)
    await stopped(b)
    const again = await start(1, { bootstrap: [], config: { committeeFile } })
    await until(() => again.status().up === 1 && a.status().up === 1, polling, 20_000)
  })

  it('takes eight records of guests that nobody knows from one peer that nobody knows', async () => {
    const registry = new Registry()
    const a = await start(0, { registry })
    const strangers = await testMembers(12, 'strangers of the directory')
    const [speaker, ...others] = strangers
    assert.ok(speaker)
    const outside = await testNetwork(speaker, members, {
      networkId,
      bootstrap: a.multiaddrs().slice(0, 1),
    })
    running.push(outside)
    await outside.start()
    await until(() => outside.status().table > 0, polling)
    let stored = 0
    for (const other of others) {
      const now = Date.now()
      const fields = { peerId: other.peerId, multiaddrs: [], gateway: null, seq: now }
      const bytes = signRecord(other, { ...fields, expiresAt: now + 60_000 }, networkId)
      const key = nodeRecordKey(other.guestSig)
      await outside.directory.publish({ key, bytes }).then(
        () => stored++,
        () => {},
      )
    }
    assert.equal(stored, 7) // and the record of its own guest
    assert.match(
      await registry.metrics(),
      /dht_refused_total\{namespace="hf-node",reason="peer-full"\} 4/,
    )
  })
})
