/** A hundredth of what may be saved up: others do not feel it. */
const NEXT_TO_NOTHING = 100

/**
 * A share of something that flows: `perMs` of it, of which at most `most` may be saved up. Whoever takes more
 * than there is leaves a debt, and nobody takes anything before it is paid: so large pieces get through, and
 * the average never exceeds the share.
 */
export class TokenBucket {
  readonly #perMs: number
  readonly #most: number
  #level: number
  #at: number

  constructor(perMs: number, most: number, now: number) {
    this.#perMs = perMs
    this.#most = most
    this.#level = most
    this.#at = now
  }

  /** Milliseconds until `amount` may be taken; 0 when it may now. Next to nothing is not waited for. */
  wait(now: number, amount: number = this.#most): number {
    this.#fill(now)
    if (amount * NEXT_TO_NOTHING < this.#most) return 0
    return this.#level > 0 ? 0 : Math.max(1, Math.ceil(-this.#level / this.#perMs))
  }

  /** Whether half of what may be saved up is there. */
  isHalfFull(now: number): boolean {
    this.#fill(now)
    return 2 * this.#level >= this.#most
  }

  /** Takes `amount`, also more than there is; a negative one gives back. */
  take(amount: number, now: number): void {
    this.#fill(now)
    this.#level = Math.min(this.#most, this.#level - amount)
  }

  #fill(now: number): void {
    this.#level = Math.min(this.#most, this.#level + this.#perMs * Math.max(0, now - this.#at))
    this.#at = now
  }
}
