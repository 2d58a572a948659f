import assert from 'node:assert/strict'
import { REMOVED, type Removed } from './sim/guards.ts'
import { live } from './sim/life.ts'
import { mutant } from './sim/mutant.ts'
import { Broken } from './sim/observer.ts'
import type { Machine } from './sim/stage.ts'

/** Lives that are searched for a guard without a stage of its own. */
const SEEDS = 60

describe('without this guard a named invariant breaks (03 §11)', () => {
  for (const removed of REMOVED)
    it(removed.guard, async function () {
      this.timeout(120_000)
      const machine = await mutant(removed.mutations)
      const found =
        removed.danger === undefined ? search(machine, removed) : staged(machine, removed)
      assert.ok(
        found.some(({ invariant }) => removed.breaks.includes(invariant)),
        `of ${removed.breaks.join(' and ')} none broke: ${found.map(({ message }) => message).join('; ')}`,
      )
    })

  for (const { guard, danger } of REMOVED)
    if (danger !== undefined)
      it(`${guard}: with it the same stage holds`, async function () {
        this.timeout(60_000)
        const world = danger(await mutant([]))
        assert.ok(world.observer.epochs.size > 0)
      })

  it('a mutation of a place that is not there is refused', async () => {
    await assert.rejects(
      mutant([{ file: 'epoch/machine.ts', from: 'no such text', to: '' }]),
      /bug: not once/,
    )
  })
})

function search(machine: Machine, { without, vice, breaks }: Removed): Broken[] {
  const found: Broken[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { broken } = live({
      seed,
      machine,
      isShort: true,
      ...(without !== undefined && { without: new Set(without) }),
      ...(vice !== undefined && { vice }),
    })
    if (broken !== null) found.push(broken)
    if (broken !== null && breaks.includes(broken.invariant)) break
  }
  return found
}

function staged(machine: Machine, { danger, without }: Removed): Broken[] {
  try {
    danger?.(machine, without)
    return []
  } catch (error) {
    if (error instanceof Broken) return [error]
    throw error
  }
}
