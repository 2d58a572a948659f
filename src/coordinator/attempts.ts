import { ERRORS } from '../../protocols/request/errors.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { Blame } from './blame.ts'
import { SHORTEST_ATTEMPT_MS } from './budget.ts'
import type { Deadline } from './deadline.ts'
import { type Ending, gaveUp, late, quorum, refusedByMost, unanswered } from './endings.ts'
import { type Attempt, leadHere, type Outcome, type Short, silent } from './lead.ts'
import { confirm, type ForwardDependencies, leadElsewhere } from './lead-elsewhere.ts'
import { rendezvousOrder } from './leaders.ts'
import type { PhaseClock } from './phases.ts'
import { remember } from './remember.ts'
import { failure, knownId, type Reply } from './reply.ts'
import { Tries } from './tries.ts'
import { verdict } from './verdict.ts'

export interface Job {
  readonly kind: 'sign' | 'keygen'
  readonly reqId: Uint8Array
  /** `reqId` in hex. */
  readonly requestId: string
  readonly request: Uint8Array
  readonly phases?: PhaseClock
  /** Whom a presignature of the own guest is with. */
  readonly preferred: readonly PartyIndex[] | null
  /** How the attempt ended that the own guest led with its check. */
  readonly first?: Outcome
}

export interface AttemptDependencies extends ForwardDependencies {
  readonly blame: Blame
}

const MAX_SIGN_FAILURES = 8 // more than the faulty members of the largest committee
const MAX_KEYGEN_FAILURES = 3 // the same members each time: it will not get better
const QUORUM_GRACE_MS = 2_000 // a link that broke is redialled at once; two nodes still answer within 10 s
const PAIRS_GRACE_MS = 6_000 // pairs under way may be ready soon; an error comes within 10 s
const POLL_MS = 100 // of links: looking costs nothing
const TOLD_MS = 1_000 // members tell each other what they finished every half second (03 §9.1)
const PAIRS_POLL_MS = 500 // of pair setups: other leaders are asked again too
const BUSY_DELAY_MS = 200 // where a guest gives no delay: about one signature
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
    return unanswered(cause, { requestId: job.requestId })
  }
}

/** How an attempt ended, and by whose word: what the own guest says is seen, what others say is heard. */
interface Led {
  readonly leader: PartyIndex
  readonly outcome: Outcome
}

class Run {
  readonly #deps: AttemptDependencies
  readonly #job: Job
  readonly #deadline: Deadline
  readonly #tries = new Tries()
  readonly #ending: Ending
  #shortSince: number | undefined

  constructor(deps: AttemptDependencies, job: Job, deadline: Deadline) {
    this.#deps = deps
    this.#job = job
    this.#deadline = deadline
    const { kind, requestId } = job
    this.#ending = { kind, requestId, tries: this.#tries, standing: deps.standing }
  }

  async toTheEnd(): Promise<Reply> {
    const most = this.#job.kind === 'keygen' ? MAX_KEYGEN_FAILURES : MAX_SIGN_FAILURES
    const begun = this.#job.first && (await this.#afterFirst(this.#job.first))
    if (begun !== undefined) return begun
    for (;;) {
      if (this.#deadline.remainingMs() < SHORTEST_ATTEMPT_MS) return this.late()
      if (this.#tries.failures >= most) return gaveUp(this.#ending)
      const leader = this.#leader()
      const led =
        leader === undefined
          ? { leader: this.#deps.standing.me, outcome: await this.#view() }
          : await this.#led(leader)
      const reply = await this.#after(led)
      if (reply !== undefined) return reply
    }
  }

  async #afterFirst(first: Outcome): Promise<Reply | undefined> {
    const outcome = await leadHere(this.#deps, this.#attempt(), first)
    return this.#after({ leader: this.#deps.standing.me, outcome })
  }

  late(): Reply {
    return late(this.#ending)
  }

  /**
   * Attempt 0, and every second one after it: this node, which believes its own guest alone. Between them the
   * others by rendezvous, each once. Only members that can be reached.
   */
  #leader(): PartyIndex | undefined {
    const { standing } = this.#deps
    const { me } = standing
    const tries = this.#tries
    const now = this.#now()
    const able = (party: PartyIndex): boolean =>
      standing.reachable(party) && tries.mayLead(party, now)
    const mine = able(me) ? me : undefined
    // A result of others counts only when the own guest can ask for it: without signers of its own, none leads.
    if (this.#job.kind === 'keygen' || !this.#hasSigners()) return mine
    if (mine !== undefined && tries.lastLeader !== me) return mine
    const order = rendezvousOrder(this.#job.reqId, standing.members)
      .map(({ index }) => index)
      .filter((party) => party !== me && able(party))
    const rested = order.find((party) => !tries.avoid.has(party) && !standing.avoided(party))
    return rested ?? mine ?? order[0]
  }

  async #led(leader: PartyIndex): Promise<Led> {
    const { standing, guest, blame } = this.#deps
    const { me } = standing
    const attempt = this.#attempt()
    const here = async (): Promise<Led> => ({
      leader: me,
      outcome: await leadHere(this.#deps, attempt),
    })
    if (leader === me) return here()
    this.#job.phases?.enter('forward')
    const outcome = await leadElsewhere(this.#deps, leader, attempt, this.#deadline)
    if (outcome === undefined) {
      this.#tries.failedToLead(leader)
      return here()
    }
    if (outcome === 'late') {
      blame.unheard(leader, [], this.#now())
      return { leader, outcome: heard('timeout') }
    }
    if (outcome.kind !== 'done') return { leader, outcome }
    // A result that another host names counts only when the own guest has verified it.
    const known = await guest.check(this.#job.request, this.#deadline.signal)
    if (known.kind === 'done') return { leader, outcome: { ...known, signers: outcome.signers } }
    this.#tries.failedToLead(leader)
    this.#tries.attempt += 1
    const learnt = await confirm(this.#deps, this.#attempt(), [...outcome.signers, leader])
    if (learnt.kind === 'done') return { leader: me, outcome: learnt }
    // A guest that may not take part in it, its share of the key being unfit, cannot ask: it is told soon.
    const told = await this.#told(outcome.signers)
    return { leader: me, outcome: told ?? learnt }
  }

  /** The result once the own guest has heard of it, and verified it. */
  async #told(signers: readonly PartyIndex[]): Promise<Outcome | undefined> {
    const { guest, clock } = this.#deps
    const { signal } = this.#deadline
    for (let waited = 0; waited < TOLD_MS; waited += POLL_MS) {
      await clock.wait(POLL_MS, signal)
      const known = await guest.check(this.#job.request, signal)
      if (known.kind === 'done') return { ...known, signers }
    }
    return undefined
  }

  /** What follows from the end of an attempt: an answer, or undefined to go on. */
  async #after({ leader, outcome }: Led): Promise<Reply | undefined> {
    const { log, standing } = this.#deps
    const { requestId, kind } = this.#job
    const mine = leader === standing.me
    if (outcome.kind === 'short') {
      const hopeless = outcome.reason === 'bans' && mine
      if (hopeless && this.#tries.earliest(this.#now()) === undefined)
        return quorum(this.#ending, outcome)
      return this.#short(leader)
    }
    this.#shortSince = undefined
    this.#tries.lastLeader = leader
    if (outcome.kind === 'done') {
      const { result, signers } = outcome
      if (mine) remember(this.#deps, outcome, this.#deadline, this.#now())
      log.info({ requestId, kind, attempt: this.#tries.attempt, leader, signers }, 'request done')
      return { result, requestId, ...(signers.length === 0 ? {} : { signers }) }
    }
    if (outcome.kind === 'error') return this.#refusedBy(leader, outcome)
    return mine ? this.#failed(outcome) : this.#failedElsewhere(leader, outcome)
  }

  #refusedBy(
    leader: PartyIndex,
    { id, message }: { id: string; message: string },
  ): Reply | undefined {
    const known = knownId(id)
    const { code, retryable } = ERRORS[known]
    const mine = leader === this.#deps.standing.me
    if (!mine) this.#tries.failedToLead(leader)
    if (known === 'PAIR_BANNED' || known === 'SESSION_ID_REUSED') return this.#count(known, [])
    if (retryable && mine) return this.#postpone([leader], BUSY_DELAY_MS)
    if (retryable) {
      this.#tries.next()
      return undefined
    }
    if (mine && code !== INTERNAL)
      return failure(known, { message, requestId: this.#job.requestId })
    return this.#refuse([leader], [known])
  }

  /**
   * Another leader's attempt failed. Whom it names is hearsay, and what it says of them too: only that this
   * leader brought nothing is known. What it says of itself may be held against it.
   */
  #failedElsewhere(leader: PartyIndex, { fault }: Failed): Reply | undefined {
    const { log } = this.#deps
    const { requestId } = this.#job
    const { attempt } = this.#tries
    log.warn({ requestId, attempt, leader, fault }, 'another leader failed')
    this.#tries.failedToLead(leader)
    const judged = verdict(fault)
    if (judged === 'unfit') return this.#refuse([leader], ['INTERNAL_ERROR'])
    if (judged !== 'later') this.#tries.failures += 1
    this.#tries.next()
    return undefined
  }

  /** The own guest's attempt failed: what it saw is remembered, some of it beyond this request. */
  async #failed(failed: Failed): Promise<Reply | undefined> {
    const { fault, parties, signers, ids, retryAfterMs } = failed
    const { log, standing } = this.#deps
    const { me } = standing
    const { requestId } = this.#job
    const { attempt } = this.#tries
    log.warn({ requestId, attempt, leader: me, fault, parties, signers }, 'attempt failed')
    remember(this.#deps, failed, this.#deadline, this.#now())
    switch (verdict(fault)) {
      case 'later':
        if (fault === 'busy' && parties.length === 0) return this.#beside(retryAfterMs)
        return this.#postpone(parties.length === 0 ? [me] : parties, retryAfterMs)
      case 'refused':
        if (parties.length > 0) return this.#refuse(parties, ids)
        break
      case 'unfit':
        return failure('INTERNAL_ERROR', {
          requestId,
          message: 'the guest of this node must not use this key',
        })
      case 'strike':
        for (const party of parties) this.#tries.blamed.add(party)
        break
      case 'without':
        if (BANNING.has(fault)) for (const party of parties) this.#tries.blamed.add(party)
        break
    }
    this.#tries.failedTogether(signers)
    return this.#count(fault, parties)
  }

  #count(fault: string, avoid: readonly PartyIndex[]): undefined {
    this.#tries.failures += 1
    this.#tries.lastFault = fault
    this.#tries.next(avoid)
  }

  /** Not counted as a failure: another subset at once, or the same parties after their delay. */
  #postpone(parties: readonly PartyIndex[], delayMs: number): undefined {
    const now = this.#now()
    for (const party of parties) this.#tries.postpone(party, delayMs, now)
    this.#tries.next()
  }

  /**
   * The own guest takes part in an attempt of another leader for this request, and will know what comes of it:
   * whoever were asked to lead now would have to wait for the same.
   */
  async #beside(delayMs: number): Promise<undefined> {
    await this.#deps.clock.wait(Math.max(delayMs, BUSY_DELAY_MS), this.#deadline.signal)
    this.#tries.next()
    this.#tries.lastLeader = undefined
  }

  #refuse(parties: readonly PartyIndex[], ids: readonly string[]): Reply | undefined {
    const { standing } = this.#deps
    parties.forEach((party, at) => {
      this.#tries.refused.set(party, ids[at] ?? ids[0] ?? 'POLICY_DENIED')
    })
    const most = this.#job.kind === 'keygen' ? 0 : standing.members.length - standing.threshold
    if (this.#tries.refused.size > most) return refusedByMost(this.#ending)
    this.#tries.next()
    return undefined
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
    if (own.reason === 'bans' || now - this.#shortSince >= grace) return quorum(this.#ending, own)
    await clock.wait(own.reason === 'pairs' ? PAIRS_POLL_MS : POLL_MS, this.#deadline.signal)
    return undefined
  }

  /** This node's own view, as an outcome of nobody's attempt. */
  async #view(): Promise<Short> {
    const { standing } = this.#deps
    await standing.refresh(this.#deadline.signal)
    standing.renew() // what follows looks at what the attempt saw; the next one sees more
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
    const { kind, reqId, request, phases, preferred } = this.#job
    return {
      kind,
      reqId,
      request,
      ...(phases && { phases }),
      attempt: this.#tries.attempt,
      remainingMs: this.#deadline.remainingMs(),
      excluded: this.#tries.excluded(this.#now()),
      avoid: this.#tries.avoid,
      history: this.#tries,
      preferred: this.#tries.attempt === 0 ? preferred : null,
      signal: this.#deadline.signal,
    }
  }

  #now(): number {
    return this.#deps.clock.monotonic()
  }
}

type Failed = Extract<Outcome, { kind: 'failed' }>

const heard = (fault: Failed['fault']): Failed => ({ ...silent([]), fault, signers: [] })

/** Failed checks over oblivious-transfer material (02 §12): who is named broke the protocol. */
const BANNING: ReadonlySet<string> = new Set(['cote', 'mu', 'check1', 'check2'])
