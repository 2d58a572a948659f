import assert from 'node:assert/strict'
import type { EpochName } from '../../enclave-runtime/guest/epochs/epoch-work.ts'
import { decodeKeyPart } from '../../enclave-runtime/guest/keys/key-part.ts'
import { shareName } from '../../enclave-runtime/guest/keys/pending-batch.ts'
import { leafOf } from '../../enclave-runtime/guest/resharing/key-leaf.ts'
import type { HeldKey } from '../../protocols/agreement/epoch/held-key.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { interpolate, publicOf } from '../enclave-runtime/guest/resharing/dealt-keys.ts'
import {
  allDone,
  assertSound,
  FIVE,
  refresh,
  sharesOf,
} from '../enclave-runtime/guest/resharing/epoch-steps.ts'
import { ResharingNet } from '../enclave-runtime/guest/resharing/resharing-net.ts'

type Stolen = readonly [index: PartyIndex, share: Uint8Array, epoch: number]

const EPOCHS = 5
const T = 3

/** All sets of `size` of these. */
function* subsets<X>(items: readonly X[], size: number, from = 0): Generator<readonly X[]> {
  if (size === 0) {
    yield []
    return
  }
  for (let at = from; at < items.length; at++)
    for (const rest of subsets(items, size - 1, at + 1)) yield [items[at] as X, ...rest]
}

/** Whether one polynomial may go through all of them: one value at each index. */
const haveDistinctIndices = (shares: readonly Stolen[]): boolean =>
  new Set(shares.map(([index]) => index)).size === shares.length

describe('an adversary that moves from guest to guest', () => {
  it('has t - 1 shares of each of five epochs, and no combination of them is the key', async () => {
    const net = await ResharingNet.create('mobile', FIVE)
    let base: EpochName = { e: 0, k: 1 }
    const [key] = await net.deal(base, FIVE, 1, T)
    assert.ok(key)
    const victims = [
      [1, 2],
      [3, 4],
      [5, 1],
      [2, 3],
      [4, 5],
    ] as const
    const stolen: Stolen[] = []
    let leaf: HeldKey = leafOf(key)
    for (let e = 0; e < EPOCHS; e++) {
      const robbed = victims[e] ?? []
      for (const [index, share] of await sharesOf(net, base, robbed, key.keyId))
        stolen.push([index, share, e])
      // Positive control: one share more of this epoch would be the key.
      const others = FIVE.filter((index) => !robbed.some((victim) => victim === index))
      const enough = await sharesOf(net, base, [...robbed, others[0] ?? 0], key.keyId)
      assert.equal(interpolate(enough), key.secret)

      const epoch = { e: e + 1, k: 1 }
      await net.begin(refresh(net, epoch, base), [leaf])
      await net.until(allDone(net, FIVE, e + 1))
      for (const index of FIVE) await net.guest(index).work.destroy(base)
      const part = await net.guest(1).vault.sharePart(epoch, shareName(key.keyId))
      assert.ok(part)
      leaf = leafOf({ keyId: key.keyId, ...decodeKeyPart(part) })
      base = epoch
    }
    assertSound(net)
    assert.equal(stolen.length, EPOCHS * (T - 1))

    // Every set that could lie on one polynomial of any threshold up to all five indices.
    let tried = 0
    for (let size = 1; size <= FIVE.length; size++)
      for (const some of subsets(stolen, size))
        if (haveDistinctIndices(some)) {
          tried++
          assert.notEqual(interpolate(some.map(([index, share]) => [index, share])), key.secret)
        }
    assert.equal(tried, 3 ** 5 - 1) // each index twice or not at all

    // The same key lives on, in shares that none of the stolen ones fits.
    const now = await sharesOf(net, base, [1, 3, 5], key.keyId)
    assert.deepEqual(publicOf(interpolate(now)), key.publicKey)
    for (const [index, share] of stolen)
      for (const pair of subsets(
        now.filter(([other]) => other !== index),
        T - 1,
      ))
        assert.notEqual(interpolate([[index, share], ...pair]), key.secret)
  })
})
