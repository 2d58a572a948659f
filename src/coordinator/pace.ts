import type { Clock } from './collaborators.ts'

/** How an attempt ended, as far as its time goes. */
export type Paced = 'done' | 'late' | 'other'

const FIRST = 32 // at once: what two processors sign within an attempt's time
const LEAST = 2
const MOST = 128 // of a hundred milliseconds each, over far links: more than any node signs
const REST_MS = 500 // attempts that are late together are one sign of overload, not many

/**
 * How many attempts this node leads at once. Beyond what the machines behind it can do, every attempt more makes
 * all of them late, and what is late is done again: so each that ends in time makes room for a little more, a
 * late one halves the room, and who finds none waits for its turn, in order.
 */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #waiting: (() => void)[] = []
  #room = FIRST
  #running = 0
  #loweredAt = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Attempts that may run at once, now. */
  get room(): number {
    return Math.floor(this.#room)
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Waits for a turn; what it gives ends the turn, once. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<(how: Paced) => void> {
    signal.throwIfAborted()
    if (this.#running < this.room && this.#waiting.length === 0) this.#running += 1
    else await this.#turn(signal)
    let isOver = false
    return (how) => {
      if (isOver) return
      isOver = true
      this.#running -= 1
      this.#learn(how)
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

  #learn(how: Paced): void {
    if (how === 'done' && this.#running + 1 >= this.room)
      this.#room = Math.min(MOST, this.#room + 1 / this.#room) // only room that is used may grow
    if (how !== 'late') return
    const now = this.#clock.monotonic()
    if (now - this.#loweredAt < REST_MS) return
    this.#loweredAt = now
    this.#room = Math.max(LEAST, this.#room / 2)
  }

  #wake(): void {
    while (this.#running < this.room && this.#waiting.length > 0) this.#waiting.shift()?.()
  }
}
