import type { Signature } from '../../../protocols/kernel/kernel.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { BoundedMap } from '../bounded-map.ts'

/** Beyond the request's expiry (05 §3.5). */
const KEPT_AFTER_EXPIRY_S = 86_400
/** About 400 bytes each: what a request returns is made anew from its signature. */
const MAX_RESULTS = 65_536

/** What stays of a finished request. */
export interface Finished {
  readonly signature: Signature
  /** Who made it, as far as this guest knows. */
  readonly signers: readonly PartyIndex[]
}

/** Signatures by request digest: the same question gets the same bytes. */
export class ResultCache {
  readonly #results = new BoundedMap<Finished & { readonly until: number }>(MAX_RESULTS)

  /** `exp` is the request's, in unix seconds. The first result stays (05 §3.5). */
  put(digest: Uint8Array, { signature, signers }: Finished, exp: number): void {
    if (this.#results.get(digest) !== undefined) return
    const until = exp + KEPT_AFTER_EXPIRY_S
    this.#results.set(digest, { signature, signers: [...signers], until })
  }

  get(digest: Uint8Array, now: number): Finished | undefined {
    const found = this.#results.get(digest)
    if (found === undefined || found.until > now) return found
    this.#results.delete(digest)
    return undefined
  }
}
