import type { Random } from '../../../protocols/crypto/random.ts'
import { ProtocolError } from '../../../protocols/session/faults.ts'
import type { Clock } from '../sessions/clock.ts'
import type { GuestSettings } from '../settings.ts'
import { TokenBucket } from './token-bucket.ts'

/** What a piece of work costs this guest: bytes that it sends, and time in which it holds the main loop. */
export interface Cost {
  readonly bytes: number
  readonly cpuMs: number
}

/** Something made ahead of any request. */
export interface BackgroundJob extends Cost {
  /** What it is for: of one key, one job waits or runs at a time. */
  readonly key: string
  /**
   * `signal` ends with the guest. Whoever knows better than `bytes` and `cpuMs` what the work took says so
   * with `spent`, as often as it likes: the sum then counts in their place.
   */
  run(signal: AbortSignal, spent: (cost: Partial<Cost>) => void): Promise<void>
}

/** Jobs that wait; more keys than there are pairs, hot keys and pools. */
const MAX_WAITING = 1024
/** Jobs that run: most of a job's time is the network's, and one slow peer must not hold up the others. */
const MAX_RUNNING = 4
/** What may be saved up while nothing is to do: two batches of correlations, then the share holds. */
const SAVED_MS = 1_000
/** A guest that is never idle starts one job, and joins one of another guest, in so long. */
const STARVED_MS = 250
/** Nodes that were started together do not refill together. */
const JITTER_MS = 40
const BYTES_PER_MBIT = 125_000

export interface BackgroundInit {
  readonly settings: GuestSettings['background']
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>
  readonly random: Random
  /** A defect of a job. Faults of parties are not told: their sessions were settled. */
  readonly onError: (error: unknown) => void
}

/**
 * Work that no request waits for: it starts only while no request is live, within a share of the
 * processor and of the network. Jobs start in the order in which they were offered, so that whoever offers
 * its next job after the last one ran comes after all others.
 */
export class Background {
  readonly #init: BackgroundInit
  readonly #cpu: TokenBucket
  readonly #bytes: TokenBucket
  readonly #stop = new AbortController()
  #waiting: BackgroundJob[] = []
  readonly #running = new Set<string>()
  #live = 0
  /** Since when the live requests hold up everything else, and what got through since: ours, and others'. */
  #liveSince: number
  #startedAt = Number.NEGATIVE_INFINITY
  #admittedAt = Number.NEGATIVE_INFINITY
  #disarm: (() => void) | undefined

  constructor(init: BackgroundInit) {
    this.#init = init
    const now = init.clock.monotonicMs()
    const { cpuPercent, mbitPerSecond } = init.settings
    const bytesPerMs = (mbitPerSecond * BYTES_PER_MBIT) / 1000
    this.#cpu = new TokenBucket(cpuPercent / 100, (cpuPercent / 100) * SAVED_MS, now)
    this.#bytes = new TokenBucket(bytesPerMs, bytesPerMs * SAVED_MS, now)
    this.#liveSince = now
  }

  /** False when its key waits or runs already, when too much waits, or at the end. */
  offer(job: BackgroundJob): boolean {
    if (this.#stop.signal.aborted || this.#waiting.length >= MAX_WAITING) return false
    if (this.has(job.key)) return false
    this.#waiting.push(job)
    this.#schedule()
    return true
  }

  /** Whether a job with this key waits or runs. */
  has(key: string): boolean {
    return this.#running.has(key) || this.#waiting.some((waiting) => waiting.key === key)
  }

  /** A request is live until the returned function is called: meanwhile nothing starts, or little. */
  requestBegan(): () => void {
    if (this.#live++ === 0) this.#liveSince = this.#now
    this.#reschedule()
    let over = false
    return () => {
      if (over) return
      over = true
      this.#live -= 1
      this.#reschedule()
    }
  }

  /** While it is true, what another guest wants to make ahead with this one is not begun. */
  get busy(): boolean {
    return this.#stop.signal.aborted || this.#wait(this.#admittedAt) > 0
  }

  /** Another guest's job, in which this one takes part: true when it may begin now; then it is paid for. */
  admit({ bytes, cpuMs }: Cost): boolean {
    if (this.busy) return false
    this.#pay({ bytes, cpuMs })
    this.#admittedAt = this.#now
    return true
  }

  /** Nothing starts any more, and what runs is told to end. */
  close(): void {
    this.#waiting = []
    this.#disarm?.()
    this.#disarm = undefined
    this.#stop.abort()
  }

  get #now(): number {
    return this.#init.clock.monotonicMs()
  }

  /** Milliseconds until something may start, if the last of its kind did at `last`. */
  #wait(last: number): number {
    const now = this.#now
    const since = Math.max(this.#liveSince, last)
    const held = this.#live > 0 ? Math.max(0, since + STARVED_MS - now) : 0
    return Math.max(held, this.#cpu.wait(now), this.#bytes.wait(now))
  }

  #pay({ bytes, cpuMs }: Cost): void {
    const now = this.#now
    this.#bytes.take(bytes, now)
    this.#cpu.take(cpuMs, now)
  }

  /** What the next start waits for has changed. */
  #reschedule(): void {
    this.#disarm?.()
    this.#disarm = undefined
    this.#schedule()
  }

  #schedule(): void {
    if (this.#disarm !== undefined || this.#stop.signal.aborted) return
    if (this.#waiting.length === 0 || this.#running.size >= MAX_RUNNING) return
    const [byte = 0] = this.#init.random(1)
    const delay = this.#wait(this.#startedAt) + (byte * JITTER_MS) / 256
    this.#disarm = this.#init.clock.after(Math.ceil(delay), () => {
      this.#disarm = undefined
      if (this.#wait(this.#startedAt) === 0) this.#start()
      this.#schedule()
    })
  }

  #start(): void {
    const job = this.#waiting.shift()
    if (job === undefined) return
    this.#running.add(job.key)
    this.#pay(job)
    this.#startedAt = this.#now
    void this.#run(job).finally(() => {
      this.#running.delete(job.key)
      this.#reschedule()
    })
  }

  async #run(job: BackgroundJob): Promise<void> {
    const { signal } = this.#stop
    let told = false
    const sum = { bytes: 0, cpuMs: 0 }
    try {
      await job.run(signal, ({ bytes = 0, cpuMs = 0 }) => {
        told = true
        sum.bytes += bytes
        sum.cpuMs += cpuMs
      })
    } catch (error) {
      if (!(error instanceof ProtocolError) && error !== signal.reason) this.#init.onError(error)
    }
    if (told) this.#pay({ bytes: sum.bytes - job.bytes, cpuMs: sum.cpuMs - job.cpuMs })
  }
}
