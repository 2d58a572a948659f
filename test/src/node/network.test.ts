import assert from 'node:assert/strict'
import { nodeRecordKey } from '../../../src/node/discovery/node-records.ts'
import type { Network } from '../../../src/node/network.ts'
import {
  polling,
  type TestMember,
  testMembers,
  testNetwork,
  until,
} from './support/test-network.ts'

describe('five nodes that know one bootstrap address', function () {
  this.timeout(30_000)
  let members: TestMember[]
  let networks: Network[] = []

  before(async () => {
    members = await testMembers(5, 'five nodes')
    const [first, ...others] = members
    assert.ok(first)
    const bootstrap = await testNetwork(first, members)
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
        const isFound = async (): Promise<boolean> =>
          (await network.directory.find(key, AbortSignal.timeout(5_000))) !== undefined
        let found = await isFound()
        for (let i = 0; !found && i < 10; i++) found = await isFound()
        assert.ok(found, `${network.peerId} found no record of ${peerId}`)
      }
  })
})
