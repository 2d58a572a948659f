import assert from 'node:assert/strict'
import { Registry } from 'prom-client'
import { Roster } from '../../../../src/node/committee/roster.ts'
import type { Network } from '../../../../src/node/network.ts'
import {
  polling,
  type TestMember,
  testMembers,
  testNetwork,
  until,
  viewOf,
} from '../support/test-network.ts'

const soon = (): AbortSignal => AbortSignal.timeout(10_000)

describe('a committee that changes', function () {
  this.timeout(40_000)
  let members: TestMember[]
  const networks: Network[] = []
  let rosters: Roster[] = []
  let registry: Registry
  /** Links of one of them that are up. */
  const up = (index: number): number =>
    members.filter(({ peerId }) => networks[index]?.links.state(peerId).up).length
  const of = (...indices: number[]): TestMember[] =>
    members.filter(({ index }) => indices.includes(index))
  const joiner = (member: TestMember | undefined): TestMember => {
    assert.ok(member)
    return { ...member, index: 0 }
  }

  /** Alice, Bob and Carol are members; Dave only knows them. */
  before(async () => {
    members = await testMembers(4, 'changes')
    registry = new Registry()
    rosters = members.map(
      ({ guestSig, index }) =>
        new Roster(viewOf(of(1, 2, 3), { standing: index === 4 ? 'joining' : 'member' }), guestSig),
    )
    for (const [i, me] of members.entries()) {
      const bootstrap = networks[0]?.multiaddrs().slice(0, 1) ?? []
      const roster = rosters[i]
      assert.ok(roster)
      const more = i === 0 ? { registry } : {}
      const network = await testNetwork(me, [], { roster, bootstrap, ...more })
      networks.push(network)
      await network.start()
    }
    await until(() => [0, 1, 2].every((i) => up(i) === 2), polling, 20_000)
  })
  after(async () => {
    await Promise.all(networks.map((network) => network.stop()))
  })

  it('has no link with a joiner, though they are connected', async () => {
    await until(() => (networks[3]?.status().connections ?? 0) >= 3, polling)
    assert.equal(up(3), 0)
    for (const roster of rosters)
      roster.follow(viewOf(of(1, 2, 3), { others: [joiner(members[3])] }))
    assert.equal(up(3), 0)
    const [alice] = networks
    const dave = members[3]?.peerId ?? ''
    assert.ok(alice)
    await assert.rejects(alice.links.send(dave, Uint8Array.of(1), 'urgent', soon()))
  })

  it('links the newcomer once its attempt begins, whoever hears of it first', async () => {
    const view = viewOf(of(1, 2, 3), { others: of(4) })
    rosters[3]?.follow(view) // it tries, and is refused by those who know nothing yet
    await until(() => networks.every((network) => network.status().blocked === 0), polling)
    for (const roster of rosters.slice(0, 3)) roster.follow(view)
    await until(() => networks.every((_, i) => up(i) === 3), polling, 20_000)
    assert.equal(networks[0]?.status().members.length, 2) // it is no member yet
  })

  it('keeps the leaver until its epoch is erased, then lets it go everywhere', async () => {
    const epoch = { e: 1, k: 1 }
    for (const roster of rosters) roster.follow(viewOf(of(1, 3, 4), { others: of(2), epoch }))
    assert.deepEqual(
      networks.map((_, i) => up(i)),
      [3, 3, 3, 3],
    )
    const downs: string[] = []
    networks[0]?.links.onState((peer, state) => {
      if (!state.up) downs.push(peer)
    })
    for (const roster of [rosters[0], rosters[2], rosters[3]])
      roster?.follow(viewOf(of(1, 3, 4), { epoch }))
    await until(() => [0, 2, 3].every((i) => up(i) === 2) && up(1) === 0, polling)
    assert.deepEqual(downs, [members[1]?.peerId])
    assert.doesNotMatch(await registry.metrics(), /link_up\{member="2"\}/)
    const [alice] = networks
    assert.ok(alice)
    const sent = alice.links.send(members[1]?.peerId ?? '', Uint8Array.of(1), 'urgent', soon())
    await assert.rejects(sent, { code: 'UNREACHABLE' })
    rosters[1]?.follow(viewOf(of(1, 3, 4), { epoch, standing: 'left' }))
    assert.equal(up(1), 0)
  })

  it('still carries envelopes and letters between those who are left', async () => {
    const [alice, , , dave] = networks
    assert.ok(alice && dave)
    const taken: Uint8Array[] = []
    dave.links.onEnvelope(async (_from, bytes) => void taken.push(bytes))
    dave.committee.onLetter(async (bytes) => void taken.push(bytes))
    await alice.links.send(dave.peerId, Uint8Array.of(1), 'urgent', soon())
    alice.committee.send(members[3]?.guestSig ?? new Uint8Array(), Uint8Array.of(2))
    await until(() => taken.length === 2, polling)
    assert.deepEqual(taken.map((bytes) => bytes[0]).sort(), [1, 2])
  })
})
