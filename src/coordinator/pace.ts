import type { Clock } from './collaborators.ts'

/**
 * How an attempt ended, as far as its time goes. `late`: not in its time, or for want of room here. `held`: others
 * have too much to do.
 */
export type Paced = 'done' | 'late' | 'held' | 'other'

/** How many at once: to begin with, and the bounds of what is learnt. */
export interface Room {
  readonly first: number
  readonly least: number
  readonly most: number
}

/** Attempts for the own clients. */
export const OWN_ROOM: Room = {
  first: 16, // two processors sign so many in half a second; quick ones soon make it more
  least: 4, // nobody's silence takes more than that from a node
  most: 128, // of a hundred milliseconds each, over far links: more than any node signs
}
/** Attempts for one other member. */
export const SERVED_ROOM: Room = { first: 4, least: 1, most: 16 }

/** A few times what an attempt takes that is alone, beside its crossings; twice that is slow. */
const QUICK_MS = 200
/** One in full crosses five times, two and a half round trips. */
const QUICK_RTTS = 4
const REST_MS = 500 // attempts that are late together are one sign of overload, not many
const LATE_LEAVES = 1 / 2
const SLOW_LEAVES = 0.85
/** Whoever waits longer than this is answered late, or asks elsewhere meanwhile. */
const SOON_MS = 1_000
const FIRST_TURN_MS = 250
const REMEMBERED = 16 // attempts whose mean says how long a turn is

/** Below this an attempt held nobody up, with its slowest signer so far away. `factor` as for budgets. */
export const quickMs = (rttMs: number, factor: number): number =>
  QUICK_MS * factor + QUICK_RTTS * rttMs

/** Ends a turn, once. */
export type Leave = (how: Paced, quickMs?: number) => void

/**
 * How many attempts this node leads at once, for its own clients or for one other member. Beyond what the
 * machines behind it can do, every attempt more makes all of them slower, until they are late and done again: so
 * quick ones make room for as many again, slow ones take some of it, a late one half, and who finds none waits
 * for its turn, in order.
 */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #bounds: Room
  readonly #before: Pace | undefined
  readonly #waiting: (() => void)[] = []
  #room: number
  #running = 0
  #turnMs = FIRST_TURN_MS
  #loweredAt = Number.NEGATIVE_INFINITY

  /** `before`: whose attempts go first. While one of them waits, there is room here for the least. */
  constructor(clock: Pick<Clock, 'monotonic'>, bounds: Room = OWN_ROOM, before?: Pace) {
    this.#clock = clock
    this.#bounds = bounds
    this.#before = before
    this.#room = bounds.first
  }

  /** Attempts that may run at once, now. */
  get room(): number {
    const yields = this.#before !== undefined && this.#before.waiting > 0
    return Math.floor(yields ? this.#bounds.least : this.#room)
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** How long an attempt takes, in the mean of the last ones, ms. */
  get turnMs(): number {
    return this.#turnMs
  }

  /** So many may wait and get their turn soon. */
  get soon(): number {
    return Math.floor((this.room * SOON_MS) / this.#turnMs)
  }

  /**
   * Waits for a turn; what it gives ends the turn, once, and is told below how many ms the attempt counts as
   * quick. Rejects with the signal's reason.
   */
  async enter(signal: AbortSignal): Promise<Leave> {
    signal.throwIfAborted()
    const leave = this.enterNow()
    if (leave !== undefined) return leave
    await this.#turn(signal)
    return this.#begun()
  }

  /** The same where there is a turn at once; undefined where there is none. */
  enterNow(): Leave | undefined {
    if (this.#running >= this.room || this.#waiting.length > 0) return undefined
    this.#running += 1
    return this.#begun()
  }

  #begun(): Leave {
    const began = this.#clock.monotonic()
    let isOver = false
    return (how, quick = QUICK_MS) => {
      if (isOver) return
      isOver = true
      this.#learn(how, this.#clock.monotonic() - began, quick)
      this.#running -= 1
      this.#wake()
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave)
        this.#running += 1 // before anyone else looks for room
        resolve()
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(go)
    })
  }

  #learn(how: Paced, tookMs: number, quick: number): void {
    if (how === 'other') return
    if (how !== 'held') this.#turnMs += (Math.max(1, tookMs) - this.#turnMs) / REMEMBERED
    if (how === 'late') this.#lower(LATE_LEAVES)
    else if (how === 'held' || tookMs > 2 * quick) this.#lower(SLOW_LEAVES)
    // Only room that is used may grow.
    else if (tookMs <= quick && (this.#waiting.length > 0 || this.#running >= this.room))
      this.#room = Math.min(this.#bounds.most, this.#room + 1)
  }

  #lower(leaves: number): void {
    const now = this.#clock.monotonic()
    if (now - this.#loweredAt < REST_MS) return
    this.#loweredAt = now
    this.#room = Math.max(this.#bounds.least, this.#room * leaves)
  }

  #wake(): void {
    while (this.#running < this.room && this.#waiting.length > 0) this.#waiting.shift()?.()
  }
}
