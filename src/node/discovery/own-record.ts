import type { Log } from '../log.ts'
import type { Directory } from './directory.ts'
import type { SignNodeRecord } from './node-records.ts'
import { Republish } from './republish.ts'

const TTL_MS = 2 * 60 * 60_000 // the longest that validators accept
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
  readonly #republish: Republish
  #published = '' // addresses of the last record

  constructor(init: OwnRecordInit) {
    this.#init = init
    this.#republish = new Republish({
      publish: (signal) => this.#publish(signal),
      isReady: init.isReady,
      log: init.log,
    })
  }

  start(): void {
    this.#republish.start()
  }

  stop(): void {
    this.#republish.stop()
  }

  /** Addresses changed, a first peer came: publishes unless the record of now is out already. */
  changed(): void {
    if (this.#init.addresses().join() !== this.#published) this.refresh()
  }

  /** Publishes anew, soon. */
  refresh(): void {
    this.#republish.refresh()
  }

  async #publish(stopping: AbortSignal): Promise<void> {
    const { key, peerId, gateway, directory, sign, now, log } = this.#init
    const multiaddrs = this.#init.addresses().slice(0, MAX_ADDRESSES)
    const seq = Math.max(this.#init.highest() + 1, now())
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(SIGN_MS)])
    const bytes = await sign(
      { peerId, multiaddrs, gateway, seq, expiresAt: now() + TTL_MS },
      signal,
    )
    const count = await directory.publish({ key, bytes })
    this.#published = this.#init.addresses().join()
    log.info('record-published', { count })
  }
}
