/** So many per minute, and so many at once (05 §4.4). */
export interface Rate {
  readonly perMinute: number
  readonly burst: number
}

const TOKEN = 60_000 // credit grows by the rate each ms, so that nothing is rounded
const MAX_BUCKETS = 10_000 // sources remembered; the one that was silent longest goes first

/** Token buckets by name on a monotonic clock. A name that was forgotten starts with a full bucket. */
export class TokenBuckets {
  readonly #rate: Rate
  readonly #monotonic: () => number
  readonly #buckets = new Map<string, { credit: number; at: number }>()

  constructor(rate: Rate, monotonic: () => number) {
    this.#rate = rate
    this.#monotonic = monotonic
  }

  /** Takes `count` tokens; or takes none, and says in how many ms they will be there. */
  take(name: string, count = 1): number | undefined {
    const { perMinute, burst } = this.#rate
    const now = this.#monotonic()
    const full = burst * TOKEN
    const bucket = this.#buckets.get(name) ?? { credit: full, at: now }
    const credit = Math.min(full, bucket.credit + (now - bucket.at) * perMinute)
    const cost = count * TOKEN
    const enough = credit >= cost
    this.#buckets.delete(name) // to the end: the order of the map is that of use
    this.#buckets.set(name, { credit: enough ? credit - cost : credit, at: now })
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > MAX_BUCKETS && oldest !== undefined) this.#buckets.delete(oldest)
    return enough ? undefined : Math.ceil((cost - credit) / perMinute)
  }

  /** Whether `take` would take one now. */
  has(name: string): boolean {
    const { perMinute, burst } = this.#rate
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) return burst >= 1
    const credit = bucket.credit + (this.#monotonic() - bucket.at) * perMinute
    return Math.min(burst * TOKEN, credit) >= TOKEN
  }

  get size(): number {
    return this.#buckets.size
  }
}
