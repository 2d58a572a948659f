import { createHash } from 'node:crypto'
import type { CheckReply, SignatureForm } from '../../enclave-runtime/host/guest.ts'
import { uuidText } from '../../protocols/request/account-id.ts'
import type { RequestCore } from '../../protocols/request/core.ts'
import { decodePlainRequest } from '../../protocols/request/plain-request.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { type AttemptDependencies, type Job, pursue } from './attempts.ts'
import { Blame } from './blame.ts'
import type {
  Clock,
  Committee,
  CoordinatorGuest,
  CoordinatorLog,
  LinkStates,
  Rpc,
} from './collaborators.ts'
import { type Deadline, deadlineAfter, orAborted } from './deadline.ts'
import { unanswered } from './endings.ts'
import { Gate } from './gate.ts'
import { Answers } from './idempotency.ts'
import type { Outcome } from './lead.ts'
import { Offers, type Open } from './offers.ts'
import { Pace } from './pace.ts'
import { Pending } from './pending.ts'
import type { PhaseClock } from './phases.ts'
import { failure, knownId, type Reply } from './reply.ts'
import { serveLeads } from './serve.ts'
import { Standing } from './standing.ts'
import { systemClock } from './system-clock.ts'

export interface CoordinatorDependencies {
  readonly guest: CoordinatorGuest
  readonly links: LinkStates
  readonly rpc: Rpc
  readonly committee: Committee
  /** Unix milliseconds. */
  readonly now: () => number
  readonly log: CoordinatorLog
  /** Stretches attempt budgets for a slow kernel: 2 for the reference kernel (the default), 1 otherwise. */
  readonly budgetFactor?: number
  readonly clock?: Clock
  /** A signature was led here, in this form; for metrics. */
  readonly onSigned?: (form: SignatureForm) => void
}

export interface HandleOptions {
  /** Ends the caller's wait. The request itself goes on to its own deadline, for whoever asks again. */
  readonly signal: AbortSignal
  /** Whence it came, for the log. */
  readonly origin: string
  /** The client's own patience in ms. */
  readonly deadlineMs?: number
  /** Where the request's time goes (10 §6.4); none is kept when absent. */
  readonly phases?: PhaseClock
  /** Asked once the guest has verified who asks, before work begins: a delay in ms refuses (05 §3.3, row 14). */
  readonly admit?: (accountId: string | null) => number | undefined
  /** Whether `admit` would have no delay for this account now; takes nothing. Without it `admit` is asked first. */
  readonly mayAdmit?: (accountId: string) => boolean
}

/** A request whose work may begin, or has begun with `first`. */
type Checked = Extract<CheckReply, { kind: 'sign' | 'keygen' }> & { readonly first?: Outcome }

export interface Coordinator {
  /** One request in, one answer out: equal requests in flight are joined, repeats get the same bytes. */
  handle(request: Uint8Array, options: HandleOptions): Promise<Reply>
  stats(): CoordinatorStats
  /** Ends all work under way. */
  close(): void
}

/** Counters since the start, and what is remembered now; for metrics. */
export interface CoordinatorStats {
  readonly requests: number
  readonly joined: number
  readonly repeated: number
  readonly failed: number
  readonly pending: number
  readonly answers: number
  readonly suspended: readonly PartyIndex[]
  /** In every failing subset of the last hour (02 §6.2). */
  readonly suspects: readonly PartyIndex[]
}

const MAX_PENDING = 10_000 // 03 §9.1
const MAX_PENDING_PER_ACCOUNT = 100 // 03 §9.1
const LONGEST_MS = 30_000 // 03 §9.1: no request lives longer
const CHECK_TIMEOUT_MS = 10_000 // a few signature verifications; a guest that takes longer hangs
const REFERENCE_FACTOR = 2
const DRAWN_DIGITS = 6 // of a digest: as good as drawn by lot

export function createCoordinator(deps: CoordinatorDependencies): Coordinator {
  return new RequestCoordinator(deps)
}

class RequestCoordinator implements Coordinator {
  readonly #deps: CoordinatorDependencies
  readonly #clock: Clock
  readonly #blame = new Blame()
  readonly #attempts: AttemptDependencies
  readonly #answers = new Answers()
  readonly #gate: Gate
  readonly #offers: Offers
  readonly #pending = new Pending({ perNode: MAX_PENDING, perAccount: MAX_PENDING_PER_ACCOUNT })
  /** By the exact bytes, proofs included: one check for all of them. */
  readonly #asked = new Map<string, Promise<Reply>>()
  /** By request id: one run for all whose proofs the guest found good. */
  readonly #running = new Map<string, Promise<Reply>>()
  readonly #stop = new AbortController()
  readonly #count = { requests: 0, joined: 0, repeated: 0, failed: 0 }

  constructor(deps: CoordinatorDependencies) {
    this.#deps = deps
    this.#clock = deps.clock ?? systemClock
    const { guest, links, rpc, log, committee } = deps
    const clock = this.#clock
    const blame = this.#blame
    const standing = new Standing({ committee, guest, links, clock, blame })
    const budgetFactor = deps.budgetFactor ?? REFERENCE_FACTOR
    const onSigned = deps.onSigned ?? (() => undefined)
    const pace = new Pace(clock)
    this.#gate = new Gate(pace)
    const attempts = { guest, standing, clock, budgetFactor, rpc, blame, log, onSigned, pace }
    this.#attempts = attempts
    this.#offers = new Offers(attempts)
    serveLeads(attempts, (ms) => this.#deadline(ms))
  }

  async handle(request: Uint8Array, options: HandleOptions): Promise<Reply> {
    this.#count.requests += 1
    const key = createHash('sha256').update(request).digest('hex')
    const kept = this.#answers.ofBytes(key, this.#deps.now())
    if (kept !== undefined) {
      this.#count.repeated += 1
      return kept
    }
    const asked = this.#asked.get(key)
    if (asked !== undefined) {
      this.#count.joined += 1
      return orAborted(asked, options.signal)
    }
    if (this.#asked.size >= MAX_PENDING) return this.#full(key)
    const answer = this.#answer(request, key, options).finally(() => this.#asked.delete(key))
    this.#asked.set(key, answer)
    return orAborted(answer, options.signal)
  }

  stats(): CoordinatorStats {
    const now = this.#clock.monotonic()
    return {
      ...this.#count,
      pending: this.#pending.size,
      answers: this.#answers.size,
      suspended: this.#blame.suspended(now),
      suspects: this.#blame.suspects(now),
    }
  }

  close(): void {
    this.#stop.abort(new Error('the node stops'))
  }

  /** Never rejects: whatever goes wrong is an answer. */
  async #answer(request: Uint8Array, key: string, options: HandleOptions): Promise<Reply> {
    const reply = await this.#checked(request, key, options).catch((cause: unknown): Reply => {
      if (cause instanceof DecodeError) return failure('REQ_MALFORMED')
      this.#deps.log.warn({ origin: options.origin, error: cause }, 'the guest did not answer')
      return unanswered(cause)
    })
    if ('error' in reply) this.#count.failed += 1
    return reply
  }

  async #checked(request: Uint8Array, key: string, options: HandleOptions): Promise<Reply> {
    const { core } = decodePlainRequest(request)
    const leave = this.#gate.enter(core.method)
    if (leave === undefined) return this.#full(key)
    try {
      return await this.#admitted(request, core, key, options)
    } finally {
      leave()
    }
  }

  async #admitted(
    request: Uint8Array,
    core: RequestCore,
    key: string,
    options: HandleOptions,
  ): Promise<Reply> {
    const expires = core.exp * 1000
    const began = this.#clock.monotonic()
    const open = this.#offered(core, options)
    const late = AbortSignal.timeout(CHECK_TIMEOUT_MS + (open?.offer.budgetMs ?? 0))
    const limited = AbortSignal.any([this.#stop.signal, late])
    try {
      const checked = await this.#deps.guest.check(request, limited, open?.offer)
      const { phases } = options
      if (checked.kind === 'led') {
        if (open === undefined) throw new Error('bug: an offer was taken that nobody made')
        const { outcome, signers, reqId, accountId } = checked
        phases?.asGuestSays(outcome.kind === 'done' ? outcome.phases : undefined)
        phases?.enter('reply')
        const first = open.took(outcome, signers)
        const good = { kind: 'sign', reqId, accountId, signers, first } as const
        const deadlineMs = (options.deadlineMs ?? LONGEST_MS) - (this.#clock.monotonic() - began)
        return await this.#joined(good, request, key, { ...options, expires, deadlineMs })
      }
      open?.over()
      if ('phases' in checked) phases?.asGuestSays(checked.phases)
      phases?.enter('reserve')
      if (checked.kind === 'error')
        return failure(knownId(checked.id), { message: checked.message })
      if (checked.kind === 'done') return { result: checked.result }
      return await this.#joined(checked, request, key, { ...options, expires })
    } finally {
      open?.over()
    }
  }

  /** What the guest may begin with its check: nothing that whoever admits would want to be asked about before. */
  #offered(core: RequestCore, { admit, mayAdmit, deadlineMs }: HandleOptions): Open | undefined {
    const ms = Math.min(deadlineMs ?? LONGEST_MS, core.exp * 1000 - this.#deps.now(), LONGEST_MS)
    return this.#offers.open(core, ms, (account) => {
      const isAdmitted = mayAdmit === undefined ? admit === undefined : mayAdmit(account)
      return isAdmitted && this.#pending.of(account) === 0
    })
  }

  /** Joins the run of this request id, or starts it. */
  async #joined(
    checked: Checked,
    request: Uint8Array,
    key: string,
    options: HandleOptions & { readonly expires: number },
  ): Promise<Reply> {
    const isDone = checked.first?.kind === 'done' // then there is nothing left to refuse
    const requestId = Buffer.from(checked.reqId).toString('hex')
    const kept = this.#answers.ofRequest(requestId, this.#deps.now())
    if (kept !== undefined) {
      this.#count.repeated += 1
      return kept
    }
    const running = this.#running.get(requestId)
    if (running !== undefined) {
      this.#count.joined += 1
      return running
    }
    const accountId = checked.accountId === null ? null : uuidText(checked.accountId)
    const isFair = accountId === null || this.#gate.isFair(this.#pending.of(accountId))
    const leave = isFair ? this.#pending.enter(accountId) : undefined
    if (leave === undefined && !isDone) return this.#full(requestId, { requestId })
    const delayMs = options.admit?.(accountId)
    if (delayMs !== undefined && !isDone) {
      leave?.()
      return failure('LIMIT_EXCEEDED', { requestId, details: { retryAfterMs: delayMs } })
    }
    const { kind, reqId, signers: preferred = null, first } = checked
    const { phases } = options
    const more = { ...(phases && { phases }), ...(first && { first }) }
    const job: Job = { kind, reqId, requestId, request, preferred, ...more }
    const run = this.#run(job, key, options).finally(() => {
      this.#running.delete(requestId)
      leave?.()
    })
    this.#running.set(requestId, run)
    return run
  }

  /** Come again, each at a time of its own: that of `name`, a digest in hex. */
  #full(name: string, about: { readonly requestId?: string } = {}): Reply {
    const fraction = Number.parseInt(name.slice(0, DRAWN_DIGITS), 16) / 16 ** DRAWN_DIGITS
    return failure('OVERLOADED', {
      ...about,
      details: { retryAfterMs: this.#gate.delayMs(fraction) },
    })
  }

  async #run(
    job: Job,
    key: string,
    { expires, deadlineMs = LONGEST_MS }: { expires: number; deadlineMs?: number | undefined },
  ): Promise<Reply> {
    const now = this.#deps.now()
    const deadline = this.#deadline(Math.min(deadlineMs, expires - now, LONGEST_MS))
    const reply = await pursue(this.#attempts, job, deadline)
    if ('result' in reply)
      this.#answers.keep(job.requestId, key, reply, { now: this.#deps.now(), expires })
    return reply
  }

  #deadline(ms: number): Deadline {
    return deadlineAfter(Math.max(0, Math.min(ms, LONGEST_MS)), this.#clock, this.#stop.signal)
  }
}
