import assert from 'node:assert/strict'
import type { AttemptFacts } from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import { shareName } from '../../../../enclave-runtime/guest/keys/pending-batch.ts'
import {
  type ChunkRecord,
  chunkName,
  decodeChunkRecord,
} from '../../../../enclave-runtime/guest/resharing/chunk-record.ts'
import { FAULT_CODES } from '../../../../protocols/agreement/objects/attempt.ts'
import type { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'
import { NETWORK } from '../vault/vault-fixture.ts'
import type { DealtKey } from './dealt-keys.ts'
import { allDone, assertShared, assertSound, BASE, FIVE, NEXT, refresh } from './epoch-steps.ts'
import { leavesOf, ResharingNet } from './resharing-net.ts'

const VICTIM = 3

/** A refresh in which guest 3 dies at its n-th write, before it is made or after it is durable. */
async function crashed(seed: string, at: number, after: boolean) {
  const net = await ResharingNet.create(seed, FIVE)
  const keys = await net.deal(BASE, FIVE, 2, 3)
  const facts = refresh(net)
  let writes = 0
  let died = false
  const die = () => {
    died = true
    throw new Error('the process died')
  }
  net.onWrite = (party) => {
    if (party !== VICTIM) return
    writes++
    if (died || (!after && writes === at)) die()
  }
  net.onWritten = (party) => {
    if (party === VICTIM && after && writes === at) die()
  }
  const others = FIVE.filter((index) => index !== VICTIM)
  await net.begin(facts, leavesOf(keys), others)
  await net.begin(facts, leavesOf(keys), [VICTIM]).catch(() => undefined)
  await net.until(() => died || allDone(net, FIVE, 1)())
  if (died) {
    net.kill(VICTIM)
    net.onWrite = () => undefined
    net.onWritten = () => undefined
    for (const list of [
      net.guest(VICTIM).defects,
      net.guest(VICTIM).done,
      net.guest(VICTIM).failed,
    ])
      list.length = 0
    await net.start(VICTIM)
    await net.guest(VICTIM).work.attempt(facts)
  }
  return { net, keys, facts, died, others }
}

/** How far the chunk is on the disk of guest 3. */
function stageOf(net: ResharingNet): ChunkRecord['stage'] | undefined {
  const bytes = net.guest(VICTIM).vault.critical(chunkName(NEXT, 0))
  return bytes && decodeChunkRecord(bytes).stage
}

/** What the machine does with what is durable after the start: all of it goes on, or a fault. */
async function resumed(
  net: ResharingNet,
  facts: AttemptFacts,
  keys: readonly DealtKey[],
): Promise<'complete' | 'fault' | 'anew'> {
  const { work, failed, done } = net.guest(VICTIM)
  if (work.durableChunks(NEXT).size === 1) {
    assert.ok(work.holdsShares(NEXT))
    assert.equal(work.reshared(NEXT, leavesOf(keys)).length, keys.length)
    return 'complete'
  }
  assert.equal(work.holdsShares(NEXT), false)
  net.ask(VICTIM, facts, leavesOf(keys))
  await net.until(() => failed.length + done.length > 0)
  if (done.length > 0) return 'anew'
  assert.deepEqual([failed[0]?.code, failed[0]?.about], [FAULT_CODES.chunk, 0])
  return 'fault'
}

describe('a crash while shares are made', () => {
  for (const after of [false, true]) {
    it(`${after ? 'after' : 'before'} any write leaves all of a chunk, or a fault and nothing that anybody relies on`, async () => {
      const outcomes: string[] = []
      for (let at = 1; ; at++) {
        const { net, keys, facts, died, others } = await crashed(`crash ${at} ${after}`, at, after)
        if (!died) break
        const stage = stageOf(net)
        const outcome = await resumed(net, facts, keys)
        outcomes.push(outcome)
        // Nobody is done with a chunk of which a member has no shares.
        if (others.some((index) => net.guest(index).work.durableChunks(NEXT).size > 0))
          assert.ok(outcome === 'anew' || stage === 'proved' || stage === 'done', `write ${at}`)
        if (outcome !== 'fault') {
          await net.until(allDone(net, others, 1))
          assertSound(net, [VICTIM])
          await assertShared(net, facts, keys)
        }
        // Whatever was left, ABORT takes it.
        await net.guest(VICTIM).work.drop(NEXT)
        await assertGone(net, keys)
      }
      // The epoch and its prekey; the marker; the shares; that they are pending; the proofs; that it is done.
      assert.deepEqual(
        outcomes,
        after
          ? ['anew', 'anew', 'fault', 'fault', 'fault', 'fault', 'complete']
          : ['anew', 'anew', 'anew', 'fault', 'fault', 'fault', 'fault'],
      )
    }).timeout(60_000)
  }
})

/** Nothing of the attempt opens at guest 3, nor is anything of it on its disk; the epoch before is as it was. */
async function assertGone(net: ResharingNet, keys: readonly DealtKey[]): Promise<void> {
  const { vault, node, kernel, work } = net.guest(VICTIM)
  const [key] = keys
  assert.ok(key)
  await assert.rejects(vault.loadShare(NEXT, shareName(key.keyId)), { code: 'EPOCH_ERASED' })
  await assert.rejects(vault.secret(NEXT, 'prekey'), { code: 'EPOCH_ERASED' })
  const names = [...(await node.rows()).keys()]
  assert.deepEqual(
    names.filter((name) => name.startsWith('e/00010001/')),
    [],
  )
  assert.deepEqual(vault.criticalNames('chunk/'), [])
  assert.deepEqual(vault.criticalNames('root-key/'), [])
  assert.throws(() => work.prekey(NEXT), /bug/)
  assert.equal(work.holdsShares(NEXT), false)
  assert.deepEqual(await net.guest(VICTIM).share(BASE, key.keyId), key.shareOf(VICTIM))
  assert.equal(kernel.held, 0)
}

describe('ABORT', () => {
  it('ends what runs, whenever it comes, and nothing of the attempt opens any more, with an old directory either', async () => {
    for (const at of [1, 25, 45, 60, 75, 90, 105, 120]) {
      const net = await ResharingNet.create(`abort ${at}`, FIVE)
      const keys = await net.deal(BASE, FIVE, 2, 3)
      const facts = refresh(net)
      let letters = 0
      net.tamper = (carried) => {
        letters++
        return [carried]
      }
      await net.begin(facts, leavesOf(keys))
      await net.until(() => letters >= at || allDone(net, FIVE, 1)())
      const { node } = net.guest(VICTIM)
      const before = await node.rows()
      const done = FIVE.map((index) => net.guest(index).done.length)
      await Promise.all(FIVE.map((index) => net.guest(index).work.drop(NEXT)))
      for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
      for (const { defects, failed } of net.guests.values())
        assert.deepEqual([defects, failed], [[], []], `after ${at} letters`)
      assert.deepEqual(
        FIVE.map((index) => net.guest(index).done.length),
        done,
      )
      for (const { kernel } of net.guests.values()) assert.equal(kernel.held, 0)
      await assertGone(net, keys)
      await net.guest(VICTIM).work.drop(NEXT)
      net.kill(VICTIM)
      await node.restore(before)
      await assert.rejects(node.open(NETWORK), { code: 'EPOCH_ERASED' })
    }
  })

  it('takes a whole set of shares, and the next attempt makes another', async () => {
    const net = await ResharingNet.create('again', FIVE)
    const keys = await net.deal(BASE, FIVE, 1, 3)
    await net.begin(refresh(net), leavesOf(keys))
    await net.until(allDone(net, FIVE, 1))
    for (const index of FIVE) await net.guest(index).work.drop(NEXT)
    await assertGone(net, keys)
    const again = refresh(net, { e: 1, k: 2 })
    await net.begin(again, leavesOf(keys))
    await net.until(allDone(net, FIVE, 2))
    assertSound(net)
    await assertShared(net, again, keys)
  })
})

describe('the end of an epoch', () => {
  it('takes its shares, and those of the next one stay, over a start', async () => {
    const net = await ResharingNet.create('next', FIVE)
    const keys = await net.deal(BASE, FIVE, 2, 3)
    const facts = refresh(net)
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, FIVE, 1))
    const record = { ...NEXT, keyCount: 2, t: 3, members: facts.members, unban: [] }
    const told = { ...record, params: { setupsPerHour: 600 } } as unknown as EpochRecord
    for (const { work, rooms } of net.guests.values()) {
      work.activate(NEXT, told)
      assert.equal(rooms.serving, rooms.at(NEXT))
      await work.destroy(BASE)
    }
    net.kill(VICTIM)
    await net.start(VICTIM)
    const { work, vault, rooms } = net.guest(VICTIM)
    work.activate(NEXT, told)
    assert.equal(rooms.serving, rooms.at(NEXT))
    assert.ok(work.holdsShares(NEXT))
    work.activate(NEXT, { ...told, keyCount: 3 })
    assert.equal(work.holdsShares(NEXT), false) // a key of the record is missing here
    await work.destroy(BASE)
    assert.deepEqual(vault.epochs, [{ e: 0, k: 0 }, NEXT])
    await assertShared(net, facts, keys)
  })
})

describe('the other tasks', () => {
  it('setups and tests end as their rooms say', async () => {
    const net = await ResharingNet.create('tasks', FIVE)
    const keys = await net.deal(BASE, FIVE, 1, 3)
    const facts = refresh(net)
    const { epochId } = facts
    net.root = {
      ...net.root,
      test: async (room) =>
        room.committee.me.index === 2
          ? { passed: false, code: FAULT_CODES.subset, about: 4 }
          : { passed: true },
    }
    net.guest(1).rooms.unpaired = 5
    await net.begin(facts, leavesOf(keys))
    const recordHash = new Uint8Array(32).fill(7)
    for (const { work } of net.guests.values()) {
      work.begin({ ...NEXT, epochId, kind: 'setups' })
      work.begin({ ...NEXT, epochId, kind: 'tests', recordHash })
      work.begin({ ...NEXT, epochId, kind: 'setups' }) // asked once more
    }
    await net.until(() => net.guest(1).failed.length + net.guest(2).failed.length === 2)
    await net.until(() => net.guest(3).done.length === 3)
    const failedAt = (index: number) =>
      net.guest(index).failed.map(({ kind, code, about }) => [kind, code, about])
    assert.deepEqual(failedAt(1), [['setups', FAULT_CODES.pairSetup, 5]])
    assert.deepEqual(failedAt(2), [['tests', FAULT_CODES.subset, 4]])
    assert.deepEqual(
      net
        .guest(3)
        .done.map(({ kind }) => kind)
        .sort(),
      ['chunk', 'setups', 'tests'],
    )
    assert.deepEqual(net.guest(3).work.tested(epochId), recordHash)
    assert.equal(net.guest(3).work.tested(new Uint8Array(32)), undefined)
  })
})
