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
   * `urgent`: requests that come next pay for it themselves, and more, if it does not run now. It goes before all
   * others, and live requests hold it up for a moment only. `spare`: it runs when no request is live, or never.
   * Asked again whenever something may start, and when the job is offered again.
   */
  readonly urgency?: 'urgent' | 'spare' | undefined
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
/** The same of what is urgent: as fast as the shares of processor and network allow, and not all at once. */
const URGENT_MS = 20
/** Who was put off asks again sooner: it wants its turn so long. */
const ASKS_MS = 2_000
/** For those that are no members, and at the end. */
const NEVER_MS = 60_000
/** Nodes that were started together do not refill together. */
const JITTER_MS = 40

export interface BackgroundInit {
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

/** When the last one began, in monotonic ms. */
interface Last {
  any: number
  urgent: number
}

interface Opener {
  readonly share: Share
  readonly admittedAt: Last
  /** When it last asked, in monotonic ms. */
  askedAt: number
}

const never = (): Last => ({ any: Number.NEGATIVE_INFINITY, urgent: Number.NEGATIVE_INFINITY })

/**
 * Work that no request waits for: it starts only while no request is live, within a share of the
 * processor and of the network. Kinds take turns, and jobs of one kind start in the order in which they were
 * offered, so that whoever offers its next job after the last one ran comes after all others. What other guests
 * begin with this one takes turns with the own work, and none of them has more than an equal part of the share;
 * of what is urgent here it has more while others leave half of what may be saved up.
 */
export class Background {
  readonly #init: BackgroundInit
  readonly #share: Share
  /** What each of the others may cost: nobody can use up the share of all. */
  #openers: ReadonlyMap<PartyIndex, Opener> = new Map()
  readonly #stop = new AbortController()
  readonly #queues: Readonly<Record<BackgroundKind, Queue>>
  readonly #running = new Set<string>()
  #last: BackgroundKind | undefined
  #live = 0
  /** Since when the live requests hold up everything else, and what got through since: ours, and others'. */
  #liveSince: number
  readonly #startedAt: Last = never()
  readonly #admittedAt: Last = never()
  /** Another guest's work began since the last of our own did. */
  #ownTurn = false
  #disarm: (() => void) | undefined

  constructor(init: BackgroundInit) {
    this.#init = init
    const now = init.clock.monotonicMs()
    const empty = (): Queue => ({ waiting: [], running: 0 })
    this.#queues = { correlations: empty(), keys: empty(), presignatures: empty() }
    this.#share = new Share(init.settings, 1, now)
    this.#liveSince = now
  }

  /** Guests that may ask this one to take part in their work; whoever was among them before begins anew. */
  meet(peers: readonly PartyIndex[]): void {
    if (peers.length === this.#openers.size && peers.every((peer) => this.#openers.has(peer)))
      return
    const { settings } = this.#init
    const now = this.#now
    this.#openers = new Map(
      peers.map((peer) => [
        peer,
        {
          share: new Share(settings, 1 / peers.length, now),
          admittedAt: never(),
          askedAt: Number.NEGATIVE_INFINITY,
        },
      ]),
    )
  }

  /** False when its key waits or runs already, when too much of its kind waits, or at the end. */
  offer(job: BackgroundJob): boolean {
    const { waiting } = this.#queues[job.kind]
    if (this.#stop.signal.aborted || waiting.length >= MAX_WAITING) return false
    const isNew = !this.#running.has(job.key) && !waiting.some(({ key }) => key === job.key)
    if (isNew) waiting.push(job)
    if (job.urgency === 'urgent') this.#reschedule()
    else if (isNew) this.#schedule()
    return isNew
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

  /** Whether requests are live. */
  get isLive(): boolean {
    return this.#live > 0
  }

  /** While it is true, what is not urgent and another guest wants to make ahead with this one is not begun. */
  get busy(): boolean {
    return this.#stop.signal.aborted || this.#wait(this.#admittedAt, false) > 0
  }

  /**
   * The job of `from`, in which this guest takes part. Undefined when it may not begin now: its opener has had
   * its part, or the own work is next. Else it is paid for, and what is returned is called once, at its end,
   * with what it took: what it did not is given back to all but to its opener, which asked for it.
   * `isUrgent`: this guest is about to miss what comes of it; then it need not wait for turns.
   */
  admit(from: PartyIndex, cost: Cost, isUrgent = false): ((took: Cost) => void) | undefined {
    const opener = this.#openers.get(from)
    if (opener === undefined) return undefined
    const now = this.#now
    opener.askedAt = now
    if (this.admittedIn(from, cost, isUrgent) > 0) return undefined
    const isPart = opener.share.wait(now, cost) === 0 // what is more than its part leaves no debt
    this.#share.take(cost, now)
    if (isPart) opener.share.take(cost, now)
    const pace = isUrgent ? 'urgent' : 'any'
    opener.admittedAt[pace] = now
    this.#admittedAt[pace] = now
    this.#ownTurn = true
    return (took) => {
      const more = { bytes: took.bytes - cost.bytes, cpuMs: took.cpuMs - cost.cpuMs }
      this.#share.take(more, this.#now)
      const above = { bytes: Math.max(0, more.bytes), cpuMs: Math.max(0, more.cpuMs) }
      if (isPart) opener.share.take(above, this.#now)
      this.#reschedule()
    }
  }

  /**
   * Milliseconds until `admit` may take this job of `from`, if nothing else comes; 0 when it may now. A job that
   * sends next to nothing does not wait for what its opener has sent, and so for the processor.
   */
  admittedIn(from: PartyIndex, cost: Cost, isUrgent: boolean): number {
    const opener = this.#openers.get(from)
    if (opener === undefined || this.#stop.signal.aborted) return NEVER_MS
    const now = this.#now
    const turns = isUrgent ? 1 : this.#askers
    const mayExceed = isUrgent && this.#share.isHalfFull(now)
    const wait = Math.max(
      this.#wait(this.#admittedAt, isUrgent),
      mayExceed ? 0 : opener.share.wait(now, cost),
      this.#held(opener.admittedAt, turns, isUrgent),
    )
    const isOwnTurn = !isUrgent && this.#ownTurn && this.#startable().length > 0
    return Math.max(wait, isOwnTurn ? STARVED_MS : 0)
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
  #wait(last: Last, isUrgent: boolean): number {
    return Math.max(this.#held(last, 1, isUrgent), this.#share.wait(this.#now))
  }

  /** Milliseconds for which live requests hold up what takes each of `turns`, and last did at `last`. */
  #held(last: Last, turns: number, isUrgent: boolean): number {
    if (this.#live === 0) return 0
    const pause = isUrgent ? URGENT_MS : STARVED_MS
    const before = isUrgent ? last.urgent : last.any
    const next = Math.max(this.#liveSince + pause, before + turns * pause)
    return Math.max(0, next - this.#now)
  }

  /** Of the others, those that want turns: who does not ask leaves its own to the rest. */
  get #askers(): number {
    const since = this.#now - ASKS_MS
    return Math.max(1, [...this.#openers.values()].filter(({ askedAt }) => askedAt >= since).length)
  }

  /** Kinds of which a job may start, the next one first. */
  #startable(): BackgroundKind[] {
    const after = this.#last === undefined ? 0 : ORDER.indexOf(this.#last) + 1
    return [...ORDER.slice(after), ...ORDER.slice(0, after)].filter((kind) => {
      const { waiting, running } = this.#queues[kind]
      return running < MAX_RUNNING && waiting.some((job) => this.#mayRun(job))
    })
  }

  /** What is to spare runs when nobody wants anything. */
  #mayRun({ urgency }: BackgroundJob): boolean {
    return urgency !== 'spare' || this.#live === 0
  }

  /** The job that starts next: an urgent one, or the first of the kind whose turn it is. */
  get #next(): BackgroundJob | undefined {
    const jobs = this.#startable().map((kind) => this.#queues[kind].waiting)
    const isUrgent = ({ urgency }: BackgroundJob): boolean => urgency === 'urgent'
    const [first] = jobs
    return (
      jobs.flat().find(isUrgent) ??
      first?.find(({ urgency }) => urgency === undefined) ??
      first?.find((job) => this.#mayRun(job))
    )
  }

  /** What the next start waits for has changed. */
  #reschedule(): void {
    this.#disarm?.()
    this.#disarm = undefined
    this.#schedule()
  }

  #schedule(): void {
    if (this.#disarm !== undefined || this.#stop.signal.aborted) return
    const next = this.#next
    if (next === undefined) return
    const [byte = 0] = this.#init.random(1)
    const delay = this.#waitFor(next) + (byte * JITTER_MS) / 256
    this.#disarm = this.#init.clock.after(Math.ceil(delay), () => {
      this.#disarm = undefined
      const job = this.#next
      if (job !== undefined && this.#waitFor(job) === 0) this.#start(job)
      this.#schedule()
    })
  }

  #waitFor({ urgency }: BackgroundJob): number {
    return this.#wait(this.#startedAt, urgency === 'urgent')
  }

  #start(job: BackgroundJob): void {
    const { kind } = job
    const queue = this.#queues[kind]
    queue.waiting = queue.waiting.filter((other) => other !== job)
    this.#running.add(job.key)
    queue.running += 1
    this.#last = kind
    this.#share.take(job, this.#now)
    this.#startedAt[job.urgency === 'urgent' ? 'urgent' : 'any'] = this.#now
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
