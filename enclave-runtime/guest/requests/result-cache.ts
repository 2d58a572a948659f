import type { JsonValue } from '../../port/messages.ts'
import { BoundedMap } from '../bounded-map.ts'

/** Beyond the request's expiry (05 §3.5). */
const KEPT_AFTER_EXPIRY_S = 86_400
/** Results are a few hundred bytes, raw transactions with large data aside. */
const MAX_RESULTS = 16_384

export interface Done {
  readonly result: JsonValue
  /** What other guests verify: r ‖ s ‖ recovery. */
  readonly proof: Uint8Array
}

/** Results by request digest: the same question gets the same bytes. */
export class ResultCache {
  readonly #results = new BoundedMap<Done & { readonly until: number }>(MAX_RESULTS)

  /** `exp` is the request's, in unix seconds. The first result stays (05 §3.5). */
  put(digest: Uint8Array, done: Done, exp: number): void {
    if (this.#results.get(digest) === undefined)
      this.#results.set(digest, { ...done, until: exp + KEPT_AFTER_EXPIRY_S })
  }

  get(digest: Uint8Array, now: number): Done | undefined {
    const found = this.#results.get(digest)
    if (found === undefined || found.until > now) return found
    this.#results.delete(digest)
    return undefined
  }
}
