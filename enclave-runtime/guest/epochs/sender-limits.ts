import { TokenBucket } from '../background/token-bucket.ts'

/** Letters of one member or joiner: a whole epoch change of sixteen needs fewer at once. */
const KNOWN = { perSecond: 50, atOnce: 400 } as const
/** Of everybody else together: questions, and somebody that wants to join. */
const STRANGERS = { perSecond: 5, atOnce: 40 } as const
/** Members of every epoch that is known, and joiners; the oldest starts anew. */
const MAX_SENDERS = 256

const bucketOf = ({ perSecond, atOnce }: typeof KNOWN | typeof STRANGERS, now: number) =>
  new TokenBucket(perSecond / 1_000, atOnce, now)

/** How many letters a sender may bring, so that a flood costs nobody else anything (03 §4.5). */
export class SenderLimits {
  readonly #known = new Map<string, TokenBucket>()
  readonly #strangers: TokenBucket

  constructor(now: number) {
    this.#strangers = bucketOf(STRANGERS, now)
  }

  /** Whether this letter may be taken; takes it. `isKnown`: a member of an epoch or attempt, or a joiner of a proposal. */
  takes(from: string, isKnown: boolean, now: number): boolean {
    const bucket = isKnown ? this.#bucketOf(from, now) : this.#strangers
    if (bucket.wait(now) > 0) return false
    bucket.take(1, now)
    return true
  }

  #bucketOf(from: string, now: number): TokenBucket {
    const bucket = this.#known.get(from) ?? bucketOf(KNOWN, now)
    this.#known.delete(from)
    this.#known.set(from, bucket)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_SENDERS && oldest !== undefined) this.#known.delete(oldest)
    return bucket
  }
}
