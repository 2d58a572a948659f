import type { Clock } from './collaborators.ts'

/** How an attempt ended, as far as its time goes. */
export type Paced = 'done' | 'late' | 'other'

/** How many at once: to begin with, and the bounds of what is learnt. */
export interface Room {
  readonly first: number
  readonly least: number
  readonly most: number
}

/** Attempts for the own clients. */
export const OWN_ROOM: Room = {
  first: 32, // what two processors sign within an attempt's time; quick ones soon make it more
  least: 4, // nobody's silence takes more than that from a node
  most: 128, // of a hundred milliseconds each, over far links: more than any node signs
}
/** Attempts for one other member. */
export const SERVED_ROOM: Room = { first: 4, least: 1, most: 16 }

const QUICK_MS = 400 // well below every budget: whoever ends in that time is not held up by others
const REST_MS = 500 // attempts that are late together are one sign of overload, not many

/**
 * How many attempts this node leads at once, for its own clients or for one other member. Beyond what the
 * machines behind it can do, every attempt more makes all of them late, and what is late is done again: so
 * those that are quick make room for as many again, those that end in time for a little more, a late one
 * halves the room, and who finds none waits for its turn, in order.
 */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #bounds: Room
  readonly #before: Pace | undefined
  readonly #waiting: (() => void)[] = []
  #room: number
  #running = 0
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

  /** Waits for a turn; what it gives ends the turn, once. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<(how: Paced) => void> {
    signal.throwIfAborted()
    if (this.#running < this.room && this.#waiting.length === 0) this.#running += 1
    else await this.#turn(signal)
    const began = this.#clock.monotonic()
    let isOver = false
    return (how) => {
      if (isOver) return
      isOver = true
      this.#learn(how, this.#clock.monotonic() - began)
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

  #learn(how: Paced, tookMs: number): void {
    const { least, most } = this.#bounds
    // Only room that is used may grow.
    if (how === 'done' && (this.#waiting.length > 0 || this.#running >= this.room))
      this.#room = Math.min(most, this.#room + (tookMs <= QUICK_MS ? 1 : 1 / this.#room))
    if (how !== 'late') return
    const now = this.#clock.monotonic()
    if (now - this.#loweredAt < REST_MS) return
    this.#loweredAt = now
    this.#room = Math.max(least, this.#room / 2)
  }

  #wake(): void {
    while (this.#running < this.room && this.#waiting.length > 0) this.#waiting.shift()?.()
  }
}
