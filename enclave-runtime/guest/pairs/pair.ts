import type { PairSetup } from '../../../protocols/pair-setup/set-up-pair.ts'
import type { Guest } from '../../../protocols/session/guest.ts'
import type { PairState } from '../../port/messages.ts'
import type { Session } from '../sessions/session.ts'

/** When a setup is too old, or too much used, to be used again (02 §2.7). */
export interface SetupLimits {
  readonly ageMs: number
  /** Executions per direction: one of each in every signature. */
  readonly executions: number
}

const HOUR_MS = 3_600_000
const FIRST_BACKOFF_MS = 1_000
const MAX_BACKOFF_MS = 60_000
/** 02 §2.4: three failures of the PPRF check, and the pair rests for an hour. */
const MAX_PPRF_FAILURES = 3

/** lo's open, waiting at hi for a free slot. */
export interface Asked {
  readonly instanceId: Uint8Array
  readonly attempt: number
  readonly nonce: Uint8Array
  readonly at: number
}

/** What this guest knows about its setup with one peer. Times are monotonic milliseconds. */
export class Pair {
  readonly peer: Guest
  /** I am lo: I open, the peer accepts. */
  readonly lo: boolean
  up = false
  running = false
  /** The attempt that runs, once it has a session. */
  session: Session | undefined
  setup: PairSetup | undefined
  readySince = 0
  /** The accept came while two others ran: no failure of anyone. */
  crowded = false
  /** The last attempt that was run here. */
  lastInstance: Uint8Array | null = null
  asked: Asked | undefined
  attempt = 0
  /** No attempt of ours before. */
  notBefore = 0
  /** No further ask to lo before. */
  askAgainAt = 0
  suspendedUntil = 0
  /** In a row. */
  failures = 0
  #backoff = FIRST_BACKOFF_MS
  #pprfFailures = 0
  #executions = 0

  constructor(peer: Guest, lo: boolean) {
    this.peer = peer
    this.lo = lo
  }

  state(banned: boolean, now: number): PairState {
    if (banned) return 'banned'
    if (this.suspendedUntil > now) return 'suspended'
    if (this.setup !== undefined) return 'ready'
    if (this.running) return 'running'
    return this.up ? 'waiting' : 'none'
  }

  /** So many executions in each direction. */
  used(executions: number): void {
    this.#executions += executions
  }

  /** Whether the setup is too old, or was used too often (02 §2.7). */
  isWorn({ ageMs, executions }: SetupLimits, now: number): boolean {
    return now - this.readySince > ageMs || this.#executions >= executions
  }

  succeeded(now: number): void {
    this.readySince = now
    this.failures = 0
    this.#executions = 0
    this.#backoff = FIRST_BACKOFF_MS
    this.#pprfFailures = 0
  }

  /** Waits twice as long after each failure; true when the pair is now suspended. */
  failed(kind: string | undefined, now: number): boolean {
    this.failures += 1
    this.notBefore = Math.max(this.notBefore, now + this.#backoff)
    this.#backoff = Math.min(2 * this.#backoff, MAX_BACKOFF_MS)
    if (kind !== 'pprf' || ++this.#pprfFailures < MAX_PPRF_FAILURES) return false
    this.#pprfFailures = 0
    this.suspendedUntil = now + HOUR_MS
    return true
  }

  /** The peer is new, or back: nothing of the past delays it, but for the hourly window. */
  fresh(now: number): void {
    this.#backoff = FIRST_BACKOFF_MS
    this.asked = undefined
    this.askAgainAt = now
  }
}
