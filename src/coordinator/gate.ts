import { METHOD_CLASSES } from '../../protocols/request/methods.ts'
import type { Pace } from './pace.ts'

/** Requests that may always wait for a turn: what comes while a member that died unnoticed holds up the attempts. */
const ALWAYS_WAITING = 24
/** Of an account, at most so much of all, once half is taken. */
const ACCOUNT_PART = 1 / 4
/** Those that are refused do not come again all at once: up to so many times the delay later. */
const SPREAD = 2
const SHORTEST_DELAY_MS = 250
const LONGEST_DELAY_MS = 10_000

/**
 * How many signatures may be asked of this node at once: as many as are led, and as many as get a turn within a
 * second. One more would be answered late, or not at all, and the work that it took with it would be lost: it is
 * refused before anything is done for it, and told when to come again.
 */
export class Gate {
  readonly #pace: Pick<Pace, 'room' | 'soon' | 'turnMs'>
  #inside = 0

  constructor(pace: Pick<Pace, 'room' | 'soon' | 'turnMs'>) {
    this.#pace = pace
  }

  /** Signatures asked for that are not answered yet. */
  get inside(): number {
    return this.#inside
  }

  /** A function that ends the place taken; undefined when there is none. What is no signature always has one. */
  enter(method: string): (() => void) | undefined {
    if (!isSignature(method)) return () => undefined
    if (this.#inside >= this.#most) return undefined
    this.#inside += 1
    let left = false
    return () => {
      if (left) return
      left = true
      this.#inside -= 1
    }
  }

  /** Whether an account that has `mine` requests here leaves enough to the others with one more. */
  isFair(mine: number): boolean {
    const most = this.#most
    return this.#inside <= most / 2 || mine < Math.max(1, Math.floor(most * ACCOUNT_PART))
  }

  /** When to come again, in whole ms; `random` in [0, 1). */
  delayMs(random: number): number {
    const { room, turnMs } = this.#pace
    const clearMs = (Math.max(0, this.#inside - room) * turnMs) / room
    const delay = Math.min(Math.max(clearMs, SHORTEST_DELAY_MS), LONGEST_DELAY_MS)
    return Math.round(delay * (1 + (SPREAD - 1) * random))
  }

  get #most(): number {
    return this.#pace.room + Math.max(ALWAYS_WAITING, this.#pace.soon)
  }
}

/** Whether a method, any name, is one of those that sign. */
export const isSignature = (method: string): boolean =>
  Object.hasOwn(METHOD_CLASSES, method) &&
  METHOD_CLASSES[method as keyof typeof METHOD_CLASSES].startsWith('sign.')
