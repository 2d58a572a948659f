import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { learntAddresses } from '../../../src/node/addresses.ts'
import { createGater } from '../../../src/node/gater.ts'
import { PeerLimits } from '../../../src/node/limits.ts'
import { testMembers } from './support/test-network.ts'

const PRIVATE = [
  '/ip4/10.1.2.3/tcp/4001',
  '/ip4/127.0.0.1/tcp/4001',
  '/ip4/169.254.1.1/tcp/4001',
  '/ip4/192.168.0.1/tcp/4001',
  '/ip6/fc00::1/tcp/4001',
  '/ip6/fd12:3456::1/tcp/4001',
  '/ip6/::1/tcp/4001',
  '/ip6/fe80::1/tcp/4001',
  '/ip6/::ffff:10.0.0.1/tcp/4001',
  '/ip6zone/eth0/ip6/fe80::1/tcp/4001',
  '/dns4/localhost/tcp/4001',
  '/unix/tmp%2fsocket',
]
const PUBLIC = [
  '/ip4/8.8.8.8/tcp/4001',
  '/ip6/2a00:1450::1/tcp/4001',
  '/dns4/node.example/tcp/443/tls/ws',
]

describe('addresses learnt from others', () => {
  let peer: string
  let other: string
  before(async () => {
    const [one, two] = await testMembers(2, 'addresses')
    assert.ok(one && two)
    peer = one.peerId
    other = two.peerId
  })

  for (const address of PRIVATE)
    it(`leave out ${address} in the public profile`, () => {
      assert.deepEqual(learntAddresses([address], peer, false), [])
    })

  it('keep public ones, and private ones where the profile allows them', () => {
    const named = (address: string): string => `${address}/p2p/${peer}`
    assert.deepEqual(learntAddresses(PUBLIC, peer, false), PUBLIC.map(named))
    assert.deepEqual(
      learntAddresses(PRIVATE.slice(0, 2), peer, true),
      PRIVATE.slice(0, 2).map(named),
    )
  })

  it('are at most eight, short, well formed, and of the peer that they are said to be of', () => {
    const many = Array.from({ length: 20 }, (_, i) => `/ip4/8.8.8.8/tcp/${i + 1}`)
    assert.equal(learntAddresses(many, peer, false).length, 8)
    const bad = ['', 'nonsense', '/ip4/8.8.8.8.8/tcp/1', `/dns4/${'a'.repeat(130)}/tcp/1`]
    assert.deepEqual(learntAddresses(bad, peer, false), [])
    assert.deepEqual(learntAddresses([`/ip4/8.8.8.8/tcp/1/p2p/${other}`], peer, false), [])
  })

  it('are refused by the gater as well, unless the operator wrote them', () => {
    const limits = new PeerLimits(
      () => false,
      () => {},
    )
    const written = multiaddr(`/ip4/10.1.2.3/tcp/4001/p2p/${peer}`)
    const gater = createGater(limits, () => [], false, [written])
    const denies = (text: string): unknown => gater.denyDialMultiaddr?.(multiaddr(text))
    assert.equal(denies('/ip4/10.1.2.3/tcp/4001'), false)
    assert.equal(denies(written.toString()), false)
    assert.equal(denies('/ip4/10.1.2.3/tcp/4002'), true)
    for (const address of PRIVATE.slice(1)) assert.equal(denies(address), true, address)
    for (const address of PUBLIC) assert.equal(denies(address), false, address)
  })
})
