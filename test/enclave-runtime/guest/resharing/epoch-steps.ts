import assert from 'node:assert/strict'
import type {
  AttemptFacts,
  EpochName,
} from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { type DealtKey, interpolate } from './dealt-keys.ts'
import type { ResharingNet } from './resharing-net.ts'

export const BASE: EpochName = { e: 0, k: 1 }
export const NEXT: EpochName = { e: 1, k: 1 }
export const FIVE: readonly PartyIndex[] = [1, 2, 3, 4, 5]

/** A refresh of five members with threshold three. */
export const refresh = (
  net: ResharingNet,
  epoch: EpochName = NEXT,
  base: EpochName = BASE,
): AttemptFacts => net.facts({ epoch, base, old: FIVE, oldThreshold: 3, to: FIVE, threshold: 3 })

/** The chunks ended at all of these. */
export const allDone =
  (net: ResharingNet, at: readonly PartyIndex[], chunks: number) => (): boolean =>
    at.every((index) => net.guest(index).done.length === chunks)

export function assertSound(net: ResharingNet, except: readonly PartyIndex[] = []): void {
  for (const guest of net.guests.values()) {
    if (except.includes(guest.index)) continue
    assert.deepEqual(guest.defects, [])
    assert.deepEqual(guest.failed, [])
    assert.equal(guest.kernel.held, 0, `guest ${guest.index} holds secrets`)
  }
}

export const sharesOf = (
  net: ResharingNet,
  epoch: EpochName,
  indices: readonly PartyIndex[],
  keyId: Uint8Array,
): Promise<(readonly [PartyIndex, Uint8Array])[]> =>
  Promise.all(
    indices.map(async (index) => [index, await net.guest(index).share(epoch, keyId)] as const),
  )

/** Any t' shares of the new epoch give the key, and fewer do not. */
export async function assertShared(
  net: ResharingNet,
  { epoch, members, threshold }: Pick<AttemptFacts, 'epoch' | 'members' | 'threshold'>,
  keys: readonly DealtKey[],
): Promise<void> {
  const indices = members.map(({ index }) => index)
  for (const key of keys) {
    const shares = await sharesOf(net, epoch, indices, key.keyId)
    for (const from of [0, indices.length - threshold]) {
      const some = shares.slice(from, from + threshold)
      assert.equal(interpolate(some), key.secret)
      assert.notEqual(interpolate(some.slice(1)), key.secret)
    }
  }
}
