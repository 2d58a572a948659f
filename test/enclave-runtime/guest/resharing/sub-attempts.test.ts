import assert from 'node:assert/strict'
import { shareName } from '../../../../enclave-runtime/guest/keys/pending-batch.ts'
import { BaseKeys } from '../../../../enclave-runtime/guest/resharing/base-keys.ts'
import { OPEN } from '../../../../enclave-runtime/guest/resharing/chunk-letters.ts'
import {
  type ChunkRecord,
  chunkName,
  decodeChunkRecord,
} from '../../../../enclave-runtime/guest/resharing/chunk-record.ts'
import { dealersWithout } from '../../../../enclave-runtime/guest/resharing/dealer-set.ts'
import { openingName } from '../../../../enclave-runtime/guest/sessions/opening.ts'
import { FAULT_CODES } from '../../../../protocols/agreement/objects/attempt.ts'
import type { Kernel } from '../../../../protocols/kernel/kernel.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { allDone, assertShared, assertSound, BASE, FIVE, NEXT, refresh } from './epoch-steps.ts'
import { leavesOf, ResharingNet, type WorkGuest } from './resharing-net.ts'

const recordOf = ({ vault }: WorkGuest, chunk = 0): ChunkRecord =>
  decodeChunkRecord(vault.critical(chunkName(NEXT, chunk)) ?? new Uint8Array())

/** A dealer that gives these receivers other shares than it committed to. */
const badDealer = (kernel: Kernel, victims: readonly PartyIndex[]): Kernel =>
  new Proxy(kernel, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name)
      if (name === 'dealShare')
        return (...[deal, to]: Parameters<Kernel['dealShare']>) => {
          const share = target.dealShare(deal, to)
          if (victims.includes(to)) share[31] = (share[31] ?? 0) ^ 1
          return share
        }
      return typeof member === 'function' ? member.bind(target) : member
    },
  })

async function refreshing(
  seed: string,
  alterKernel: ResharingNet['alterKernel'] = (_, kernel) => kernel,
) {
  const net = await ResharingNet.create(seed, FIVE)
  const keys = await net.deal(BASE, FIVE, 2, 3)
  net.alterKernel = alterKernel
  for (const index of FIVE) {
    net.kill(index)
    await net.start(index)
  }
  return { net, keys, facts: refresh(net) }
}

describe('a chunk that is made again', () => {
  it('does without a dealer that cheats one receiver', async () => {
    const { net, keys, facts } = await refreshing('cheat', (party, kernel) =>
      party === 2 ? badDealer(kernel, [4]) : kernel,
    )
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, FIVE, 1))
    assertSound(net)
    await assertShared(net, facts, keys)
    for (const guest of net.guests.values()) {
      const { a, failed } = recordOf(guest)
      assert.deepEqual({ a, failed }, { a: 1, failed: [2] })
    }
  })

  it('does without two dealers that cheat, one after the other', async () => {
    const { net, keys, facts } = await refreshing('two cheats', (party, kernel) =>
      party === 1 || party === 3 ? badDealer(kernel, [5]) : kernel,
    )
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, FIVE, 1))
    assertSound(net)
    await assertShared(net, facts, keys)
    assert.deepEqual([...recordOf(net.guest(4)).failed].sort(), [1, 3])
  })

  it('does without a dealer that leaves and is gone', async () => {
    const net = await ResharingNet.create('gone', FIVE)
    const keys = await net.deal(BASE, FIVE, 1, 3)
    const facts = net.facts({
      ...{ epoch: NEXT, base: BASE, old: FIVE, oldThreshold: 3 },
      ...{ to: [2, 3, 4, 5], threshold: 3, dealers: [1, 2, 3] },
    })
    net.kill(1)
    await net.begin(facts, leavesOf(keys), [2, 3, 4, 5])
    await net.until(allDone(net, [2, 3, 4, 5], 1))
    assert.deepEqual(recordOf(net.guest(2)).failed, [1])
    await assertShared(net, facts, keys)
  })

  it('fails and names a new member that is gone, once every sub-attempt is over', async () => {
    const { net, keys, facts } = await refreshing('silent')
    net.kill(5)
    const others = [1, 2, 3, 4]
    await net.begin(facts, leavesOf(keys), others)
    await net.until(() => others.every((index) => net.guest(index).failed.length === 1))
    for (const index of others) {
      const [{ code, about } = { code: 0, about: 0 }] = net.guest(index).failed
      assert.deepEqual([code, about], [FAULT_CODES.chunk, 5])
      assert.deepEqual(net.guest(index).work.durableChunks(NEXT).size, 0)
    }
  })

  it('is done by all when the last signature came to one of them alone', async () => {
    const { net, keys, facts } = await refreshing('signatures')
    const certify = ROUND_NUMBERS['reshare/4-certify']
    net.tamper = (carried) =>
      carried.letter.type === MESSAGE_TYPES.round &&
      carried.letter.round === certify &&
      carried.from === 3 &&
      carried.to !== 1
        ? []
        : [carried]
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, FIVE, 1))
    for (const guest of net.guests.values()) assert.equal(recordOf(guest).a, 0)
    assertSound(net)
    await assertShared(net, facts, keys)
  })

  it('is made anew when nobody has the signatures of all', async () => {
    const { net, keys, facts } = await refreshing('no signature')
    const certify = ROUND_NUMBERS['reshare/4-certify']
    net.tamper = (carried) => {
      const { letter, from, to } = carried
      const isSignature = letter.type === MESSAGE_TYPES.round && letter.round === certify
      return isSignature && letter.attempt === 0 && (from === 3 || to === 3) ? [] : [carried]
    }
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, FIVE, 1))
    for (const guest of net.guests.values()) assert.ok(recordOf(guest).a > 0)
    assertSound(net)
    await assertShared(net, facts, keys)
  })

  it('gives a member its shares back that lost them', async () => {
    const { net, keys, facts } = await refreshing('lost')
    const { vault } = net.guest(3) // a dealer
    const names = keys.map(({ keyId }) => [shareName(keyId), null] as const)
    await vault.write({ epoch: BASE, shares: new Map(names) })
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, FIVE, 1))
    const { failed, lost } = recordOf(net.guest(1))
    assert.deepEqual({ failed, lost }, { failed: [3], lost: [3] })
    assertSound(net)
    await assertShared(net, facts, keys)
  })

  it('opens for nobody but the coordinator, and with no dealers but those of the rules', async () => {
    const { net, keys, facts } = await refreshing('opening')
    const opened: PartyIndex[] = []
    net.tamper = (carried) => {
      const { letter, from } = carried
      if (letter.type === MESSAGE_TYPES.open && openingName(letter.body) === OPEN) {
        opened.push(from)
        if (from === 1) {
          const body = letter.body.slice()
          const nonce = body.length - 1
          body[nonce] = (body[nonce] ?? 0) ^ 1 // another session than the letter names
          return [{ ...carried, letter: { ...letter, body } }]
        }
      }
      return [carried]
    }
    await net.begin(facts, leavesOf(keys))
    await net.until(allDone(net, FIVE, 1))
    assert.deepEqual([...new Set(opened)], [1, 2])
    assert.equal(recordOf(net.guest(5)).a, 1)
    await assertShared(net, facts, keys)
  })
})

describe('dealersWithout()', () => {
  const oldMembers = FIVE.map((index) => ({ index })) as never

  it('lets the next member deal in the place of one that failed', () => {
    const facts = { dealers: [1, 3, 5], oldMembers }
    assert.deepEqual(dealersWithout(facts, []), [1, 3, 5])
    assert.deepEqual(dealersWithout(facts, [3]), [1, 2, 5])
    assert.deepEqual(dealersWithout(facts, [3, 1]), [2, 4, 5])
  })

  it('allows no list with somebody who did not deal, or failed before, or with nobody left', () => {
    const facts = { dealers: [1, 3, 5], oldMembers }
    assert.equal(dealersWithout(facts, [2]), undefined)
    assert.equal(dealersWithout(facts, [3, 3]), undefined)
    assert.equal(dealersWithout(facts, [3, 1, 5]), undefined)
  })
})

describe('BaseKeys', () => {
  it('believes a dealer only what the list says too', async () => {
    const net = await ResharingNet.create('vouched', [1])
    const [key, other] = await net.deal(BASE, [1], 2, 3)
    assert.ok(key && other)
    const { vault, kernel } = net.guest(1)
    const [leaf] = leavesOf([key])
    const base = new BaseKeys({
      ...{ vault, kernel, base: BASE, breathe: async () => undefined },
      known: (keyId) => (Buffer.from(keyId).equals(key.keyId) ? leaf : undefined),
    })
    assert.deepEqual((await base.vouched(key))?.publicKey, key.publicKey)
    assert.equal(await base.vouched({ ...key, chainCode: other.chainCode }), undefined)
    assert.equal(await base.vouched({ ...key, commitment: other.commitment }), undefined)
    assert.equal(await base.vouched(other), undefined)
  })
})
