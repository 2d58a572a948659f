import type { Answer } from './reply.ts'

/** How long after its expiry a request still gets the answer it got (05 §3.5). */
export const ANSWER_KEPT_MS: number = 24 * 3_600_000
const MAX_ANSWERS = 10_000 // in memory, as the guests' own results: after a restart of both, only the record that it was signed is left
const MAX_ANSWER_CHARS = 64 * 1_048_576 // the longest answers are raw transactions of some 500 KiB

interface Kept {
  readonly bytesKey: string
  readonly answer: Answer
  readonly until: number
  readonly size: number
}

/** The answers a node gave, so that a repeat gets the same bytes: by request id, and by the exact bytes asked. */
export class Answers {
  readonly #byRequest = new Map<string, Kept>()
  readonly #byBytes = new Map<string, string>()
  #chars = 0

  /** `now` and `expires` in unix milliseconds; `bytesKey` names the exact request, proofs included. */
  keep(
    requestId: string,
    bytesKey: string,
    answer: Answer,
    times: { now: number; expires: number },
  ): void {
    this.#drop(requestId)
    const size = JSON.stringify(answer).length
    const until = times.expires + ANSWER_KEPT_MS
    this.#byRequest.set(requestId, { bytesKey, answer, until, size })
    this.#byBytes.set(bytesKey, requestId)
    this.#chars += size
    for (const [oldest, kept] of this.#byRequest) {
      const over = this.#byRequest.size > MAX_ANSWERS || this.#chars > MAX_ANSWER_CHARS
      if (!over && kept.until > times.now) break
      this.#drop(oldest)
    }
  }

  ofRequest(requestId: string, now: number): Answer | undefined {
    const kept = this.#byRequest.get(requestId)
    if (kept === undefined) return undefined
    if (kept.until > now) return kept.answer
    this.#drop(requestId)
    return undefined
  }

  /** The answer to these very bytes: who sends them again had a valid proof the first time. */
  ofBytes(bytesKey: string, now: number): Answer | undefined {
    const requestId = this.#byBytes.get(bytesKey)
    return requestId === undefined ? undefined : this.ofRequest(requestId, now)
  }

  get size(): number {
    return this.#byRequest.size
  }

  #drop(requestId: string): void {
    const kept = this.#byRequest.get(requestId)
    if (kept === undefined) return
    this.#byRequest.delete(requestId)
    this.#byBytes.delete(kept.bytesKey)
    this.#chars -= kept.size
  }
}
