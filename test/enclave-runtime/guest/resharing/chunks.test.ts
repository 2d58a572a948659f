import assert from 'node:assert/strict'
import type { AttemptFacts } from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import type { HeldKey } from '../../../../protocols/agreement/epoch/held-key.ts'
import { interpolate, publicOf } from './dealt-keys.ts'
import { allDone, assertShared, assertSound, BASE, NEXT, sharesOf } from './epoch-steps.ts'
import { hex, leavesOf, ResharingNet } from './resharing-net.ts'

/** What the machine asks after the chunks are done is the same everywhere. */
function assertAgreed(
  net: ResharingNet,
  { epoch, members }: AttemptFacts,
  keys: readonly HeldKey[],
) {
  const seen = members.map(({ index }) => {
    const { work } = net.guest(index)
    assert.ok(work.holdsShares(epoch))
    const transcripts = [...work.durableChunks(epoch)].sort(([a], [b]) => a - b)
    const reshared = work.reshared(epoch, keys)
    for (const [at, key] of reshared.entries()) {
      const before = keys[at]
      assert.ok(before)
      assert.deepEqual(key.publicKey, before.publicKey)
      assert.deepEqual(key.chainCodeHash, before.chainCodeHash)
      assert.notDeepEqual(key.commitmentHash, before.commitmentHash)
    }
    return JSON.stringify([
      transcripts.map(([chunk, transcript]) => [chunk, hex(transcript)]),
      reshared.map(({ commitmentHash }) => hex(commitmentHash)),
    ])
  })
  assert.equal(new Set(seen).size, 1)
}

describe('chunks of keys', () => {
  it('of one key: refreshed by five members', async () => {
    const net = await ResharingNet.create('one', [1, 2, 3, 4, 5])
    const keys = await net.deal(BASE, [1, 2, 3, 4, 5], 1, 3)
    const facts = net.facts({
      ...{ epoch: NEXT, base: BASE, old: [1, 2, 3, 4, 5], oldThreshold: 3 },
      ...{ to: [1, 2, 3, 4, 5], threshold: 3, rootKey: keys[0]?.publicKey ?? null },
    })
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, net.indices, 1))
    assertSound(net)
    assertAgreed(net, facts, leavesOf(keys))
    await assertShared(net, facts, keys)
    for (const guest of net.guests.values()) {
      assert.deepEqual(guest.work.rootKey(NEXT)?.keyId, keys[0]?.keyId)
      assert.notDeepEqual(guest.work.rootKey(NEXT)?.commitment, keys[0]?.commitment)
      assert.equal(guest.work.prekey(NEXT).length, 32)
    }
  })

  it('of three keys: a sixth member joins, and the threshold is another', async () => {
    const net = await ResharingNet.create('join', [1, 2, 3, 4, 5, 6])
    const old = [1, 2, 3, 4, 5]
    const keys = await net.deal(BASE, old, 3, 3)
    const facts = net.facts({
      ...{ epoch: NEXT, base: BASE, old, oldThreshold: 3 },
      ...{ to: [1, 2, 3, 4, 5, 6], threshold: 4, dealers: [1, 3, 5] },
    })
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, net.indices, 1))
    assertSound(net)
    assertAgreed(net, facts, leavesOf(keys))
    await assertShared(net, facts, keys)
    assert.equal(net.guest(6).work.holdsShares(BASE), false)
  })

  it('of two keys: a member leaves that deals, and one that does not', async () => {
    const net = await ResharingNet.create('leave', [1, 2, 3, 4, 5])
    const old = [1, 2, 3, 4, 5]
    const keys = await net.deal(BASE, old, 2, 3)
    const facts = net.facts({
      ...{ epoch: NEXT, base: BASE, old, oldThreshold: 3 },
      ...{ to: [1, 3, 4], threshold: 2, dealers: [1, 2, 3] },
    })
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, net.indices, 1)) // those that leave learn T from its signatures
    assertSound(net)
    assertAgreed(net, facts, leavesOf(keys))
    await assertShared(net, facts, keys)
    for (const index of [2, 5]) {
      assert.equal(net.guest(index).work.durableChunks(NEXT).size, 0)
      assert.deepEqual(net.guest(index).done[0]?.transcript, net.guest(1).done[0]?.transcript)
    }
  })

  it('of three hundred keys, over two chunks, one of them asked for later by one member', async () => {
    const net = await ResharingNet.create('many', [1, 2, 3, 4])
    const members = [1, 2, 3, 4]
    const keys = await net.deal(BASE, members, 300, 3)
    const facts = net.facts({
      ...{ epoch: NEXT, base: BASE, old: members, oldThreshold: 3, to: members, threshold: 3 },
    })
    await net.begin(facts, leavesOf(keys), [1, 2, 3])
    await net.until(() => net.clock.monotonicMs() > 10_000)
    await net.begin(facts, leavesOf(keys), [4])
    await net.until(allDone(net, members, 2))
    assertSound(net)
    assertAgreed(net, facts, leavesOf(keys))
    await assertShared(
      net,
      facts,
      [0, 255, 256, 299].flatMap((at) => keys[at] ?? []),
    )
  }).timeout(60_000)

  it('gives the root key of the genesis epoch to all', async () => {
    const net = await ResharingNet.create('genesis', [1, 2, 3])
    const epoch = { e: 0, k: 1 }
    const facts = net.facts({
      ...{ epoch, base: epoch, old: [1, 2, 3], oldThreshold: 2 },
      ...{ to: [1, 2, 3], threshold: 2, dealers: [1, 2, 3] },
    })
    await net.begin(facts, [])
    for (const { work } of net.guests.values())
      work.begin({ ...epoch, epochId: facts.epochId, kind: 'root' })
    await net.until(allDone(net, [1, 2, 3], 1))
    assertSound(net)
    const root = net.guest(1).work.rootKey(epoch)
    assert.ok(root)
    for (const { work, done } of net.guests.values()) {
      assert.deepEqual(work.rootKey(epoch), root)
      assert.deepEqual(work.durableChunks(epoch), new Map([[0, done[0]?.transcript]]))
      assert.equal(done[0]?.kind, 'root')
    }
    const shares = await sharesOf(net, epoch, [1, 3], root.keyId)
    assert.deepEqual(publicOf(interpolate(shares)), root.publicKey)
  })
})
