import assert from 'node:assert/strict'
import { hostAllowed, isLoopback, sourceOf } from '../../../src/gateway/origins.ts'
import { TokenBuckets } from '../../../src/gateway/token-buckets.ts'

describe('TokenBuckets.has()', () => {
  it('says what take() would do, and takes nothing', () => {
    let now = 0
    const buckets = new TokenBuckets({ perMinute: 60, burst: 2 }, () => now)
    for (let i = 0; i < 5; i++) assert.equal(buckets.has('a'), true)
    assert.equal(buckets.size, 0)
    buckets.take('a', 2)
    assert.equal(buckets.has('a'), false)
    now += 999
    assert.equal(buckets.has('a'), false)
    now += 1
    assert.equal(buckets.has('a'), true)
    assert.equal(buckets.take('a'), undefined)
  })
})

describe('TokenBuckets', () => {
  it('gives the burst at once and then the rate, and says how long to wait', () => {
    let now = 0
    const buckets = new TokenBuckets({ perMinute: 60, burst: 3 }, () => now)
    for (let i = 0; i < 3; i++) assert.equal(buckets.take('a'), undefined)
    assert.equal(buckets.take('a'), 1_000)
    now = 999
    assert.equal(buckets.take('a'), 1)
    now = 1_000
    assert.equal(buckets.take('a'), undefined)
    assert.equal(buckets.take('a', 2), 2_000)
  })

  it('takes nothing where there is not enough, and never holds more than the burst', () => {
    let now = 0
    const buckets = new TokenBuckets({ perMinute: 60, burst: 3 }, () => now)
    assert.ok(buckets.take('a', 4) !== undefined)
    assert.equal(buckets.take('a', 3), undefined)
    now = 3_600_000
    assert.equal(buckets.take('a', 3), undefined)
    assert.ok(buckets.take('a') !== undefined)
  })

  it('remembers 10,000 names, and forgets the one that was silent longest', () => {
    const buckets = new TokenBuckets({ perMinute: 1, burst: 1 }, () => 0)
    for (let i = 0; i < 10_000; i++) buckets.take(`n${i}`)
    assert.ok(buckets.take('n0') !== undefined) // now the latest
    buckets.take('one more')
    assert.equal(buckets.size, 10_000)
    assert.ok(buckets.take('n0') !== undefined)
    assert.equal(buckets.take('n1'), undefined)
  })
})

describe('sourceOf()', () => {
  it('is the IPv4 address, or the /64 of an IPv6 address in any spelling', () => {
    assert.equal(sourceOf('192.0.2.7'), '192.0.2.7')
    assert.equal(sourceOf('::ffff:192.0.2.7'), '192.0.2.7')
    for (const address of ['2001:db8::1', '2001:db8:0:0:1:2:3:4', '2001:db8::ffff:1'])
      assert.equal(sourceOf(address), '2001:db8:0:0::/64')
    assert.equal(sourceOf('::1'), '0:0:0:0::/64')
    assert.notEqual(sourceOf('2001:db8:1::1'), sourceOf('2001:db8::1'))
  })
})

describe('isLoopback() and hostAllowed()', () => {
  it('know this machine from others', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(address), address)
    for (const address of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', '1127.0.0.1'])
      assert.ok(!isLoopback(address), address)
  })

  it('refuse a missing host and a name with the look of an address', () => {
    assert.ok(!hostAllowed(undefined, []))
    assert.ok(!hostAllowed('', []))
    assert.ok(!hostAllowed('127.0.0.1.', []))
    assert.ok(!hostAllowed('999.0.0.1', []))
  })
})
