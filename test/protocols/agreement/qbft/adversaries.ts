import type { Proposal, QbftEffect } from '../../../../protocols/agreement/qbft/interface.ts'
import {
  decodeMessage,
  EMPTY,
  encodeMessage,
  type VoteMessage,
} from '../../../../protocols/agreement/qbft/message.ts'
import { Qbft } from '../../../../protocols/agreement/qbft/qbft.ts'
import {
  ABORT,
  type SignedVote,
  type Value,
  type Vote,
  voteBody,
} from '../../../../protocols/agreement/qbft/vote.ts'
import { seal } from './seal.ts'
import {
  ABORT_PROOF,
  type Adversary,
  BOGUS,
  COMMIT,
  COMMIT_PROOF,
  IID,
  type World,
} from './world.ts'

const VALUES: readonly Value[] = [ABORT, COMMIT, BOGUS]

/** Says nothing at all. */
export const silent = (): Adversary => ({ begin: () => {}, receive: () => {} })

/** Votes at random in every round that it hears of, differently to everybody, and proves it with what it collected. */
export class Liar implements Adversary {
  readonly #heard: SignedVote[] = []
  readonly #spoken: Uint8Array[] = []
  #round = 1

  begin(world: World): void {
    for (const member of world.byzantine) this.#again(world, member)
  }

  receive(_world: World, _member: number, from: number, bytes: Uint8Array): void {
    const message = decodeMessage(bytes)
    if (message.type !== 'vote') return
    const { vote, signature } = message
    this.#round = Math.max(this.#round, Math.min(vote.round, this.#round + 8))
    if (this.#heard.length < 400) this.#heard.push({ from, vote, signature })
  }

  #again(world: World, member: number): void {
    for (let i = world.dice.below(4); i > 0; i--) this.#lie(world, member)
    if (world.now < 120_000)
      world.after(200 + world.dice.below(3_000), () => this.#again(world, member))
  }

  #lie(world: World, member: number): void {
    const to = world.dice.pick(world.members)
    if (this.#spoken.length > 0 && world.dice.chance(0.15)) {
      world.send(member, to, world.dice.pick(this.#spoken))
      return
    }
    const bytes = encodeMessage(this.#message(world, member))
    this.#spoken.push(bytes)
    if (to !== member) world.send(member, to, bytes)
  }

  #message(world: World, member: number): VoteMessage {
    const { dice } = world
    const round = Math.max(1, this.#round + dice.below(3) - 1)
    const value = dice.pick(VALUES)
    const none = { type: 'vote', proof: EMPTY, changes: [], prepares: [] } as const
    const signed = (vote: Vote): VoteMessage => ({
      ...none,
      vote,
      signature: seal(member, voteBody(IID, vote)),
    })
    const kind = dice.pick(['pre-prepare', 'prepare', 'commit', 'round-change'] as const)
    if (kind === 'round-change' && round > 1) {
      const preparedRound = dice.chance(0.5) ? 0 : dice.below(round)
      const prepares = this.#prepares(preparedRound, value)
      if (preparedRound === 0 || prepares.length === 0)
        return signed({ kind, round, value: ABORT, preparedRound: 0 })
      return { ...signed({ kind, round, value, preparedRound }), prepares }
    }
    const message = signed({
      kind: kind === 'round-change' ? 'commit' : kind,
      round,
      value,
      preparedRound: 0,
    })
    return message.vote.kind === 'pre-prepare' ? this.#justify(world, member, message) : message
  }

  /** As good a justification as can be made of what was heard, preferring members that prepared nothing. */
  #justify(world: World, member: number, message: VoteMessage): VoteMessage {
    const { round, value } = message.vote
    const proof = value === ABORT ? ABORT_PROOF : COMMIT_PROOF
    if (round === 1) return { ...message, proof }
    const own: Vote = { kind: 'round-change', round, value: ABORT, preparedRound: 0 }
    const heard = this.#heard.filter(
      ({ vote }) => vote.kind === 'round-change' && vote.round === round,
    )
    const all = [...heard, { from: member, vote: own, signature: seal(member, voteBody(IID, own)) }]
    const byAuthor = new Map(
      all
        .sort((a, b) => b.vote.preparedRound - a.vote.preparedRound)
        .map((change) => [change.from, change]),
    )
    const changes = [...byAuthor.values()]
      .sort((a, b) => a.vote.preparedRound - b.vote.preparedRound)
      .slice(0, world.setup.quorum)
      .sort((a, b) => a.from - b.from)
    const highest = Math.max(0, ...changes.map(({ vote }) => vote.preparedRound))
    const prepares = highest > 0 ? this.#prepares(highest, value) : []
    return { ...message, proof, changes, prepares }
  }

  #prepares(round: number, value: Value): [number, Uint8Array][] {
    const wanted = this.#heard.filter(({ vote }) => vote.kind === 'prepare' && vote.round === round)
    const byAuthor = new Map(wanted.map(({ from, signature }) => [from, signature] as const))
    return value === BOGUS ? [] : [...byAuthor].sort(([a], [b]) => a - b)
  }
}

/** Each dishonest member is two honest machines with one key that forget everything now and then; each speaks to some. */
export class Twins implements Adversary {
  readonly #machines = new Map<string, Qbft>()
  readonly #ears = new Map<string, readonly number[]>()

  begin(world: World): void {
    for (const member of world.byzantine)
      for (const side of [0, 1]) {
        this.#ears.set(
          `${member}/${side}`,
          world.members.filter(() => world.dice.chance(0.7)),
        )
        this.#reborn(world, member, side)
      }
  }

  receive(world: World, member: number, from: number, bytes: Uint8Array): void {
    for (const side of [0, 1])
      if (this.#ears.get(`${member}/${side}`)?.includes(from))
        this.#perform(
          world,
          member,
          side,
          this.#machine(member, side).handle({ type: 'message', from, bytes }),
        )
  }

  #machine(member: number, side: number): Qbft {
    const machine = this.#machines.get(`${member}/${side}`)
    if (machine === undefined) throw new Error('bug: no such twin')
    return machine
  }

  /** As after a rollback to nothing. */
  #reborn(world: World, member: number, side: number): void {
    const sign = (body: Uint8Array): Uint8Array => seal(member, body)
    const machine = new Qbft({ ...world.setup, self: member, sign })
    this.#machines.set(`${member}/${side}`, machine)
    this.#perform(world, member, side, machine.handle({ type: 'start', record: null }))
    const commit = { value: COMMIT, proof: COMMIT_PROOF }
    const abort: Proposal = { value: ABORT, proof: ABORT_PROOF }
    const values = side === 0 ? [commit, abort] : [abort, commit]
    this.#perform(world, member, side, machine.handle({ type: 'values', values }))
    if (world.now < 100_000)
      world.after(1_000 + world.dice.below(15_000), () => this.#reborn(world, member, side))
  }

  #perform(world: World, member: number, side: number, effects: readonly QbftEffect[]): void {
    const machine = this.#machines.get(`${member}/${side}`)
    const ears = this.#ears.get(`${member}/${side}`) ?? []
    for (const effect of effects) {
      if (effect.type === 'send')
        for (const to of effect.to === 'all' ? ears : [effect.to])
          if (to !== member) world.send(member, to, effect.bytes)
      if (effect.type === 'timer')
        world.after(effect.afterMs, () => {
          if (this.#machines.get(`${member}/${side}`) === machine && machine !== undefined)
            this.#perform(
              world,
              member,
              side,
              machine.handle({ type: 'timer', timer: effect.timer }),
            )
        })
    }
  }
}
