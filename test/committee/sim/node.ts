import type { Effect } from '../../../protocols/agreement/epoch/effects.ts'
import type { Event } from '../../../protocols/agreement/epoch/events.ts'
import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { EpochMember } from '../../../protocols/agreement/epoch/machine.ts'
import type { Message } from '../../../protocols/agreement/epoch/messages.ts'
import { type Change, Disk } from './disk.ts'
import type { World } from './world.ts'

/** What a member does that it should not (03 §11). */
export type Vice =
  | 'silent'
  | 'equivocates'
  | 'two-starts'
  | 'bad-deals'
  | 'wrong-share'
  | 'replays'
  | 'cloned'

/** Wall clocks begin here, so that no date is 0. */
export const EPOCH_START_MS = 1_800_000_000_000

/** One guest with its host: a process that may die at any effect, and a disk. */
export class Node {
  readonly name: string
  readonly guestSig: Uint8Array
  readonly address: string
  readonly disk: Disk = new Disk()
  readonly vices: Set<Vice> = new Set()
  member: EpochMember | null = null
  /** Counts processes: what an earlier one asked for does not reach a later one. */
  life = 0
  /** The wall clock is ahead by this, ms. */
  skew = 0
  /** Its store was put back to an older state: it counts as dishonest from then on (03 §5). */
  isRolledBack = false
  isDestroyed = false
  /** Whether its operator signs that it takes the genesis file. */
  takesGenesis = true
  readonly #world: World
  readonly #timers = new Map<string, number>()
  #inbox: Event[] = []
  #isBusy = false

  constructor(world: World, name: string, guestSig: Uint8Array) {
    this.#world = world
    this.name = name
    this.guestSig = guestSig
    this.address = hexOf(guestSig)
  }

  get isUp(): boolean {
    return this.member !== null
  }

  get isHonest(): boolean {
    return this.vices.size === 0 && !this.isRolledBack
  }

  get boot(): string {
    return this.member === null ? '' : hexOf(this.member.state.bootId)
  }

  start(isRejoining = false): void {
    if (this.isUp || this.isDestroyed) return
    this.life++
    this.#timers.clear()
    this.#inbox = []
    this.#isBusy = false
    this.#world.note(this, () => `starts${isRejoining ? ' to rejoin' : ''}`)
    this.member = this.#world.makeMember(this, isRejoining)
    this.give({ type: 'boot' })
    // The host hands over at every start what the operator signed when it took the genesis file.
    if (!this.#world.isFounded && this.takesGenesis)
      this.giveAfter(3_000, {
        type: 'operator-answer',
        proposalHash: this.#world.networkId,
        yes: true,
        operatorSig: new Uint8Array(64),
      })
  }

  crash(why: string): void {
    if (!this.isUp) return
    this.#world.note(this, () => `dies: ${why}`)
    this.member = null
    this.life++
    this.disk.crash(this.#world.chances.disk)
    this.#world.died(this)
  }

  /** An event, after those that are being handled. */
  give(event: Event): void {
    this.#inbox.push(event)
    if (this.#isBusy) return
    this.#isBusy = true
    const { life } = this
    for (;;) {
      const next = this.#inbox.shift()
      if (next === undefined || this.member === null || this.life !== life) break
      const effects = this.member.handle(next, this.now)
      for (const effect of effects) {
        this.#carryOut(effect)
        if (this.life !== life) return
      }
      this.#world.observer.afterEvent(this)
    }
    if (this.life === life) this.#isBusy = false
  }

  /** An event some time later, unless the process dies before. */
  giveAfter(ms: number, event: Event): void {
    const { life } = this
    this.#world.clock.after(ms, () => {
      if (this.life === life) this.give(event)
    })
  }

  get now(): number {
    return EPOCH_START_MS + this.#world.clock.now + this.skew
  }

  #carryOut(effect: Effect): void {
    switch (effect.do) {
      case 'write':
        this.write(effect.batch, effect.sync)
        break
      case 'send':
        this.#send(effect.to, effect.message)
        break
      case 'timer':
        this.#setTimer(effect.name, effect.ms)
        break
      case 'exit':
        this.#world.note(this, () => `exits with ${effect.code}: ${effect.why}`)
        this.crash(effect.why)
        this.#world.exited(this)
        break
      default:
        this.#world.carryOut(this, effect)
    }
  }

  /** Each write may be the last thing that a process does: before it is on disk, or after. */
  write(batch: readonly Change[], sync: boolean): void {
    const world = this.#world
    const isSynced = sync && world.syncs(batch)
    if (world.crashes(this, `before ${keysOf(batch)} is synced`)) {
      this.disk.write(batch, false)
      this.crash(`before ${keysOf(batch)} is synced`)
      return
    }
    this.disk.write(batch, isSynced)
    world.observer.wrote(this, batch)
    if (world.crashes(this, `after ${keysOf(batch)}`)) this.crash(`after ${keysOf(batch)}`)
  }

  #send(to: readonly string[], message: Message): void {
    const { life } = this
    for (const address of to) {
      this.#world.post(this, address, message)
      if (this.life !== life) return
      if (this.#world.crashes(this, `after sending ${message.type}`)) {
        this.crash(`after sending ${message.type}`)
        return
      }
    }
  }

  #setTimer(name: string, ms: number): void {
    const { life } = this
    const number = (this.#timers.get(name) ?? 0) + 1
    this.#timers.set(name, number)
    this.#world.clock.after(ms, () => {
      if (this.life === life && this.#timers.get(name) === number)
        this.give({ type: 'timer', name })
    })
  }
}

const keysOf = (batch: readonly Change[]): string => batch.map(({ key }) => key).join('+')
