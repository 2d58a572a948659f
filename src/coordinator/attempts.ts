import { ERRORS } from '../../protocols/request/errors.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { Blame } from './blame.ts'
import { attemptBudget } from './budget.ts'
import type { CoordinatorLog, Rpc } from './collaborators.ts'
import { type Deadline, orAborted } from './deadline.ts'
import { decodeOutcome, encodeLeadAsk } from './forward.ts'
import {
  type Attempt,
  type LeadDependencies,
  leadHere,
  leadWith,
  type Outcome,
  type Short,
  silent,
} from './lead.ts'
import { rendezvousOrder } from './leaders.ts'
import { failure, knownId, type Reply } from './reply.ts'
import { Tries } from './tries.ts'
import { verdict } from './verdict.ts'

export interface Job {
  readonly kind: 'sign' | 'keygen'
  readonly reqId: Uint8Array
  /** `reqId` in hex. */
  readonly requestId: string
  readonly request: Uint8Array
}

export interface AttemptDependencies extends LeadDependencies {
  readonly rpc: Rpc
  readonly blame: Blame
  readonly log: CoordinatorLog
}

const MAX_SIGN_FAILURES = 8 // more than the faulty members of the largest committee
const MAX_KEYGEN_FAILURES = 3 // the same members each time: it will not get better
const SHORTEST_ATTEMPT_MS = 100 // below that nothing ends in time (05 §3.3)
const QUORUM_GRACE_MS = 2_000 // a link that broke is redialled at once; two nodes still answer within 10 s
const PAIRS_GRACE_MS = 6_000 // pairs under way may be ready soon; an error comes within 10 s
const POLL_MS = 100 // of links: looking costs nothing
const PAIRS_POLL_MS = 500 // of pair setups: other leaders are asked again too
const BUSY_DELAY_MS = 200 // where a guest gives no delay: about one signature
const FORWARD_MARGIN_MS = 1_500 // the way to another leader and back
const INTERNAL = -32603 // the node's own trouble, not the request's

/** Attempts until one gives a result, the request is refused, or the deadline passes (03 §9.1). */
export async function pursue(
  deps: AttemptDependencies,
  job: Job,
  deadline: Deadline,
): Promise<Reply> {
  const run = new Run(deps, job, deadline)
  try {
    return await run.toTheEnd()
  } catch (cause) {
    if (deadline.signal.aborted) return run.late()
    deps.log.warn({ requestId: job.requestId, error: cause }, 'the guest did not answer')
    return failure('INTERNAL_ERROR', { requestId: job.requestId })
  }
}

class Run {
  readonly #deps: AttemptDependencies
  readonly #job: Job
  readonly #deadline: Deadline
  readonly #tries = new Tries()
  #shortSince: number | undefined

  constructor(deps: AttemptDependencies, job: Job, deadline: Deadline) {
    this.#deps = deps
    this.#job = job
    this.#deadline = deadline
  }

  async toTheEnd(): Promise<Reply> {
    const most = this.#job.kind === 'keygen' ? MAX_KEYGEN_FAILURES : MAX_SIGN_FAILURES
    for (;;) {
      if (this.#deadline.remainingMs() < SHORTEST_ATTEMPT_MS) return this.late()
      if (this.#tries.failures >= most) return this.#gaveUp()
      const leader = this.#leader()
      const outcome = leader === undefined ? await this.#view() : await this.#led(leader)
      const reply = await this.#after(leader ?? this.#deps.standing.me, outcome)
      if (reply !== undefined) return reply
    }
  }

  late(): Reply {
    const { lastFault } = this.#tries
    return failure('MPC_DEADLINE', {
      requestId: this.#job.requestId,
      details: { attempts: this.#tries.attempt, ...(lastFault === undefined ? {} : { lastFault }) },
    })
  }

  /** Attempt 0: this node. Later: by rendezvous among those that can be reached; the last to fail only if need be. */
  #leader(): PartyIndex | undefined {
    const { standing } = this.#deps
    const tries = this.#tries
    const now = this.#now()
    const able = (party: PartyIndex): boolean =>
      standing.reachable(party) && tries.mayLead(party, now)
    // A result of others counts only when the own guest can ask for it: without signers of its own, none leads.
    if (this.#job.kind === 'keygen' || !this.#hasSigners())
      return able(standing.me) ? standing.me : undefined
    if (tries.attempt === 0 && able(standing.me)) return standing.me
    const order = rendezvousOrder(this.#job.reqId, standing.members)
      .map(({ index }) => index)
      .filter(able)
    const rested = order.filter((party) => !tries.avoid.has(party) && !standing.avoided(party))
    const from = rested.length > 0 ? rested : order
    return from[Math.max(0, tries.attempt - 1) % Math.max(1, from.length)]
  }

  async #led(leader: PartyIndex): Promise<Outcome> {
    const { standing } = this.#deps
    if (leader === standing.me) return leadHere(this.#deps, this.#attempt())
    const outcome = await this.#forward(leader)
    if (outcome !== undefined) return outcome
    this.#tries.avoid = new Set([...this.#tries.avoid, leader])
    return leadHere(this.#deps, this.#attempt())
  }

  /** Asks another member to lead. Undefined when it could not be asked: then this node leads. */
  async #forward(leader: PartyIndex): Promise<Outcome | undefined> {
    const { standing, rpc, budgetFactor, log, blame } = this.#deps
    const { request, excluded, avoid, attempt, remainingMs, kind } = this.#attempt()
    const member = standing.member(leader)
    if (member === undefined) return undefined
    const most = standing.members.length - standing.threshold
    const both = new Set([...excluded, ...avoid])
    const without = [...(both.size <= most ? both : excluded)]
    const frame = encodeLeadAsk({ request, attempt, remainingMs, excluded: without })
    if (frame === undefined) return undefined
    const rttMs = Math.max(...standing.members.map(({ index }) => standing.rttMs(index)))
    const budget = attemptBudget(kind, { rttMs, remainingMs, factor: budgetFactor })
    const late = AbortSignal.timeout(budget + FORWARD_MARGIN_MS)
    const signal = AbortSignal.any([this.#deadline.signal, late])
    try {
      const answer = await orAborted(firstFrame(rpc.call(member.peerId, frame, signal)), signal)
      if (answer === undefined) return undefined // it closed without one
      const outcome = decodeOutcome(answer)
      return outcome.kind === 'done' ? await this.#confirmed(outcome) : outcome
    } catch (cause) {
      if (this.#deadline.signal.aborted) throw cause
      log.warn({ leader, error: cause }, 'another leader did not answer')
      if (!late.aborted) return undefined
      blame.timeout(leader, this.#now())
      return { ...silent([leader]), signers: [leader] }
    }
  }

  /**
   * A result that another host names counts only when the own guest has verified it: it knows it already,
   * or asks those that signed, who then answer with the result (03 §9.1).
   */
  async #confirmed(outcome: Extract<Outcome, { kind: 'done' }>): Promise<Outcome> {
    const { guest, standing } = this.#deps
    const known = await guest.check(this.#job.request, this.#deadline.signal)
    if (known.kind === 'done') return { ...known, signers: outcome.signers }
    const { me, threshold } = standing
    const others = outcome.signers.filter((party) => party !== me && standing.reachable(party))
    const signers = [me, ...others.slice(0, threshold - 1)].toSorted((a, b) => a - b)
    if (signers.length < threshold) return { ...silent([]), fault: 'unreachable', signers }
    this.#tries.attempt += 1
    const learnt = await leadWith(this.#deps, this.#attempt(), signers)
    const told = learnt.kind === 'done' && learnt.signers.length === 0
    return told ? { ...learnt, signers: outcome.signers } : learnt
  }

  /** What follows from the end of an attempt: an answer, or undefined to go on. */
  async #after(leader: PartyIndex, outcome: Outcome): Promise<Reply | undefined> {
    const { blame, log } = this.#deps
    const { requestId, kind } = this.#job
    if (outcome.kind === 'short') {
      const hopeless = outcome.reason === 'bans' && leader === this.#deps.standing.me
      if (hopeless && this.#tries.earliest(this.#now()) === undefined) return this.#quorum(outcome)
      return this.#short(leader)
    }
    this.#shortSince = undefined
    if (outcome.kind === 'done') {
      blame.success(outcome.signers)
      const { result, signers } = outcome
      log.info({ requestId, kind, attempt: this.#tries.attempt, leader, signers }, 'request done')
      return { result, requestId, signers }
    }
    if (outcome.kind === 'error') return this.#refusedBy(leader, outcome)
    return this.#failed(leader, outcome)
  }

  #refusedBy(
    leader: PartyIndex,
    { id, message }: { id: string; message: string },
  ): Reply | undefined {
    const known = knownId(id)
    const { code, retryable } = ERRORS[known]
    const mine = leader === this.#deps.standing.me
    if (known === 'PAIR_BANNED' || known === 'SESSION_ID_REUSED') return this.#count(known, [])
    if (retryable) return this.#postpone([leader], BUSY_DELAY_MS)
    if (mine && code !== INTERNAL)
      return failure(known, { message, requestId: this.#job.requestId })
    return this.#refuse([leader], [known])
  }

  async #failed(
    leader: PartyIndex,
    outcome: Extract<Outcome, { kind: 'failed' }>,
  ): Promise<Reply | undefined> {
    const { blame, log, standing } = this.#deps
    const { fault, parties, signers, ids } = outcome
    const mine = leader === standing.me // only what the own guest saw is remembered beyond this request
    const now = this.#now()
    const judged = verdict(fault)
    const { requestId } = this.#job
    log.warn(
      { requestId, attempt: this.#tries.attempt, leader, fault, parties, signers },
      'attempt failed',
    )
    switch (judged) {
      case 'later':
        return this.#postpone(parties.length === 0 ? [leader] : parties, outcome.retryAfterMs)
      case 'refused':
        return parties.length === 0 ? this.#count(fault, []) : this.#refuse(parties, ids)
      case 'unfit':
        return mine
          ? failure('INTERNAL_ERROR', {
              requestId,
              message: 'the guest of this node must not use this key',
            })
          : this.#refuse([leader], ['INTERNAL_ERROR'])
      case 'suspect': {
        if (mine) blame.failing(signers, now)
        const suspects = blame.suspects(now)
        if (suspects.length > 0)
          log.warn({ suspects }, 'every failing subset of the last hour has these members')
        return this.#count(fault, parties.length > 0 ? parties : this.#another(signers))
      }
      case 'suspend':
        if (mine) for (const party of parties) blame.timeout(party, now)
        return this.#count(fault, parties)
      case 'strike':
        for (const party of parties) {
          if (mine) blame.strike(party, now)
          this.#tries.blamed.add(party)
        }
        return this.#count(fault, parties)
      case 'without':
        if (BANNING.has(fault)) for (const party of parties) this.#tries.blamed.add(party)
        return this.#count(fault, parties)
    }
  }

  #count(fault: string, avoid: readonly PartyIndex[]): undefined {
    this.#tries.failures += 1
    this.#tries.lastFault = fault
    this.#tries.next(avoid)
  }

  /** A subset failed and nothing shows why: leave out one of it, another each time. */
  #another(signers: readonly PartyIndex[]): PartyIndex[] {
    const others = signers.filter((party) => party !== this.#deps.standing.me)
    const left = others[this.#tries.failures % Math.max(1, others.length)]
    return left === undefined ? [] : [left]
  }

  /** Not counted as a failure: another subset at once, or the same parties after their delay. */
  #postpone(parties: readonly PartyIndex[], delayMs: number): undefined {
    const now = this.#now()
    for (const party of parties) this.#tries.postpone(party, delayMs, now)
    this.#tries.next([...this.#tries.avoid])
  }

  #refuse(parties: readonly PartyIndex[], ids: readonly string[]): Reply | undefined {
    const { standing } = this.#deps
    parties.forEach((party, at) => {
      this.#tries.refused.set(party, ids[at] ?? ids[0] ?? 'POLICY_DENIED')
    })
    const most = this.#job.kind === 'keygen' ? 0 : standing.members.length - standing.threshold
    if (this.#tries.refused.size <= most) {
      this.#tries.next()
      return undefined
    }
    const id = knownId(this.#tries.commonRefusal() ?? '')
    const refused = Object.fromEntries([...this.#tries.refused].map(([p, why]) => [String(p), why]))
    return failure(id, { requestId: this.#job.requestId, details: { refused } })
  }

  /** No signers. Another leader may see more; else wait a little; else say who is missing. */
  async #short(leader: PartyIndex): Promise<Reply | undefined> {
    const { clock } = this.#deps
    const now = this.#now()
    this.#tries.cannotLead(leader)
    if (this.#leader() !== undefined) return undefined
    this.#tries.pause()
    const earliest = this.#tries.earliest(now)
    if (earliest !== undefined) {
      await clock.wait(Math.max(1, earliest - now), this.#deadline.signal)
      return undefined
    }
    const own = await this.#view()
    this.#shortSince ??= now
    const grace = own.reason === 'pairs' ? PAIRS_GRACE_MS : QUORUM_GRACE_MS
    if (own.reason === 'bans' || now - this.#shortSince >= grace) return this.#quorum(own)
    await clock.wait(own.reason === 'pairs' ? PAIRS_POLL_MS : POLL_MS, this.#deadline.signal)
    return undefined
  }

  #quorum({ reason, reachable, needed }: Short): Reply {
    const { standing } = this.#deps
    const { requestId, kind } = this.#job
    const missing = standing.members.filter(({ index }) => !reachable.includes(index))
    const names = missing.map(({ index, label }) => `${index} (${label})`).join(', ')
    const details = {
      reachable: reachable.length,
      needed,
      missing: missing.map(({ index }) => index),
    }
    if (reason === 'bans')
      return failure('PAIR_BANNED', {
        requestId,
        details,
        message: 'every subset of reachable members has a banned pair',
      })
    const message =
      reason === 'pairs'
        ? `insufficient signers: ${reachable.length} members are reachable, but the pair setups of this node with them are not finished`
        : kind === 'keygen'
          ? `a key generation needs all ${needed} members; not available: ${names}`
          : `insufficient signers: ${reachable.length} of ${needed} needed members are available; not available: ${names}`
    return failure('MPC_QUORUM', { requestId, details, message })
  }

  #gaveUp(): Reply {
    const { lastFault, failures, blamed } = this.#tries
    const blame = this.#deps.standing.peers([...blamed])
    return failure(this.#job.kind === 'keygen' ? 'DKG_FAILED' : 'SIGN_FAILED', {
      requestId: this.#job.requestId,
      details: { attempts: failures, ...(lastFault === undefined ? {} : { lastFault }) },
      ...(blame.length === 0 ? {} : { blame }),
    })
  }

  /** This node's own view, as an outcome of nobody's attempt. */
  async #view(): Promise<Short> {
    const { standing } = this.#deps
    await standing.refresh(this.#deadline.signal)
    const { kind } = this.#job
    const needed = kind === 'keygen' ? standing.members.length : standing.threshold
    const reachable = this.#available()
    const paired = reachable.filter((party) => standing.paired(party))
    const reason = reachable.length < needed ? 'links' : paired.length < needed ? 'pairs' : 'bans'
    return { kind: 'short', reason, reachable, needed }
  }

  /** Reachable, and did not refuse. */
  #available(): PartyIndex[] {
    const { standing } = this.#deps
    return standing.members
      .map(({ index }) => index)
      .filter((party) => standing.reachable(party) && !this.#tries.refused.has(party))
  }

  #hasSigners(): boolean {
    const { standing } = this.#deps
    const able = this.#available().filter((party) => standing.paired(party))
    return able.length >= standing.threshold
  }

  #attempt(): Attempt {
    const { kind, reqId, request } = this.#job
    return {
      kind,
      reqId,
      request,
      attempt: this.#tries.attempt,
      remainingMs: this.#deadline.remainingMs(),
      excluded: this.#tries.excluded(this.#now()),
      avoid: this.#tries.avoid,
      signal: this.#deadline.signal,
    }
  }

  #now(): number {
    return this.#deps.clock.monotonic()
  }
}

async function firstFrame(frames: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  for await (const frame of frames) return frame
  return undefined
}

/** Failed checks over oblivious-transfer material (02 §12): who is named broke the protocol. */
const BANNING: ReadonlySet<string> = new Set(['cote', 'mu', 'check1', 'check2'])
