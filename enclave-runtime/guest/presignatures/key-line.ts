import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import type { Account } from '../accounts/account.ts'
import type { Background, BackgroundJob } from '../background/background.ts'
import type { Clock } from '../sessions/clock.ts'
import type { PresignatureMaker } from './presignature-maker.ts'
import { MAX_PRESIGNED } from './presignature-opening.ts'

/** So long a line waits to become longer: a session costs the same letters for many. */
const GATHER_MS = 4_000
/** The same where one of its keys has nothing. An account asks once a second at most, in the long run. */
const GATHER_FOR_NONE_MS = 500
const FIRST_REST_MS = 500
const LONGEST_REST_MS = 60_000
/** Until it is offered again where too much waits. */
const FULL_MS = 1_000
/** How long correlations are waited for, before presignatures are made without. */
const SHORT_MS = 1_000
const MOST_SHORT = 10

export interface KeyLineInit {
  readonly signers: readonly PartyIndex[]
  readonly maker: Pick<PresignatureMaker, 'make' | 'most' | 'cost' | 'isShort'>
  readonly background: Pick<Background, 'offer'>
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>
  /** What a key lacks, those on their way not counted; `none`: it has not a single one. */
  readonly missing: (account: Account) => { readonly none: boolean; readonly count: number }
  /** Nothing waits, is made or rests any more. */
  readonly onIdle: () => void
}

interface Waiting {
  readonly account: Account
  /** When it began to wait, in monotonic ms. */
  since: number
  /** The last run that it was in failed: it may have been the reason, and has the next one to itself. */
  suspect: boolean
  restMs: number
  notBefore: number
}

/**
 * Keys that want presignatures with the same signers. One session at a time makes them, one for each key in turn
 * and a further one for each as long as there is room in it. After a failure the line rests, twice as long after
 * each; and each key of the failed session is tried alone, so that one that some signer does not know holds up
 * nobody but itself.
 */
export class KeyLine {
  readonly #init: KeyLineInit
  /** In the order in which they are served, by account. */
  readonly #waiting = new Map<string, Waiting>()
  #bell: { readonly at: number; readonly disarm: () => void } | undefined
  #isOffered = false
  #closed = false
  #restMs = FIRST_REST_MS
  #notBefore = 0
  /** How often in a row it waited for correlations. */
  #short = 0

  constructor(init: KeyLineInit) {
    this.#init = init
  }

  /** A key that may lack some. */
  want(account: Account): void {
    const name = nameOf(account)
    const known = this.#waiting.get(name)
    const fresh = { suspect: false, restMs: FIRST_REST_MS, notBefore: 0 }
    this.#waiting.set(name, { ...fresh, since: this.#now, ...known, account })
    this.#look()
  }

  close(): void {
    this.#closed = true
    this.#bell?.disarm()
    this.#waiting.clear()
  }

  get #now(): number {
    return this.#init.clock.monotonicMs()
  }

  /** Offers a job, or looks again when it may. */
  #look(): void {
    if (this.#closed || this.#isOffered) return
    const { maker, signers, background } = this.#init
    const wanted = this.#wanted()
    if (this.#waiting.size === 0) {
      this.#bell?.disarm()
      this.#init.onIdle()
      return
    }
    const at = Math.max(this.#notBefore, wanted.at)
    if (at > this.#now) {
      this.#ring(at)
      return
    }
    if (maker.isShort(signers) && this.#short < MOST_SHORT) {
      this.#short += 1
      this.#notBefore = this.#now + SHORT_MS
      this.#ring(this.#notBefore)
      return
    }
    this.#short = 0
    const count = maker.most(signers, wanted.count)
    const run: BackgroundJob['run'] = (signal, spent) => this.#make(signal, spent)
    const cost = maker.cost(signers, count)
    const key = `presignatures/${signers.join()}`
    const urgency = (): BackgroundJob['urgency'] => (this.#isPressing() ? 'urgent' : undefined)
    this.#isOffered = background.offer({
      ...{ kind: 'presignatures', key, ...cost, run },
      get urgency() {
        return urgency()
      },
    })
    if (!this.#isOffered) this.#ring(this.#now + FULL_MS)
  }

  /** How many are wanted, and from when on one should make them. Forgets who wants nothing. */
  #wanted(): { readonly count: number; readonly at: number } {
    const { missing } = this.#init
    let count = 0
    let at = Number.POSITIVE_INFINITY
    for (const [name, waiting] of this.#waiting) {
      const { none, count: lacks } = missing(waiting.account)
      if (lacks === 0) {
        this.#waiting.delete(name)
        continue
      }
      count += lacks
      const gatherMs = none ? GATHER_FOR_NONE_MS : GATHER_MS
      at = Math.min(at, Math.max(waiting.notBefore, waiting.since + gatherMs))
      if (count >= MAX_PRESIGNED && waiting.notBefore <= this.#now) return { count, at: 0 }
    }
    return { count, at }
  }

  /** A key has nothing, and its next request would pay for it; or more wait than one session serves. */
  #isPressing(): boolean {
    const { missing } = this.#init
    let sum = 0
    for (const { account, notBefore } of this.#waiting.values()) {
      if (notBefore > this.#now) continue
      const { none, count } = missing(account)
      if (none && count > 0) return true
      sum += count
    }
    return sum >= MAX_PRESIGNED
  }

  async #make(signal: AbortSignal, spent: Parameters<BackgroundJob['run']>[1]): Promise<void> {
    spent({}) // from here on it is measured
    const { maker, signers } = this.#init
    const chosen = this.#choose()
    const keys = new Set(chosen)
    try {
      if (chosen.length > 0) {
        const accounts = chosen.map(({ account }) => account)
        const waitMs = await maker.make(accounts, signers, signal, spent)
        if (waitMs > 0) {
          this.#notBefore = this.#now + waitMs
          return
        }
        this.#restMs = FIRST_REST_MS
        for (const key of keys) {
          key.suspect = false
          key.restMs = FIRST_REST_MS
          key.since = this.#now
        }
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#rest(keys)
    } finally {
      for (const key of keys) this.#comeAgain(key)
      this.#isOffered = false
      this.#ring(Math.max(this.#now + 1, this.#notBefore)) // once this job is over
    }
  }

  /** Who is served now, one for each presignature. */
  #choose(): Waiting[] {
    const { maker, signers, missing } = this.#init
    const ready = [...this.#waiting.values()].filter(({ notBefore }) => notBefore <= this.#now)
    const lacking = ready.map((waiting) => ({ waiting, count: missing(waiting.account).count }))
    const [first] = lacking.filter(({ count }) => count > 0)
    if (first?.waiting.suspect === true) return [first.waiting]
    const able = lacking.filter(({ waiting }) => !waiting.suspect)
    const total = able.reduce((sum, { count }) => sum + count, 0)
    const room = total === 0 ? 0 : maker.most(signers, total)
    const chosen: Waiting[] = []
    for (let round = 1; chosen.length < Math.min(room, total); round++)
      for (const { waiting, count } of able)
        if (count >= round && chosen.length < room) chosen.push(waiting)
    return chosen
  }

  /** To the end of the line, if it still lacks some. */
  #comeAgain(key: Waiting): void {
    const name = nameOf(key.account)
    if (!this.#waiting.delete(name)) return
    this.#waiting.set(name, key)
  }

  /** After a failure. */
  #rest(keys: ReadonlySet<Waiting>): void {
    this.#notBefore = this.#now + this.#restMs
    this.#restMs = Math.min(2 * this.#restMs, LONGEST_REST_MS)
    for (const key of keys) {
      if (key.suspect) {
        key.notBefore = this.#now + key.restMs
        key.restMs = Math.min(2 * key.restMs, LONGEST_REST_MS)
      }
      key.suspect = true
    }
  }

  #ring(at: number): void {
    if (this.#closed) return
    if (this.#bell !== undefined && this.#bell.at <= at && this.#bell.at > this.#now) return
    this.#bell?.disarm()
    const disarm = this.#init.clock.after(Math.max(1, Math.ceil(at - this.#now)), () => {
      this.#bell = undefined
      this.#look()
    })
    this.#bell = { at, disarm }
  }
}

const nameOf = ({ id }: Account): string => Buffer.from(id).toString('hex')
