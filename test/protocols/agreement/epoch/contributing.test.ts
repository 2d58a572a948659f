import assert from 'node:assert/strict'
import { EpochMember } from '../../../../protocols/agreement/epoch/machine.ts'
import { at, stage } from '../../../committee/sim/stage.ts'
import type { World } from '../../../committee/sim/world.ts'

const five = (): World => {
  const world = stage(5, 3, { EpochMember })
  world.run(15_000)
  return world
}
const now = (world: World): number => at(world, 1).now
const seenBy = (world: World, place: number): readonly number[] =>
  at(world, place).member?.contributors(now(world)) ?? []

describe('who contributes (03 §9.4)', () => {
  it('is everybody, while all are heard and sign', () => {
    const world = five()
    for (const place of [1, 2, 3, 4, 5]) assert.deepEqual(seenBy(world, place), [1, 2, 3, 4, 5])
  })

  it('is nobody who was not heard for a minute, nor whom the others did not work with', () => {
    const world = five()
    at(world, 5).crash('for good')
    world.run(50_000)
    assert.deepEqual(seenBy(world, 1), [1, 2, 3, 4, 5], 'not yet')
    world.run(25_000)
    assert.deepEqual(seenBy(world, 1), [1, 2, 3, 4])
    world.idle = new Set([3])
    world.run(10_000)
    assert.deepEqual(seenBy(world, 2), [1, 2, 4])
  })

  it('is judged by the others: a member that thinks well of itself alone is none', () => {
    const world = five()
    world.idle = new Set([4])
    world.run(10_000)
    assert.deepEqual(seenBy(world, 4), [1, 2, 3, 5])
  })

  it('is nobody in a part that has no majority, once views are old', () => {
    const world = five()
    const sides = new Map(world.nodes.map(({ address }, place) => [address, place < 2 ? 0 : 1]))
    world.network.partition(sides)
    world.run(70_000)
    assert.deepEqual(seenBy(world, 1), [])
    assert.deepEqual(seenBy(world, 3), [3, 4, 5])
  })
})
