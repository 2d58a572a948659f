import { BoundedMap } from '../bounded-map.ts'

/** Signatures per account (05 §4.4), in this guest: n guests allow n times as many. */
const PER_MINUTE = 60
const BURST = 20
const TOKEN = 60_000 // credit grows by the rate each ms, so that nothing is rounded
/** Only who has an account's key has a bucket; the one silent longest is forgotten, and full again. */
const MAX_ACCOUNTS = 10_000
/** Requests that had their token: checks, other attempts and repeats of one request are one signature. */
const MAX_ADMITTED = 16_384

/** How often each account may ask for signatures. Asked after its credential's proof, so that nobody else spends them. */
export class AccountRates {
  readonly #monotonicMs: () => number
  readonly #buckets = new BoundedMap<{ readonly credit: number; readonly at: number }>(MAX_ACCOUNTS)
  readonly #admitted = new BoundedMap<true>(MAX_ADMITTED)

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** Whether this request may go on; a request that was admitted once is admitted again. */
  admit(accountId: Uint8Array, digest: Uint8Array): boolean {
    if (this.#admitted.get(digest) !== undefined) return true
    const at = this.#monotonicMs()
    const full = BURST * TOKEN
    const bucket = this.#buckets.get(accountId) ?? { credit: full, at }
    const credit = Math.min(full, bucket.credit + (at - bucket.at) * PER_MINUTE)
    const enough = credit >= TOKEN
    this.#buckets.set(accountId, { credit: enough ? credit - TOKEN : credit, at })
    if (enough) this.#admitted.set(digest, true)
    return enough
  }
}
