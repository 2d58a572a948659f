import type { Log } from '../log.ts'
import { DirectoryError } from './directory.ts'

const REPUBLISH_MS = 20 * 60_000 // servers forget, and records end (07 §3.3)
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000

export interface RepublishInit {
  /** Publishes what is to be published now. Throws `DirectoryError` when it has to be tried again. */
  publish(signal: AbortSignal): Promise<void>
  /** Whether any server is known. */
  isReady(): boolean
  readonly log: Log
}

/** Publishes at start, every 20 min, and when it is told to; what failed is tried again, more and more slowly. */
export class Republish {
  readonly #init: RepublishInit
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #retryMs = FIRST_RETRY_MS
  #isBusy = false
  #isAgain = false
  #isStarted = false

  constructor(init: RepublishInit) {
    this.#init = init
  }

  start(): void {
    this.#isStarted = true
    this.refresh()
  }

  stop(): void {
    this.#isStarted = false
    this.#stopping.abort()
    clearTimeout(this.#timer)
  }

  /** Publishes anew, soon. */
  refresh(): void {
    if (!this.#isStarted) return
    if (this.#isBusy) this.#isAgain = true
    else void this.#run()
  }

  async #run(): Promise<void> {
    this.#isBusy = true
    clearTimeout(this.#timer)
    let delay = FIRST_RETRY_MS
    try {
      if (this.#init.isReady()) {
        await this.#init.publish(this.#stopping.signal)
        delay = REPUBLISH_MS
        this.#retryMs = FIRST_RETRY_MS
      }
    } catch (error) {
      const reason =
        error instanceof DirectoryError ? error.code : error instanceof Error ? error.name : ''
      this.#init.log.warn('record-unpublished', { reason })
      delay = this.#retryMs
      this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2)
    } finally {
      this.#isBusy = false
    }
    if (!this.#isStarted) return
    const wait = this.#isAgain && delay === REPUBLISH_MS ? FIRST_RETRY_MS : delay
    this.#isAgain = false
    this.#timer = setTimeout(() => this.refresh(), wait)
  }
}
