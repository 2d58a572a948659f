import type { Log } from '../log.ts'
import { type Directory, DirectoryError } from './directory.ts'
import type { SignNodeRecord } from './node-records.ts'

const REPUBLISH_MS = 20 * 60_000 // records live two hours, and servers forget
const TTL_MS = 2 * 60 * 60_000 // the longest that validators accept
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
const SIGN_MS = 10_000
const MAX_ADDRESSES = 8

export interface OwnRecordInit {
  readonly key: string
  readonly peerId: string
  readonly gateway: string | null
  readonly directory: Directory
  readonly sign: SignNodeRecord
  readonly log: Log
  readonly now: () => number
  addresses(): readonly string[]
  /** The highest order known for the key: a restored node must not be shut out by its own past. */
  highest(): number
  /** Whether any server is known. */
  isReady(): boolean
}

/** Publishes where this node is reached: at start, every 20 min, and when something changed (07 §3.3). */
export class OwnRecord {
  readonly #init: OwnRecordInit
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #retryMs = FIRST_RETRY_MS
  #published = '' // addresses of the last record
  #isBusy = false
  #isAgain = false
  #isStarted = false

  constructor(init: OwnRecordInit) {
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

  /** Addresses changed, a first peer came: publishes unless the record of now is out already. */
  changed(): void {
    if (this.#init.addresses().join() !== this.#published) this.refresh()
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
        await this.#publish()
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

  async #publish(): Promise<void> {
    const { key, peerId, gateway, directory, sign, now, log } = this.#init
    const multiaddrs = this.#init.addresses().slice(0, MAX_ADDRESSES)
    const seq = Math.max(this.#init.highest() + 1, now())
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(SIGN_MS)])
    const bytes = await sign(
      { peerId, multiaddrs, gateway, seq, expiresAt: now() + TTL_MS },
      signal,
    )
    const count = await directory.publish({ key, bytes })
    this.#published = this.#init.addresses().join()
    log.info('record-published', { count })
  }
}
