import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROBE = fileURLToPath(new URL('frozen-probe.ts', import.meta.url))

interface Probed {
  readonly frozen: number
  readonly outcomes: Record<string, string>
  readonly allowed: readonly string[]
}

describe('freezeIntrinsics()', () => {
  const probed = (): Probed =>
    JSON.parse(execFileSync(process.execPath, [PROBE], { encoding: 'utf8' })) as Probed

  it('refuses every change of what all code shares, and lets objects have names of their own', () => {
    const { frozen, outcomes, allowed } = probed()
    assert.ok(frozen > 500, `${frozen} objects`)
    for (const [what, outcome] of Object.entries(outcomes)) assert.equal(outcome, 'refused', what)
    assert.deepEqual(allowed, ['Renamed: after', 'own', 'late'])
  })
})
