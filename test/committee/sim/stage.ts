import type { Event } from '../../../protocols/agreement/epoch/events.ts'
import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { EpochMember } from '../../../protocols/agreement/epoch/machine.ts'
import { joinHash } from '../../../protocols/agreement/objects/join.ts'
import type { Leaver } from '../../../protocols/agreement/objects/proposal.ts'
import { CALM } from './network.ts'
import { EPOCH_START_MS, type Node } from './node.ts'
import { type Guard, World, type WorldOptions } from './world.ts'

export type Machine = { readonly EpochMember: typeof EpochMember }

/** A calm committee in which only what a test says goes wrong; who dies stays down until it is started. */
export function stage(
  n: number,
  t: number,
  machine: Machine,
  without: readonly Guard[] = [],
): World {
  const world = calm(n, t, machine, { without: new Set(without) })
  world.run(6_000)
  return world
}

/** The same of nothing but a genesis file: its members have not started to make epoch 0. */
export const founding = (n: number, t: number, machine: Machine): World =>
  calm(n, t, machine, { isFounded: false })

function calm(n: number, t: number, machine: Machine, options: Partial<WorldOptions>): World {
  const world = new World({
    ...options,
    seed: 1,
    n,
    t,
    weather: CALM,
    crashes: 0,
    machine,
    trace: true,
  })
  world.restarts = false
  world.refusals = 0
  return world
}

/** Lets the world go on until something is so; at most `ms`. Whether it came to be so. */
export function until(world: World, isSo: () => boolean, ms = 400_000): boolean {
  world.run(ms, isSo)
  return isSo()
}

export interface Wanted {
  readonly joins?: readonly Node[]
  readonly leaves?: readonly Node[]
  readonly t?: number
}

/** A proposal of `node`, which everybody is asked about. */
export function propose(
  world: World,
  node: Node,
  { joins = [], leaves = [], t }: Wanted = {},
): void {
  const base = node.member?.state.base
  if (base === undefined) throw new Error('bug: a proposer that is down')
  const leavers = leaves.map((one): Leaver => ({ index: indexOf(world, one), reason: 1 }))
  const signed = joins.map((joiner) => {
    world.observer.joinedAt.set(joiner.address, base.record.e)
    joiner.start()
    return world.joinOf(joiner, joiner.name)
  })
  const isRefresh = joins.length + leaves.length === 0 && t === undefined
  const proposal: Extract<Event, { type: 'propose' }>['proposal'] = {
    kind: isRefresh ? 2 : 1,
    joins: signed.map(joinHash),
    leaves: leavers.sort((a, b) => a.index - b.index),
    t: t ?? base.record.t,
    params: null,
    allowAdd: [],
    allowDrop: [],
    unban: [],
    expiresAt: EPOCH_START_MS + world.clock.now + 3_000_000,
  }
  node.give({ type: 'propose', proposal, joins: signed })
}

export function indexOf(world: World, node: Node): number {
  for (const { record } of [...world.observer.epochs.values()].reverse()) {
    const member = record.members.find(({ guestSig }) => hexOf(guestSig) === node.address)
    if (member !== undefined) return member.index
  }
  throw new Error('bug: no member')
}

/** The member with this place, from 1. */
export function at(world: World, place: number): Node {
  const node = world.nodes[place - 1]
  if (node === undefined) throw new Error('bug: no such place')
  return node
}

/** Nodes in the order in which they lead rounds of the first attempt at the next epoch. */
export const isIn =
  (e: number) =>
  (node: Node): boolean =>
    node.member?.state.base.record.e === e

export const allIn = (nodes: readonly Node[], e: number) => (): boolean => nodes.every(isIn(e))
