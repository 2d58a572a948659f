import assert from 'node:assert/strict'
import type { SealingBackend } from '../../enclave-runtime/sealing/backend.ts'

/** One device under test. */
export interface Device {
  /** The backend as a newly started guest finds it. */
  start(): Promise<SealingBackend>
}

/** What every sealing backend must do (04 §7). `device` gives a new device each time. */
export function sealingBackendSuite(name: string, device: () => Promise<Device>): void {
  describe(`${name} as a sealing backend`, () => {
    it('has the same root after a restart, and another than other devices', async () => {
      const mine = await device()
      const before = (await (await mine.start()).root()).expose().slice()
      assert.equal(before.length, 32)
      assert.deepEqual((await (await mine.start()).root()).expose(), before)
      const other = (await (await (await device()).start()).root()).expose()
      assert.notDeepEqual(other, before)
    })

    it('opens an epoch that it made, also after a restart', async () => {
      const mine = await device()
      const { secret, data } = await (await mine.start()).makeEpoch(0n)
      assert.equal(secret.expose().length, 32)
      const again = await (await mine.start()).openEpoch(0n, data)
      assert.deepEqual(again.expose(), secret.expose())
    })

    it('makes another secret for each epoch and each attempt, and opens each by its data', async () => {
      const backend = await (await device()).start()
      const made = [
        await backend.makeEpoch(0n),
        await backend.makeEpoch(1n),
        await backend.makeEpoch(1n),
      ]
      assert.equal(new Set(made.map(({ secret }) => secret.expose().join())).size, 3)
      for (const [i, { secret, data }] of made.entries())
        assert.deepEqual(
          (await backend.openEpoch(i === 0 ? 0n : 1n, data)).expose(),
          secret.expose(),
        )
    })

    it('refuses the data of another device or another epoch', async () => {
      const [mine, theirs] = [await (await device()).start(), await (await device()).start()]
      await mine.makeEpoch(0n)
      const { data } = await theirs.makeEpoch(0n)
      await assert.rejects(mine.openEpoch(0n, data), { code: 'WRONG_DEVICE' })
      await assert.rejects(mine.openEpoch(7n, data), { code: 'EPOCH_ERASED' })
    })

    it('never opens an erased epoch again, and erases twice without complaint', async () => {
      const mine = await device()
      const backend = await mine.start()
      const old = await backend.makeEpoch(4n)
      const current = await backend.makeEpoch(5n)
      await backend.eraseBefore(5n)
      await backend.eraseBefore(5n)
      for (const each of [backend, await mine.start()]) {
        await assert.rejects(each.openEpoch(4n, old.data), { code: 'EPOCH_ERASED' })
        const opened = await each.openEpoch(5n, current.data)
        assert.deepEqual(opened.expose(), current.secret.expose())
      }
    })

    it('erases one epoch between others, with every secret that it was ever given', async () => {
      const mine = await device()
      const backend = await mine.start()
      const made = [
        await backend.makeEpoch(4n),
        await backend.makeEpoch(5n),
        await backend.makeEpoch(5n),
        await backend.makeEpoch(6n),
      ] as const
      await backend.erase(5n)
      await backend.erase(5n)
      for (const each of [backend, await mine.start()]) {
        for (const { data } of [made[1], made[2]])
          await assert.rejects(each.openEpoch(5n, data), { code: 'EPOCH_ERASED' })
        for (const [epoch, { secret, data }] of [
          [4n, made[0]],
          [6n, made[3]],
        ] as const)
          assert.deepEqual((await each.openEpoch(epoch, data)).expose(), secret.expose())
      }
    })
  })
}
