import assert from 'node:assert/strict'
import { hexOf } from '../../protocols/agreement/epoch/hex-of.ts'
import { EpochMember } from '../../protocols/agreement/epoch/machine.ts'
import type { Node } from './sim/node.ts'
import { keysOf } from './sim/observer.ts'
import { allIn, at, founding, propose, until } from './sim/stage.ts'
import type { World } from './sim/world.ts'

const machine = { EpochMember }
const four = (): World => founding(4, 3, machine)
const noticed = (world: World, about: string): boolean =>
  world.observer.notices.some(({ notice }) => notice.about === about)

describe('the genesis epoch (03 §1.2)', () => {
  it('is made of the genesis file by all of its members, with a root key that signs it', () => {
    const world = four()
    assert.ok(until(world, allIn(world.nodes, 0), 60_000))
    const made = world.observer.epochs.get(0)
    const start = at(world, 1).member?.state
    assert.ok(made !== undefined && start !== undefined)
    const [rootKey, ...others] = keysOf(made)
    assert.deepEqual(others, [])
    assert.deepEqual(made.record.rootKey, rootKey?.publicKey)
    assert.equal(hexOf(made.record.prevHash), hexOf(world.networkId))
    assert.equal(hexOf(made.record.proposalHash), hexOf(world.networkId))
    assert.equal(made.cert?.ready.length, 4)
    assert.ok(until(world, () => world.observer.rootSigned.has(hexOf(made.hash)), 20_000))
    assert.ok(until(world, () => world.observer.someEpochServes(), 20_000))
  })

  it('is followed by others as any epoch is', () => {
    const world = four()
    assert.ok(until(world, allIn(world.nodes, 0), 60_000))
    propose(world, at(world, 2))
    assert.ok(until(world, allIn(world.nodes, 1)))
    assert.deepEqual(
      world.observer.epochs.get(1)?.record.rootKey,
      world.observer.epochs.get(0)?.record.rootKey,
    )
  })

  it('waits for whoever is not there', () => {
    const world = four()
    at(world, 4).crash('late')
    world.run(60_000)
    assert.equal(at(world, 1).member?.state.attempts.size, 0)
    at(world, 4).start()
    assert.ok(until(world, allIn(world.nodes, 0), 60_000))
    assert.equal(world.observer.epochs.get(0)?.record.k, 1)
  })

  it('waits for the operator who has not taken the file', () => {
    const world = four()
    at(world, 2).takesGenesis = false
    world.run(60_000)
    assert.equal(at(world, 1).member?.state.attempts.size, 0)
    at(world, 2).takesGenesis = true
    at(world, 2).crash('its operator starts it again')
    at(world, 2).start()
    assert.ok(until(world, allIn(world.nodes, 0), 60_000))
  })

  it('takes no proposal before it is made', () => {
    const world = four()
    at(world, 4).crash('late')
    world.run(10_000)
    propose(world, at(world, 1), { leaves: [at(world, 3)] })
    const [told] = world.observer.notices.filter(({ notice }) => notice.about === 'refused')
    assert.deepEqual(told?.notice, { about: 'refused', reasons: ['epoch 0 is not made yet'] })
  })

  it('is one and the same, wherever one of its members dies', () => {
    const points = pointsOf(four(), (world) => until(world, allIn(world.nodes, 0), 60_000))
    assert.ok(points > 20, `only ${points} writes and sends`)
    for (let point = 0; point < points; point++) {
      const world = four()
      const victim = dying(world, point)
      until(world, () => !victim.isUp, 60_000)
      world.dies = null
      victim.start()
      assert.ok(until(world, allIn(world.nodes, 0)), `dies at its ${point}th write or send`)
    }
  })

  it('is made by another attempt where the first one fails', () => {
    const world = four()
    const victim = at(world, 3)
    world.dies = (node, point) => node === victim && point.startsWith('before pend/0/1/0')
    until(world, () => !victim.isUp, 60_000)
    world.dies = null
    victim.start()
    assert.ok(until(world, allIn(world.nodes, 0)))
    assert.ok(noticed(world, 'aborted'))
    assert.equal(world.observer.epochs.get(0)?.record.k, 2)
  })
})

/** How many writes and sends the third member makes until something is so. */
function pointsOf(world: World, run: (world: World) => boolean): number {
  let points = 0
  world.dies = (node) => {
    if (node === at(world, 3)) points++
    return false
  }
  assert.ok(run(world))
  return points
}

/** The third member dies at that one of its writes and sends. */
function dying(world: World, point: number): Node {
  const victim = at(world, 3)
  let passed = 0
  world.dies = (node) => node === victim && passed++ === point
  return victim
}
