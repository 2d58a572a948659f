import type { Random } from '../../../protocols/crypto/random.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import type { Clock } from '../sessions/clock.ts'
import type { GuestSettings } from '../settings.ts'
import { type Cost, Share } from './share.ts'

export type { Cost } from './share.ts'

/** Their turns come round in this order, whatever waits of each. */
const ORDER = ['correlations', 'keys', 'presignatures'] as const
export type BackgroundKind = (typeof ORDER)[number]

/** Something made ahead of any request. */
export interface BackgroundJob extends Cost {
  readonly kind: BackgroundKind
  /** What it is for: of one key, one job waits or runs at a time. */
  readonly key: string
  /**
   * `signal` ends with the guest. Whoever knows better than `bytes` and `cpuMs` what the work took says so
   * with `spent`, as often as it likes: the sum then counts in their place.
   */
  run(signal: AbortSignal, spent: (cost: Partial<Cost>) => void): Promise<void>
}

/** Jobs of one kind that wait; who finds no room comes again. */
const MAX_WAITING = 1024
/** Jobs of one kind that run: most of a job's time is the network's, and one slow peer must not hold up the others. */
const MAX_RUNNING = 4
/** A guest that is never idle starts one job, and joins one of other guests, in so long. */
const STARVED_MS = 250
/** Nodes that were started together do not refill together. */
const JITTER_MS = 40

export interface BackgroundInit {
  /** Guests that may ask this one to take part in their work. */
  readonly peers: readonly PartyIndex[]
  readonly settings: GuestSettings['background']
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>
  readonly random: Random
  /** A defect of a job. Faults of parties are not told: their sessions were settled. */
  readonly onError: (error: unknown) => void
}

interface Queue {
  waiting: BackgroundJob[]
  running: number
}

interface Opener {
  readonly share: Share
  admittedAt: number
}

/**
 * Work that no request waits for: it starts only while no request is live, within a share of the
 * processor and of the network. Kinds take turns, and jobs of one kind start in the order in which they were
 * offered, so that whoever offers its next job after the last one ran comes after all others. What other guests
 * begin with this one takes turns with the own work, and none of them has more than an equal part of the share.
 */
export class Background {
  readonly #init: BackgroundInit
  readonly #share: Share
  /** What each of the others may cost: nobody can use up the share of all. */
  readonly #openers: ReadonlyMap<PartyIndex, Opener>
  readonly #stop = new AbortController()
  readonly #queues: Readonly<Record<BackgroundKind, Queue>>
  readonly #running = new Set<string>()
  #last: BackgroundKind | undefined
  #live = 0
  /** Since when the live requests hold up everything else, and what got through since: ours, and others'. */
  #liveSince: number
  #startedAt = Number.NEGATIVE_INFINITY
  #admittedAt = Number.NEGATIVE_INFINITY
  /** Another guest's work began since the last of our own did. */
  #ownTurn = false
  #disarm: (() => void) | undefined

  constructor(init: BackgroundInit) {
    this.#init = init
    const now = init.clock.monotonicMs()
    const empty = (): Queue => ({ waiting: [], running: 0 })
    this.#queues = { correlations: empty(), keys: empty(), presignatures: empty() }
    this.#share = new Share(init.settings, 1, now)
    this.#openers = new Map(
      init.peers.map((peer) => [
        peer,
        {
          share: new Share(init.settings, 1 / init.peers.length, now),
          admittedAt: Number.NEGATIVE_INFINITY,
        },
      ]),
    )
    this.#liveSince = now
  }

  /** False when its key waits or runs already, when too much of its kind waits, or at the end. */
  offer(job: BackgroundJob): boolean {
    const { waiting } = this.#queues[job.kind]
    if (this.#stop.signal.aborted || waiting.length >= MAX_WAITING) return false
    if (this.#running.has(job.key) || waiting.some(({ key }) => key === job.key)) return false
    waiting.push(job)
    this.#schedule()
    return true
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

  /**
   * The job of `from`, in which this guest takes part. Undefined when it may not begin now: its opener has had
   * its part, or the own work is next. Else it is paid for, and what is returned is called once, at its end,
   * with what it took: what it did not is given back to all but to its opener, which asked for it.
   */
  admit(from: PartyIndex, cost: Cost): ((took: Cost) => void) | undefined {
    const opener = this.#openers.get(from)
    if (opener === undefined || this.busy) return undefined
    if (this.#ownTurn && this.#startable().length > 0) return undefined
    const now = this.#now
    if (opener.share.wait(now) > 0 || this.#held(opener.admittedAt, this.#openers.size) > 0)
      return undefined
    this.#share.take(cost, now)
    opener.share.take(cost, now)
    opener.admittedAt = now
    this.#admittedAt = now
    this.#ownTurn = true
    return (took) => {
      const more = { bytes: took.bytes - cost.bytes, cpuMs: took.cpuMs - cost.cpuMs }
      this.#share.take(more, this.#now)
      const above = { bytes: Math.max(0, more.bytes), cpuMs: Math.max(0, more.cpuMs) }
      opener.share.take(above, this.#now)
      this.#reschedule()
    }
  }

  /** Nothing starts any more, and what runs is told to end. */
  close(): void {
    for (const kind of ORDER) this.#queues[kind].waiting = []
    this.#disarm?.()
    this.#disarm = undefined
    this.#stop.abort()
  }

  get #now(): number {
    return this.#init.clock.monotonicMs()
  }

  /** Milliseconds until something may start, if the last of its kind did at `last`. */
  #wait(last: number): number {
    return Math.max(this.#held(last, 1), this.#share.wait(this.#now))
  }

  /** Milliseconds for which live requests hold up what takes each of `turns`, and last did at `last`. */
  #held(last: number, turns: number): number {
    if (this.#live === 0) return 0
    const next = Math.max(this.#liveSince + STARVED_MS, last + turns * STARVED_MS)
    return Math.max(0, next - this.#now)
  }

  /** Kinds of which a job may start, the next one first. */
  #startable(): BackgroundKind[] {
    const after = this.#last === undefined ? 0 : ORDER.indexOf(this.#last) + 1
    return [...ORDER.slice(after), ...ORDER.slice(0, after)].filter((kind) => {
      const { waiting, running } = this.#queues[kind]
      return waiting.length > 0 && running < MAX_RUNNING
    })
  }

  /** What the next start waits for has changed. */
  #reschedule(): void {
    this.#disarm?.()
    this.#disarm = undefined
    this.#schedule()
  }

  #schedule(): void {
    if (this.#disarm !== undefined || this.#stop.signal.aborted) return
    if (this.#startable().length === 0) return
    const [byte = 0] = this.#init.random(1)
    const delay = this.#wait(this.#startedAt) + (byte * JITTER_MS) / 256
    this.#disarm = this.#init.clock.after(Math.ceil(delay), () => {
      this.#disarm = undefined
      if (this.#wait(this.#startedAt) === 0) this.#start()
      this.#schedule()
    })
  }

  #start(): void {
    const [kind] = this.#startable()
    if (kind === undefined) return
    const queue = this.#queues[kind]
    const job = queue.waiting.shift()
    if (job === undefined) return
    this.#running.add(job.key)
    queue.running += 1
    this.#last = kind
    this.#share.take(job, this.#now)
    this.#startedAt = this.#now
    this.#ownTurn = false
    void this.#run(job).finally(() => {
      this.#running.delete(job.key)
      queue.running -= 1
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
    if (!told) return
    const more = { bytes: sum.bytes - job.bytes, cpuMs: sum.cpuMs - job.cpuMs }
    this.#share.take(more, this.#now)
  }
}
