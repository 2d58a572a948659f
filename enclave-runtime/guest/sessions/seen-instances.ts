/** Kept beyond the deadline, so that no late letter finds its session new again (02 §11). */
const KEPT_AFTER_DEADLINE_MS = 600_000
/** 10 minutes of far more sessions than a guest can run; beyond it none is opened. */
const MAX_SEEN = 200_000

/** Every instanceId of the last minutes: none is ever run twice. */
export class SeenInstances {
  readonly #until = new Map<string, number>()

  /** Notes an instance: 'new', 'seen' before, or 'full'. */
  note(key: string, deadlineMs: number, now: number): 'new' | 'seen' | 'full' {
    const known = this.#until.get(key)
    if (known !== undefined && known > now) return 'seen'
    if (this.#until.size >= MAX_SEEN) this.#sweep(now)
    if (this.#until.size >= MAX_SEEN) return 'full'
    this.#until.set(key, now + deadlineMs + KEPT_AFTER_DEADLINE_MS)
    return 'new'
  }

  has(key: string, now: number): boolean {
    return (this.#until.get(key) ?? 0) > now
  }

  #sweep(now: number): void {
    for (const [key, until] of this.#until) if (until <= now) this.#until.delete(key)
  }
}
