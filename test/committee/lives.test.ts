import assert from 'node:assert/strict'
import { EpochMember } from '../../protocols/agreement/epoch/machine.ts'
import { live } from './sim/life.ts'

/** Seeds of the default suite; `npm run sim` runs as many as one likes. */
const SEEDS = 200
const AT_ONCE = 20

describe('committees from seeds keep every invariant (03 §11)', () => {
  for (let start = 1; start <= SEEDS; start += AT_ONCE)
    it(`seeds ${start} to ${start + AT_ONCE - 1}`, function () {
      this.timeout(60_000)
      for (let seed = start; seed < start + AT_ONCE; seed++) {
        const { broken } = live({ seed, machine: { EpochMember }, isShort: true })
        assert.equal(broken, null, `npm run sim -- --short --seed ${seed}: ${broken?.message}`)
      }
    })

  it('and one seed always lives the same life', () => {
    const lines = [1, 2].map(
      () =>
        live({ seed: 11, machine: { EpochMember }, isShort: true, trace: true }).world.trace.lines,
    )
    assert.ok((lines[0]?.length ?? 0) > 20)
    assert.deepEqual(lines[0], lines[1])
  })
})
