import type { GuestSettings } from '../settings.ts'
import { TokenBucket } from './token-bucket.ts'

/** What a piece of work costs this guest: bytes that it sends, and time in which it holds the main loop. */
export interface Cost {
  readonly bytes: number
  readonly cpuMs: number
}

/** What may be saved up while nothing is to do: two batches of correlations, then the share holds. */
const SAVED_MS = 1_000
const BYTES_PER_MBIT = 125_000

/** A part of what background work may cost, of the processor and of the network. */
export class Share {
  readonly #cpu: TokenBucket
  readonly #bytes: TokenBucket

  /** `part`: 1 is all that the settings allow. */
  constructor(settings: GuestSettings['background'], part: number, now: number) {
    const { cpuPercent, mbitPerSecond } = settings
    const cpuPerMs = (part * cpuPercent) / 100
    const bytesPerMs = (part * mbitPerSecond * BYTES_PER_MBIT) / 1000
    this.#cpu = new TokenBucket(cpuPerMs, cpuPerMs * SAVED_MS, now)
    this.#bytes = new TokenBucket(bytesPerMs, bytesPerMs * SAVED_MS, now)
  }

  /** Milliseconds until this may be taken of both, or anything; 0 when it may now. All work waits for the processor. */
  wait(now: number, cost?: Pick<Cost, 'bytes'>): number {
    return Math.max(this.#cpu.wait(now), this.#bytes.wait(now, cost?.bytes))
  }

  /** Whether half of what may be saved up is there, of both: nobody needs as much as there is. */
  isHalfFull(now: number): boolean {
    return this.#cpu.isHalfFull(now) && this.#bytes.isHalfFull(now)
  }

  /** Takes, also more than there is; what is negative is given back. */
  take({ bytes, cpuMs }: Cost, now: number): void {
    this.#bytes.take(bytes, now)
    this.#cpu.take(cpuMs, now)
  }
}
