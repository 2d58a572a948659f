import { at, isIn, type Machine, propose, stage, until } from './stage.ts'
import type { Guard, World } from './world.ts'

/**
 * Stages that begin near the danger against which one guard stands (03 §11). Each runs to its end with the guard, and
 * ends in `Broken` without it.
 */
export type Danger = (machine: Machine, without?: readonly Guard[]) => World

/** A member votes, its host puts back the disk of before, and whoever decided is cut off. */
export const rolledBack: Danger = (machine) => {
  const world = stage(3, 2, machine)
  const [decider, rolled, other] = [at(world, 1), at(world, 2), at(world, 3)]
  world.lets = (from, to, message) => {
    if (to === other && (message.type === 'vote' || message.type === 'epoch')) return false
    return !(to === other && from === decider && message.type === 'ready')
  }
  let image: ReadonlyMap<string, unknown> | null = null
  world.dies = (node, point) => {
    if (node === rolled && image === null && point.includes('ready/')) image = node.disk.image()
    return false
  }
  propose(world, decider)
  until(world, () => isIn(1)(decider))
  decider.crash('cut off')
  until(world, () => false, 7_000)
  world.lets = (from, to) => from !== decider && to !== decider
  world.rollBack(rolled, image ?? rolled.disk.image())
  rolled.isRolledBack = false
  rolled.start()
  world.run(300_000)
  return world
}

/** Two members die before they are told of COMMIT: t of the others sign with the root key, and nobody else is active. */
export const fewActive: Danger = (machine) => {
  const world = stage(5, 3, machine)
  const late = [at(world, 4), at(world, 5)]
  world.dies = (node, point) => late.includes(node) && point.startsWith('before cert/1')
  propose(world, at(world, 1))
  until(world, () => [1, 2, 3].every((place) => isIn(1)(at(world, place))))
  world.run(120_000)
  return world
}

/** A member that leaves makes a key of which nobody hears in time. */
export const unheardKey: Danger = (machine) => {
  const world = stage(5, 3, machine)
  const leaver = at(world, 5)
  world.lets = (from, _to, message) =>
    from !== leaver || (message.type !== 'key' && message.type !== 'frozen')
  world.keys.begin(leaver)
  world.run(5_000)
  propose(world, at(world, 1), { leaves: [leaver] })
  world.run(120_000)
  return world
}
