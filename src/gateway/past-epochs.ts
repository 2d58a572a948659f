import { sameBytes } from '../../protocols/agreement/compare-bytes.ts'
import { EpochCert } from '../../protocols/agreement/objects/certificates.ts'
import { type EpochRecord, recordHash } from '../../protocols/agreement/objects/record.ts'
import { MAX_RECORDS_BEFORE } from '../wire/network.ts'

/** So long one answer waits for what the guest has. */
const ASK_MS = 2_000
/** What was missing is asked for again, however often somebody wants it. */
const AGAIN_MS = 5_000

/** What a client may need beside the newest epoch: where the root key comes from, and who certified older keys. */
export interface Past {
  /** The certificate of epoch 0; null where it is the published one, or not known here. */
  readonly first: EpochCert | null
  /** Records before the published one, newest first. */
  readonly before: readonly EpochRecord[]
}

export interface PastEpochsInit {
  /** Bytes of the certificate of an epoch; null when it is not known here. */
  readonly history: (e: number, signal: AbortSignal) => Promise<Uint8Array | null>
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
  readonly failed: (error: unknown) => void
}

export const NO_PAST: Past = { first: null, before: [] }

/** Epochs before the newest, asked of the guest once for each newest one. */
export class PastEpochs {
  readonly #init: PastEpochsInit
  /** Certificates never change; those of the epochs that the newest one may need. */
  #certs = new Map<number, EpochCert>()
  #asking: { readonly e: number; readonly done: Promise<void> } | undefined
  #missedAt = Number.NEGATIVE_INFINITY

  constructor(init: PastEpochsInit) {
    this.#init = init
  }

  /** As far as it is known here, within two seconds. */
  async of(newest: EpochRecord): Promise<Past> {
    const needed = epochsFor(newest)
    if (needed.length === 0) return NO_PAST
    if (needed.some((e) => !this.#certs.has(e))) await this.#ask(newest.e, needed)
    return { first: this.#certs.get(0) ?? null, before: this.#linkedTo(newest) }
  }

  async #ask(newest: number, needed: readonly number[]): Promise<void> {
    const { monotonic } = this.#init
    if (this.#asking?.e !== newest) {
      if (monotonic() - this.#missedAt < AGAIN_MS) return
      const done = this.#fetch(needed)
      this.#asking = { e: newest, done }
    }
    await this.#asking?.done
  }

  async #fetch(needed: readonly number[]): Promise<void> {
    const { history, failed, monotonic } = this.#init
    const signal = AbortSignal.timeout(ASK_MS)
    this.#certs = new Map([...this.#certs].filter(([e]) => needed.includes(e)))
    try {
      for (const e of needed) {
        const bytes = this.#certs.has(e) ? undefined : await history(e, signal)
        if (bytes === null) this.#missedAt = monotonic()
        else if (bytes !== undefined) this.#certs.set(e, EpochCert.decode(bytes))
      }
    } catch (error) {
      this.#missedAt = monotonic()
      failed(error)
    } finally {
      this.#asking = undefined
    }
  }

  /** Clients take no record that the one after it does not name. */
  #linkedTo(newest: EpochRecord): EpochRecord[] {
    const before: EpochRecord[] = []
    for (let after = newest; before.length < MAX_RECORDS_BEFORE; ) {
      const earlier = this.#certs.get(after.e - 1)?.record
      if (earlier === undefined || !sameBytes(recordHash(earlier), after.prevHash)) break
      before.push(earlier)
      after = earlier
    }
    return before
  }
}

/** Epoch 0 first: without it a client that knows the network's id alone believes nothing. */
function epochsFor({ e }: EpochRecord): number[] {
  const before = Array.from({ length: Math.min(e, MAX_RECORDS_BEFORE) }, (_, at) => e - 1 - at)
  return e === 0 ? [] : [0, ...before.filter((earlier) => earlier > 0)]
}
