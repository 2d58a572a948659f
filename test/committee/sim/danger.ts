import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { Message } from '../../../protocols/agreement/epoch/messages.ts'
import { Start } from '../../../protocols/agreement/objects/start.ts'
import { epochInstanceId } from '../../../protocols/agreement/objects/vote.ts'
import { epochFirstLeader } from '../../../protocols/agreement/qbft/first-leader.ts'
import { decodeMessage } from '../../../protocols/agreement/qbft/message.ts'
import type { Node } from './node.ts'
import { at, isIn, type Machine, propose, stage, until } from './stage.ts'
import type { Guard, World } from './world.ts'

/**
 * Stages that begin near the danger against which one guard stands (03 §11). Each runs to its end with the guard, and
 * ends in `Broken` without it.
 */
export type Danger = (machine: Machine, without?: readonly Guard[]) => World

/** The leader of round r of attempt k at the epoch after the base. */
function leader(world: World, k: number, r: number): Node {
  const base = [...world.observer.epochs.values()].at(-1)
  if (base === undefined) throw new Error('bug: no epoch')
  const { record, hash } = base
  const iid = epochInstanceId(world.committeeId, record.e + 1, k, hash)
  const member = record.members[(epochFirstLeader(iid) + r - 1) % record.members.length]
  return world.nodeOf(hexOf(member?.guestSig ?? hash))
}

const voteKind = (message: Message): string => {
  if (message.type !== 'vote') return ''
  const vote = decodeMessage(message.bytes)
  return vote.type === 'vote' ? vote.vote.kind : 'decide'
}

/** One member decides COMMIT and is cut off; the leader of the next round knows nothing that was prepared but what it is told. */
export const prepared: Danger = (machine) => {
  const world = stage(4, 3, machine)
  const [first, second] = [leader(world, 1, 1), leader(world, 1, 2)]
  const [alone, ...others] = world.nodes.filter((node) => node !== first && node !== second)
  const hears = [first, ...others]
  world.lets = (from, to, message) => {
    if (isIn(1)(alone as Node) && (from === alone || to === alone)) return false
    const kind = voteKind(message)
    if (to === second) return message.type !== 'ready' && (kind === '' || kind === 'round-change')
    if (kind === 'commit') return to === alone
    if (kind === 'decide') return false
    return kind !== 'prepare' || to === alone || hears.includes(to)
  }
  propose(world, first)
  until(world, () => isIn(1)(alone as Node))
  world.run(60_000)
  world.lets = (from, to, message) =>
    from !== alone &&
    to !== alone &&
    (to !== second || message.type !== 'ready') &&
    (from === second || voteKind(message) !== 'pre-prepare')
  world.run(400_000)
  return world
}

/** A leader dies after the first copy of its proposal, and when it is back it could only propose something else. */
export const storedBytes: Danger = (machine) => {
  const world = stage(4, 3, machine)
  const first = leader(world, 1, 1)
  const silent = at(world, 1) === first ? at(world, 2) : at(world, 1)
  let isSaid = false
  world.lets = (from, to, message) =>
    message.type !== 'ready' || (isSaid ? to === first : from !== silent && to !== silent)
  propose(world, first)
  until(world, () => (first.member?.state.attempts.get(1)?.ready ?? null) !== null)
  const deadlineAt = first.member?.state.attempts.get(1)?.deadlineAt ?? 0
  until(world, () => first.now > deadlineAt - 3_000)
  isSaid = true
  world.dies = (node, point) => node === first && point === 'after sending vote'
  until(world, () => !first.isUp, 5_000)
  world.dies = null
  world.lets = (_from, to, message) => message.type !== 'ready' || to !== first
  first.start()
  world.run(60_000)
  return world
}

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

/** While votes are out, the initiator signs another START of the same attempt, and one member does not get it. */
export const secondStart: Danger = (machine) => {
  const world = stage(4, 3, machine)
  const first = leader(world, 1, 1)
  world.lets = (_from, _to, message) => voteKind(message) !== 'commit'
  propose(world, first)
  until(world, () => first.disk.durable('qb/1/1') !== undefined)
  world.run(500)
  const started = first.member?.state.attempts.get(1)?.started
  if (started === undefined) throw new Error('bug: no attempt')
  const { initiator } = started.start.object
  const liar = at(world, initiator)
  const kept = world.nodes.find((node) => node !== liar && node !== first)
  const nonce = new Uint8Array(32).fill(9)
  const start = world.notary.sign(liar.guestSig, Start, { ...started.start.object, nonce })
  for (const { address } of world.nodes.filter((node) => node !== kept))
    world.network.send({
      from: liar.address === address && kept !== undefined ? kept.address : liar.address,
      boot: liar.boot,
      to: address,
      message: { type: 'start', ...started, start },
    })
  world.run(20_000)
  world.lets = () => true
  world.run(200_000)
  return world
}
