/** Letters for one guest while they wait: a whole START with the keys of a large committee, in parts. */
export const MAX_WAITING_BYTES: number = 16 << 20
/** Letters are sent again by their authors every two seconds: an older one is of no use. */
export const MAX_AGE_MS = 20_000

export type DropReason = 'full' | 'late' | 'lost'

interface Waiting {
  readonly bytes: Uint8Array
  readonly at: number
}

/** Letters for one guest in their order. What is too many or too old goes, the oldest first, and is counted. */
export class LetterQueue {
  readonly #dropped: (reason: DropReason, count: number) => void
  readonly #now: () => number
  readonly #maxBytes: number
  #letters: Waiting[] = []
  #bytes = 0
  #wake: (() => void) | undefined

  /** `now`: monotonic ms. */
  constructor(
    dropped: (reason: DropReason, count: number) => void,
    now: () => number,
    maxBytes: number = MAX_WAITING_BYTES,
  ) {
    this.#dropped = dropped
    this.#now = now
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#letters.length
  }

  get bytes(): number {
    return this.#bytes
  }

  add(bytes: Uint8Array): void {
    this.#letters.push({ bytes, at: this.#now() })
    this.#bytes += bytes.length
    let full = 0
    while (this.#bytes > this.#maxBytes && this.#letters.length > 1) {
      this.#shift()
      full++
    }
    if (full > 0) this.#dropped('full', full)
    this.#wake?.()
  }

  /** The next that is not too old; undefined when there is none. */
  take(): Uint8Array | undefined {
    this.expire()
    return this.#shift()
  }

  /** Forgets what is too old. */
  expire(): void {
    const oldest = this.#now() - MAX_AGE_MS
    let late = 0
    while ((this.#letters[0]?.at ?? oldest) < oldest) {
      this.#shift()
      late++
    }
    if (late > 0) this.#dropped('late', late)
  }

  /** Resolves true once there is something to take, false at the signal. */
  async waiting(signal: AbortSignal): Promise<boolean> {
    if (this.#letters.length > 0) return true
    if (signal.aborted) return false
    const woken = Promise.withResolvers<void>()
    const wake = () => woken.resolve()
    this.#wake = wake
    signal.addEventListener('abort', wake, { once: true })
    await woken.promise
    signal.removeEventListener('abort', wake)
    this.#wake = undefined
    return this.#letters.length > 0
  }

  #shift(): Uint8Array | undefined {
    const first = this.#letters.shift()
    this.#bytes -= first?.bytes.length ?? 0
    return first?.bytes
  }
}
