import assert from 'node:assert/strict'
import { wasmKernel } from '../../../protocols/kernel/load.ts'
import { type FaultKind, ProtocolError } from '../../../protocols/session/faults.ts'
import {
  committeeOf,
  fetchFor,
  generateFor,
  generateWithout,
  produceForPairs,
  type SimulatedCommittee,
  type SimulatedKey,
  setUpPairs,
  signWith,
} from '../../../protocols/simulation/committee.ts'
import { nextEpoch, reshareTo } from '../../../protocols/simulation/next-epoch.ts'
import { digestOf } from '../../support/run-sign.ts'
import { seeded } from '../../support/seeded.ts'

const kernelOf = (index: number) => wasmKernel(seeded(`next epoch/${index}`))
const digest = digestOf('next epoch')

/** Whether these signers' signature is one of this public key. */
async function signs(
  committee: SimulatedCommittee,
  key: SimulatedKey,
  signers: readonly number[],
  publicKey: Uint8Array,
): Promise<boolean> {
  const [judge] = committee.guests
  const signatures = await signWith(committee, key, signers, digest, 'full')
  return signatures.every((signature) => judge?.kernel.ecdsaVerify(publicKey, digest, signature))
}

const publicKeyOf = ({ held, index }: SimulatedKey): Uint8Array =>
  [...held.values()][0]?.keys[index]?.publicKey ?? new Uint8Array()

const failsAs = (kind: FaultKind) => (error: unknown) =>
  error instanceof ProtocolError && error.fault.kind === kind

describe('the next epoch of a simulated committee', function () {
  this.timeout(60_000)

  it('signs under the same keys after joins, a leave and a refresh, each epoch with its own shares', async () => {
    let committee = committeeOf(3, 2, seeded('next epoch'), kernelOf)
    let keys = await generateFor(committee, 2)
    const first = keys.map(publicKeyOf)
    for (const [change, dealers, signers] of [
      [{ join: 2, threshold: 3 }, [1, 2], [1, 4, 5]],
      [{}, [3, 4, 5], [2, 3, 5]],
      [{ leave: [1, 2], threshold: 2 }, [1, 3, 4], [3, 5]],
    ] as const) {
      const next = nextEpoch(committee, change, kernelOf)
      keys = await reshareTo(next, committee, keys, dealers)
      committee = next
      await setUpPairs(committee, signers)
      for (const [b, key] of keys.entries()) {
        assert.deepEqual(publicKeyOf(key), first[b])
        assert.ok(await signs(committee, key, signers, first[b] ?? new Uint8Array()))
      }
    }
    assert.deepEqual(
      committee.guests.map(({ index }) => index),
      [3, 4, 5],
    )
  })

  it('does not sign with the shares of two epochs, and no setup of one serves the other', async () => {
    const old = committeeOf(3, 2, seeded('two epochs'), kernelOf)
    const keys = await generateFor(old, 1)
    const next = nextEpoch(old, {}, kernelOf)
    const [fresh] = await reshareTo(next, old, keys, [1, 2])
    const [stale] = keys
    assert.ok(fresh && stale)
    await setUpPairs(next, [1, 2])
    const mixed = {
      ...fresh,
      held: new Map([...fresh.held, [2, stale.held.get(2)]]),
    } as SimulatedKey
    await assert.rejects(signWith(next, mixed, [1, 2], digest, 'full'), failsAs('sum'))
    assert.ok(await signs(next, fresh, [1, 2], publicKeyOf(stale)))
    const borrowed = { ...old, guests: next.guests }
    await assert.rejects(signWith(borrowed, stale, [1, 2], digest, 'full'), failsAs('generation'))
    await assert.rejects(produceForPairs(borrowed, 1, 1, [1, 2]))
  })

  it('gives members that were absent their shares, and they sign with them', async () => {
    const committee = committeeOf(5, 3, seeded('absent'), kernelOf)
    const run = await generateWithout(committee, 2, [4])
    assert.ok([...run.generated.values()].every(({ certificates }) => certificates.length === 2))
    const keys = await fetchFor(committee, run)
    await setUpPairs(committee, [1, 4, 5])
    for (const key of keys) assert.ok(await signs(committee, key, [1, 4, 5], publicKeyOf(key)))
  })
})
