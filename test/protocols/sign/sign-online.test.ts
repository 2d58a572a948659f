import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Presignature } from '../../../protocols/sign/presign.ts'
import { signOnline } from '../../../protocols/sign/sign-online.ts'
import { faultsOf, type Letter, simulate } from '../../../protocols/simulation/simulate.ts'
import { guestOf, valuesOf } from '../../support/run-keygen.ts'
import { digestOf, held, runPresign, type World, world } from '../../support/run-sign.ts'

const REQUEST = digestOf('request')

const online = (
  { guests }: World,
  presignatures: readonly Presignature[],
  digest: Uint8Array,
  tamper?: (letter: Letter) => Uint8Array,
) => {
  const [signers] = presignatures.map((presignature) => presignature.signers)
  return simulate(
    signers ?? [],
    digestOf('online'),
    (party) => {
      const mine = presignatures[signers?.indexOf(party.me) ?? 0]
      assert.ok(mine)
      return signOnline(party, guestOf(guests, party.me).kernel, mine, digest, REQUEST)
    },
    tamper === undefined ? {} : { tamper },
  )
}

describe('presign() and signOnline()', function () {
  this.timeout(60_000)

  for (const [t, n, signers] of [
    [2, 3, [1, 3]],
    [3, 5, [1, 2, 5]],
  ] as const)
    it(`signs with one message of 112 bytes, ${t} of ${n}`, async () => {
      const all = await world(t, n)
      const before = held(all.guests)
      const seed = `presign ${t} of ${n}`
      const presignatures = valuesOf(await runPresign(all, { signers, seed }))
      const [first] = presignatures
      assert.ok(first)
      assert.equal(first.id.length, 16)
      for (const other of presignatures) {
        assert.deepEqual(other.id, first.id)
        assert.deepEqual(other.R, first.R)
        assert.deepEqual(other.signers, signers)
      }
      assert.deepEqual(
        held(all.guests).map((count, at) => count - (before[at] ?? 0)),
        all.guests.map(({ index }) => ((signers as readonly number[]).includes(index) ? 1 : 0)),
        'one presignature each, and nothing else of the run',
      )
      const sizes: number[] = []
      const digest = digestOf('later')
      const signatures = valuesOf(
        await online(all, presignatures, digest, ({ bytes }) => {
          sizes.push(bytes.length)
          return bytes
        }),
      )
      assert.deepEqual(new Set(sizes), new Set([112]))
      for (const { r, s } of signatures)
        assert.ok(
          secp256k1.verify(new Uint8Array([...r, ...s]), digest, all.derived.publicKey, {
            prehash: false,
          }),
        )
      assert.deepEqual(held(all.guests), before)
    })

  it('spends a presignature once: the second use is presig-unknown', async () => {
    const all = await world(2, 3)
    const presignatures = valuesOf(await runPresign(all, { signers: [1, 2], seed: 'once' }))
    valuesOf(await online(all, presignatures, digestOf('first')))
    const again = await online(all, presignatures, digestOf('second'))
    assert.ok(again.every(({ status }) => status === 'rejected'))
    assert.equal(faultsOf(again)[0]?.kind, 'presig-unknown')
  })

  it('spends it also when the run fails', async () => {
    const all = await world(2, 3)
    const before = held(all.guests)
    const presignatures = valuesOf(await runPresign(all, { signers: [1, 2], seed: 'failed' }))
    const failed = await online(all, presignatures, digestOf('first'), ({ bytes }) =>
      bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1),
    )
    assert.deepEqual(new Set(faultsOf(failed).map(({ kind }) => kind)), new Set(['signature']))
    assert.deepEqual(
      presignatures.map((presignature) => presignature.take()),
      [undefined, undefined],
    )
    assert.deepEqual(held(all.guests), before)
  })

  it('names a signer whose presignature is another one', async () => {
    const all = await world(2, 3)
    const [one] = valuesOf(await runPresign(all, { signers: [1, 2], seed: 'one' }))
    const [, other] = valuesOf(await runPresign(all, { signers: [1, 2], seed: 'other' }))
    assert.ok(one && other)
    const results = await online(all, [one, other], digestOf('mixed'))
    assert.ok(faultsOf(results).length > 0)
    for (const fault of faultsOf(results)) assert.equal(fault.kind, 'presig-unknown')
    assert.ok(results.every(({ status }) => status === 'rejected'))
  })

  it('refuses another signer set as a defect', async () => {
    const all = await world(2, 3)
    const presignatures = valuesOf(await runPresign(all, { signers: [1, 2], seed: 'set' }))
    const results = await simulate([1, 3], digestOf('set'), (party) => {
      const mine = presignatures[0]
      assert.ok(mine)
      return signOnline(party, guestOf(all.guests, party.me).kernel, mine, REQUEST, REQUEST)
    })
    assert.throws(() => valuesOf(results), /^Error: bug/)
  })
})
