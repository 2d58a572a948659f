import type { PeerName } from '../channels/links.ts'

export interface RedialTimings {
  readonly firstMs: number
  readonly maxMs: number
  /** Share of a delay by which it is shortened or lengthened, so that nodes do not move in step. */
  readonly jitter: number
  readonly dialMs: number
  /** A link that lived so long resets the delay. */
  readonly steadyMs: number
}

/** Of 07 §3.6. */
export const REDIAL_TIMINGS: RedialTimings = {
  firstMs: 1_000,
  maxMs: 60_000,
  jitter: 0.25,
  dialMs: 10_000,
  steadyMs: 30_000,
}

const MAX_DIALS = 4 // at once: a dial costs a handshake on both sides

/** A wanted peer, or an address whose peer is not known yet. */
export type RedialTarget = { readonly peer: PeerName } | { readonly address: string }

export interface Redialling {
  /** Tries to reach the target; false or a throw: not reached. */
  reach(target: RedialTarget, signal: AbortSignal): Promise<boolean>
  /** Whether there is nothing to do for it now. */
  isReached(target: RedialTarget): boolean
  /** `reach` threw: a defect, for what cannot be reached is no error. */
  failed(error: unknown): void
  /** A number in [0, 1). */
  random(): number
}

interface Entry {
  readonly target: RedialTarget
  attempts: number
  isBusy: boolean
  isAgain: boolean // asked for while busy
  upSince: number | undefined
  notBefore: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Tries for ever to reach every wanted peer and bootstrap address: libp2p retries a few times and then
 * forgets (07 §3.6). At once, then 1 s × 2 up to 60 s; at most four at a time.
 */
export class Redial {
  readonly #work: Redialling
  readonly #timings: RedialTimings
  readonly #entries = new Map<string, Entry>()
  readonly #ready: Entry[] = []
  readonly #stopping = new AbortController()
  #running = 0
  #isStarted = false

  constructor(work: Redialling, timings: RedialTimings = REDIAL_TIMINGS) {
    this.#work = work
    this.#timings = timings
  }

  start(): void {
    this.#isStarted = true
    for (const entry of this.#entries.values()) this.#try(entry)
  }

  stop(): void {
    this.#isStarted = false
    this.#stopping.abort()
    for (const { timer } of this.#entries.values()) clearTimeout(timer)
    this.#ready.length = 0
  }

  /** Replaces the set of targets; those that stay keep their delay. */
  want(targets: readonly RedialTarget[]): void {
    const wanted = new Map(targets.map((target) => [keyOf(target), target]))
    for (const [key, entry] of this.#entries)
      if (!wanted.has(key)) {
        clearTimeout(entry.timer)
        this.#entries.delete(key)
      }
    for (const [key, target] of wanted) {
      if (this.#entries.has(key)) continue
      const entry: Entry = {
        target,
        attempts: 0,
        isBusy: false,
        isAgain: false,
        upSince: undefined,
        notBefore: Number.NEGATIVE_INFINITY,
        timer: undefined,
      }
      this.#entries.set(key, entry)
      if (this.#isStarted) this.#try(entry)
    }
  }

  /** The target was reached. When it was the first, all others are tried at once. */
  reached(target: RedialTarget): void {
    const entry = this.#entries.get(keyOf(target))
    if (entry === undefined) return
    const wasAlone = ![...this.#entries.values()].some(({ upSince }) => upSince !== undefined)
    entry.upSince ??= performance.now()
    clearTimeout(entry.timer)
    if (wasAlone) for (const other of this.#entries.values()) this.#tryNow(other)
  }

  /** The target was lost: try at once, and go on slowly if it had been up for a moment only. */
  lost(target: RedialTarget): void {
    const entry = this.#entries.get(keyOf(target))
    if (entry === undefined) return
    const { upSince } = entry
    entry.upSince = undefined
    const wasSteady = upSince !== undefined && performance.now() - upSince >= this.#timings.steadyMs
    if (wasSteady) this.#tryNow(entry)
    else this.#schedule(entry)
  }

  /** New addresses are known: no reason to wait. */
  hint(target: RedialTarget): void {
    const entry = this.#entries.get(keyOf(target))
    if (entry !== undefined) this.#tryNow(entry)
  }

  /** Leaves the target alone for a while. */
  defer(target: RedialTarget, ms: number): void {
    const entry = this.#entries.get(keyOf(target))
    if (entry === undefined) return
    entry.notBefore = performance.now() + ms
    this.#schedule(entry)
  }

  #tryNow(entry: Entry): void {
    entry.attempts = 0
    clearTimeout(entry.timer)
    this.#try(entry)
  }

  #try(entry: Entry): void {
    if (!this.#isStarted || this.#work.isReached(entry.target)) return
    if (performance.now() < entry.notBefore) {
      this.#schedule(entry)
      return
    }
    if (entry.isBusy) {
      entry.isAgain = true
      return
    }
    entry.isBusy = true
    this.#ready.push(entry)
    this.#next()
  }

  #next(): void {
    while (this.#running < MAX_DIALS) {
      const entry = this.#ready.shift()
      if (entry === undefined) return
      this.#running++
      void this.#run(entry)
    }
  }

  async #run(entry: Entry): Promise<void> {
    const deadline = AbortSignal.timeout(this.#timings.dialMs)
    const signal = AbortSignal.any([deadline, this.#stopping.signal])
    try {
      await this.#work.reach(entry.target, signal)
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#work.failed(error)
    } finally {
      this.#running--
      entry.isBusy = false
      const isAgain = entry.isAgain
      entry.isAgain = false
      if (isAgain) this.#try(entry)
      else this.#schedule(entry)
      this.#next()
    }
  }

  /** Also after a dial that resolved: only a hello proves a link (07 §2.4). */
  #schedule(entry: Entry): void {
    clearTimeout(entry.timer)
    if (!this.#isStarted || this.#entries.get(keyOf(entry.target)) !== entry) return
    const { firstMs, maxMs, jitter } = this.#timings
    const base = Math.min(maxMs, firstMs * 2 ** Math.min(entry.attempts++, 16))
    const delay = base * (1 + jitter * (2 * this.#work.random() - 1))
    const wait = Math.max(delay, entry.notBefore - performance.now())
    entry.timer = setTimeout(() => this.#try(entry), wait)
  }
}

const keyOf = (target: RedialTarget): string => ('peer' in target ? target.peer : target.address)
