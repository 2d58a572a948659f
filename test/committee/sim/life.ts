import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { EpochMember } from '../../../protocols/agreement/epoch/machine.ts'
import { joinHash, type SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import type { Leaver, Proposal } from '../../../protocols/agreement/objects/proposal.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import { thresholdRange } from '../../../protocols/agreement/rules/thresholds.ts'
import { chanceOf } from './chance.ts'
import type { Node, Vice } from './node.ts'
import { EPOCH_START_MS } from './node.ts'
import { Broken } from './observer.ts'
import { type Guard, World } from './world.ts'

export interface LifeOptions {
  readonly seed: number
  readonly machine: { readonly EpochMember: typeof EpochMember }
  readonly without?: ReadonlySet<Guard>
  readonly trace?: boolean
  /** A vice that one member has in any case, in a committee that can bear it. */
  readonly vice?: Vice
  /** A third of the trouble, for suites that run all day. */
  readonly isShort?: boolean
}

/** How one seed ended. */
export interface Outcome {
  readonly seed: number
  readonly world: World
  readonly broken: Broken | null
}

/** Trouble lasts this long, ms; then everything is healed and has to come to rest. */
const TROUBLE_MS = 240_000
const TROUBLES = [
  'partition',
  'partition',
  'partition',
  'crash',
  'crash',
  'crash',
  'skew',
  'all-down',
  'rollback',
  'clone',
] as const
/** After a partition ended or a process came back, members need this long to serve again. */
const CALM_MS = 40_000
/** 60 s + 4 T(f + 2) after the longest deadline (I9), and the drain. */
const REST_MS = 500_000

/** One committee's life from a seed: trouble, then rest, with every invariant looked at after every event. */
export function live(options: LifeOptions): Outcome {
  const world = settle(options)
  try {
    new Life(world, options).run(options.isShort === true ? TROUBLE_MS / 3 : TROUBLE_MS)
    return { seed: options.seed, world, broken: null }
  } catch (error) {
    if (error instanceof Broken) return { seed: options.seed, world, broken: error }
    throw error
  }
}

function settle({ seed, machine, without, trace, vice }: LifeOptions): World {
  const chance = chanceOf(seed, 'settle')
  const n = chance.pick(vice === undefined ? [3, 4, 4, 5, 5, 6, 7] : [4, 4, 5, 5, 6, 7])
  const { least, most } = thresholdRange(n)
  const t = least + chance.int(most - least + 1)
  const bad = chance.happens(0.6)
  const weather = {
    loss: bad ? chance.real() * 0.15 : 0,
    twice: bad ? 0.03 : 0,
    minMs: 2,
    maxMs: 20 + chance.int(180),
    slow: bad ? 0.03 : 0,
  }
  const crashes = chance.happens(0.6) ? chance.pick([0.0003, 0.001, 0.003]) : 0
  return new World({
    seed,
    n,
    t,
    weather,
    crashes,
    isFounded: !chanceOf(seed, 'founding').happens(0.25),
    machine,
    ...(without && { without }),
    trace: trace === true,
  })
}

class Life {
  readonly #world: World
  readonly #chance
  readonly #vice: Vice | undefined

  constructor(world: World, { seed, vice }: LifeOptions) {
    this.#world = world
    this.#vice = vice
    this.#chance = chanceOf(seed, 'life')
  }

  run(troubleMs: number): void {
    const world = this.#world
    this.#corrupt()
    this.#soon(() => this.#change(), 4_000, 45_000)
    this.#soon(() => this.#makeKey(), 3_000, 25_000)
    this.#soon(() => this.#sign(), 2_000, 15_000)
    this.#soon(() => this.#looksServed(), 5_000, 10_000)
    this.#soon(() => this.#trouble(), 10_000, 60_000)
    world.run(troubleMs)
    this.#isOver = true
    world.note(null, () => 'everything is healed')
    world.heal()
    world.run(REST_MS, () => this.#isAtRest())
    if (!this.#isAtRest()) world.observer.broken('I9', `no rest: ${this.#unrest()}`)
  }

  #isOver = false

  #soon(happen: () => void, least: number, more: number): void {
    this.#world.clock.after(least + this.#chance.int(more), () => {
      if (this.#isOver) return
      happen()
      this.#soon(happen, least, more)
    })
  }

  /** At most f members have vices, and none where f is 0. */
  #corrupt(): void {
    if (this.#vice !== undefined) {
      this.#world.nodes[0]?.vices.add(this.#vice)
      return
    }
    const { members } = this.#world.genesis.record
    const { f } = quorums(members.length, 0)
    const count = this.#chance.happens(0.5) ? this.#chance.int(f + 1) : 0
    const vices: Vice[] = [
      'silent',
      'equivocates',
      'two-starts',
      'bad-deals',
      'wrong-share',
      'replays',
    ]
    for (const node of this.#chance.shuffled(this.#world.nodes).slice(0, count)) {
      node.vices.add(this.#chance.pick(vices))
      this.#world.note(node, () => `has a vice: ${[...node.vices].join()}`)
    }
  }

  #latest(): Node | undefined {
    const up = this.#world.nodes.filter(
      ({ isUp, isHonest, member }) =>
        isUp && isHonest && member !== null && member.state.base.record.e >= 0,
    )
    const e = Math.max(...up.map(({ member }) => member?.state.base.record.e ?? 0))
    const there = up.filter(({ member, address }) => {
      const record = member?.state.base.record
      return record?.e === e && record.members.some(({ guestSig }) => hexOf(guestSig) === address)
    })
    return there.length === 0 ? undefined : this.#chance.pick(there)
  }

  /** A join, a leave, both, an update, or a refresh. */
  #change(): void {
    const node = this.#latest()
    const base = node?.member?.state.base
    if (node === undefined || base === undefined) return
    const chance = this.#chance
    const world = this.#world
    const { members } = base.record
    const kind = chance.pick(['join', 'leave', 'swap', 'update', 'refresh', 'refresh'] as const)
    const joins: SignedJoin[] = []
    const leaves: Leaver[] = []
    if (kind === 'join' || kind === 'swap') {
      const joiner = world.addNode()
      world.observer.joinedAt.set(joiner.address, base.record.e)
      joins.push(world.joinOf(joiner, joiner.name))
      joiner.start()
    }
    if (kind === 'leave' || kind === 'swap')
      leaves.push({ index: chance.pick(members).index, reason: 1 as const })
    if (kind === 'update') {
      const member = chance.pick(members)
      joins.push(world.joinOf(world.nodeOf(hexOf(member.guestSig)), `again ${world.clock.now}`))
    }
    const after = members.filter(({ index }) => leaves.every((one) => one.index !== index))
    const bad = after.filter(({ guestSig }) => !world.nodeOf(hexOf(guestSig)).isHonest).length
    if (bad > quorums(after.length + joins.length - (kind === 'update' ? 1 : 0), 0).f) return
    const n = members.length + (kind === 'join' ? 1 : kind === 'leave' ? -1 : 0)
    const { least, most } = thresholdRange(n)
    const t = kind === 'refresh' ? base.record.t : Math.min(most, Math.max(least, base.record.t))
    const proposal: Omit<Proposal, 'committeeId' | 'baseHash' | 'proposerIndex' | 'nonce'> = {
      kind: kind === 'refresh' ? 2 : 1,
      joins: joins.map(joinHash),
      leaves,
      t,
      params: null,
      allowAdd: [],
      allowDrop: [],
      unban: [],
      expiresAt: EPOCH_START_MS + world.clock.now + 60_000 + chance.int(200_000),
    }
    world.note(node, () => `is told to propose: ${kind}`)
    node.give({ type: 'propose', proposal, joins })
  }

  #makeKey(): void {
    const node = this.#latest()
    if (node !== undefined) this.#world.keys.begin(node)
  }

  #sign(): void {
    const node = this.#latest()
    if (node !== undefined) this.#world.signing.begin(node)
  }

  /** I10, where nothing was disturbed for a while: with max(t, L) members up and connected some epoch is served by t. */
  #looksServed(): void {
    const world = this.#world
    if (
      world.clock.now - this.#disturbed < CALM_MS ||
      !world.network.isWhole ||
      world.options.crashes > 0
    )
      return
    if (this.#mustServe() && !world.observer.someEpochServes())
      world.observer.broken('I10', 'no epoch is served by t members')
  }

  /** Whether max(t, L) honest members of the last epoch are up. */
  #mustServe(): boolean {
    const world = this.#world
    const last = world.observer.epochs.get(Math.max(...world.observer.epochs.keys()))
    if (last === undefined) return false
    const { members, t } = last.record
    if (last.record.e < 0) return false
    const nodes = members.map(({ guestSig }) => world.nodeOf(hexOf(guestSig)))
    const good = nodes.filter(({ isUp, isHonest }) => isUp && isHonest)
    return good.length >= Math.max(t, quorums(members.length, t).L)
  }

  #disturbed = 0

  #trouble(): void {
    const world = this.#world
    const chance = this.#chance
    this.#disturbed = world.clock.now + 60_000
    const kind = chance.pick(TROUBLES)
    switch (kind) {
      case 'partition': {
        const sides = new Map(world.nodes.map(({ address }) => [address, chance.int(2)] as const))
        world.network.partition(sides)
        world.note(null, () => `partition ${[...sides.values()].join('')}`)
        world.clock.after(1_000 + chance.int(60_000), () => world.network.partition(null))
        break
      }
      case 'crash': {
        const up = world.nodes.filter(({ isUp }) => isUp)
        if (up.length > 0) chance.pick(up).crash('power')
        break
      }
      case 'skew': {
        const node = chance.pick(world.nodes)
        node.skew = chance.int(1_200_000) - 600_000
        world.clock.after(1_000 + chance.int(40_000), () => {
          node.skew = 0
        })
        break
      }
      case 'rollback':
        this.#rollBack()
        break
      case 'clone':
        this.#clone()
        break
      case 'all-down':
        if (chance.happens(0.3)) for (const node of world.nodes) node.crash('power everywhere')
    }
  }

  /** One more that may be dishonest, as far as the present members allow. */
  #mayGoBad(): Node | undefined {
    const world = this.#world
    const last = world.observer.epochs.get(Math.max(...world.observer.epochs.keys()))
    const nodes = (last?.record.members ?? []).map(({ guestSig }) => world.nodeOf(hexOf(guestSig)))
    const bad = nodes.filter(({ isHonest }) => !isHonest).length
    const rest = nodes.filter(({ isHonest, isUp }) => isHonest && isUp)
    return bad < quorums(nodes.length, 0).f && rest.length > 0 ? this.#chance.pick(rest) : undefined
  }

  #rollBack(): void {
    const node = this.#mayGoBad()
    if (node === undefined) return
    const image = node.disk.image()
    node.isRolledBack = true
    this.#world.clock.after(5_000 + this.#chance.int(60_000), () =>
      this.#world.rollBack(node, image),
    )
  }

  #clone(): void {
    const node = this.#mayGoBad()
    if (node !== undefined) this.#world.clone(node)
  }

  /** Every attempt is decided, every member of the last epoch is in it, and what ended is erased by whoever is honest. */
  #isAtRest(): boolean {
    return this.#unrest() === ''
  }

  #unrest(): string {
    const world = this.#world
    const last = Math.max(...world.observer.epochs.keys())
    const epoch = world.observer.epochs.get(last)
    if (epoch === undefined) return 'no epoch'
    if (last < 0 && world.nodes.every(({ isHonest }) => isHonest)) return 'epoch 0 is not made'
    for (const { guestSig } of epoch.record.members) {
      const node = world.nodeOf(hexOf(guestSig))
      if (!node.isHonest || node.isDestroyed) continue
      const state = node.member?.state
      if (state === undefined) return `${node.name} is down`
      if (state.standing !== 'member') return `${node.name} is ${state.standing}`
      if (state.base.record.e !== last)
        return `${node.name} is in epoch ${state.base.record.e} of ${last}`
      if (state.attempts.size > 0)
        return `${node.name} has an open attempt ${[...state.attempts.keys()]}`
    }
    if (this.#mustServe() && !world.observer.someEpochServes())
      return 'no epoch is served by t members'
    return ''
  }
}
