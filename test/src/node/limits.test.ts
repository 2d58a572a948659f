import assert from 'node:assert/strict'
import { ABUSE_LIMITS, PeerLimits } from '../../../src/node/limits.ts'

const MINUTE = 60_000

describe('PeerLimits', () => {
  let now = 0
  let blocked: [string, boolean][] = []
  let limits: PeerLimits
  beforeEach(() => {
    now = 1_000
    blocked = []
    limits = new PeerLimits(
      (peer) => peer.startsWith('member'),
      (peer, isMember) => blocked.push([peer, isMember]),
      () => now,
    )
  })
  const open = (count: number, peer: (i: number) => string, ip: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => ({ peer: peer(i), ip: ip(i) }))
  const next = { peer: 'eve', ip: '192.0.2.1' }

  it('allows a stranger eight connections', () => {
    const of = (count: number) =>
      open(
        count,
        () => 'eve',
        (i) => `198.51.100.${i}`,
      )
    assert.equal(limits.mayConnect(next, of(7)), true)
    assert.equal(limits.mayConnect(next, of(8)), false)
  })

  it('allows 32 connections of strangers from one address', () => {
    const of = (count: number) =>
      open(
        count,
        (i) => `p${i}`,
        () => '192.0.2.1',
      )
    assert.equal(limits.mayConnect(next, of(31)), true)
    assert.equal(limits.mayConnect(next, of(32)), false)
    assert.equal(limits.mayConnect({ ...next, ip: '192.0.2.2' }, of(32)), true)
  })

  it('counts an IPv6 network of 64 bits as one address, however it is written', () => {
    const of = open(
      32,
      (i) => `p${i}`,
      (i) => `2001:db8:0:7::${i.toString(16)}`,
    )
    assert.equal(limits.mayConnect({ peer: 'eve', ip: '2001:DB8:0:7:1:2:3:4' }, of), false)
    assert.equal(limits.mayConnect({ peer: 'eve', ip: '2001:db8:0:8::1' }, of), true)
  })

  it('allows 200 connections of strangers in all, and members always', () => {
    const of = (count: number) =>
      open(
        count,
        (i) => `p${i}`,
        (i) => `10.${i >> 8}.${i & 255}.1`,
      )
    assert.equal(limits.mayConnect(next, of(199)), true)
    assert.equal(limits.mayConnect(next, of(200)), false)
    assert.equal(limits.mayConnect({ peer: 'member 1', ip: '192.0.2.1' }, of(200)), true)
    const members = open(
      300,
      (i) => `member ${i}`,
      () => '192.0.2.1',
    )
    assert.equal(limits.mayConnect(next, members), true)
  })

  it('allows a stranger 60 streams in ten seconds, and members any number', () => {
    for (let i = 0; i < 60; i++) assert.equal(limits.mayOpenStream('eve'), true)
    assert.equal(limits.mayOpenStream('eve'), false)
    assert.equal(limits.mayOpenStream('mallory'), true)
    now += 10_000
    assert.equal(limits.mayOpenStream('eve'), true)
    for (let i = 0; i < 200; i++) assert.equal(limits.mayOpenStream('member 1'), true)
  })

  it('blocks for ten minutes who passes that limit five times', () => {
    for (let round = 0; round < 5; round++) {
      assert.deepEqual(blocked, [])
      for (let i = 0; i < 70; i++) limits.mayOpenStream('eve')
      now += 10_000
    }
    assert.deepEqual(blocked, [['eve', false]])
    now += 10 * MINUTE - 10_001
    assert.equal(limits.mayConnect(next, []), false)
    assert.equal(limits.mayOpenStream('eve'), false)
    assert.equal(limits.blocked, 1)
    now += 1
    assert.equal(limits.mayConnect(next, []), true)
    assert.equal(limits.blocked, 0)
  })

  it('allows a stranger 300 requests a minute', () => {
    for (let i = 0; i < 300; i++) assert.equal(limits.mayRequest('eve'), true)
    assert.equal(limits.mayRequest('eve'), false)
    now += MINUTE
    assert.equal(limits.mayRequest('eve'), true)
  })

  it('blocks at the third protocol error: ten minutes, a member one minute', () => {
    for (const peer of ['eve', 'member 1'])
      for (let i = 0; i < 3; i++) {
        assert.equal(limits.isBlocked(peer), false)
        limits.protocolError(peer)
      }
    assert.deepEqual(blocked, [
      ['eve', false],
      ['member 1', true],
    ])
    now += MINUTE
    assert.equal(limits.isBlocked('member 1'), false)
    assert.equal(limits.isBlocked('eve'), true)
    now += 9 * MINUTE
    assert.equal(limits.isBlocked('eve'), false)
  })

  it('forgets protocol errors after ten minutes', () => {
    limits.protocolError('eve')
    limits.protocolError('eve')
    now += 10 * MINUTE
    limits.protocolError('eve')
    assert.equal(limits.isBlocked('eve'), false)
  })

  it('counts no more peers than its limit, and forgets the one unseen for longest', () => {
    const small = new PeerLimits(
      () => false,
      () => {},
      () => now,
      { ...ABUSE_LIMITS, peers: 2, requests: 1 },
    )
    assert.equal(small.mayRequest('a'), true)
    assert.equal(small.mayRequest('b'), true)
    assert.equal(small.mayRequest('a'), false)
    assert.equal(small.mayRequest('c'), true)
    assert.equal(small.mayRequest('a'), false, 'seen last, so kept')
    assert.equal(small.mayRequest('b'), true, 'forgotten')
  })
})
