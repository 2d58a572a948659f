import type { LeadReply, SignatureForm } from '../../enclave-runtime/host/guest.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { attemptBudget, SHORTEST_ATTEMPT_MS } from './budget.ts'
import type { Clock, CoordinatorGuest } from './collaborators.ts'
import { orAborted } from './deadline.ts'
import { rendezvousOrder } from './leaders.ts'
import { type Leave, type Pace, type Paced, quickMs } from './pace.ts'
import type { PhaseClock } from './phases.ts'
import type { Standing } from './standing.ts'
import { chooseSigners } from './subsets.ts'
import type { Tries } from './tries.ts'

export interface Attempt {
  readonly kind: 'sign' | 'keygen'
  readonly reqId: Uint8Array
  readonly request: Uint8Array
  readonly attempt: number
  readonly remainingMs: number
  /** Who cannot take part: refused, or is not ready yet. */
  readonly excluded: ReadonlySet<PartyIndex>
  /** Who was named by a failure: only where it does not work without. */
  readonly avoid: ReadonlySet<PartyIndex>
  /** Which subsets failed before in this request. */
  readonly history: Pick<Tries, 'timesFailed' | 'timesTogether'>
  /** Whom a presignature of the own guest is with: they sign if all of them can. */
  readonly preferred: readonly PartyIndex[] | null
  readonly signal: AbortSignal
  readonly phases?: PhaseClock
}

/** How an attempt ended. `short`: no signers could be chosen, nothing was started. */
export type Outcome =
  | Exclude<LeadReply, { kind: 'failed' }>
  | (Extract<LeadReply, { kind: 'failed' }> & { readonly signers: readonly PartyIndex[] })
  | Short

/** Why no signers could be chosen: too few linked members, pair setups under way, or bans. */
export interface Short {
  readonly kind: 'short'
  readonly reason: 'links' | 'pairs' | 'bans'
  /** Members that could take part, this node included. */
  readonly reachable: readonly PartyIndex[]
  readonly needed: number
}

export interface LeadDependencies {
  readonly guest: CoordinatorGuest
  readonly standing: Standing
  readonly clock: Clock
  readonly budgetFactor: number
  readonly onSigned: (form: SignatureForm) => void
  /** Of those for whom it leads: the own clients, or one other member. */
  readonly pace: Pace
}

const GUEST_MARGIN_MS = 1_000 // a guest keeps its budget itself; beyond that it hangs
const FORMS_BELOW = 2 // from a presignature to correlations, and from those to a full signature

/**
 * An attempt led by the own guest, with signers chosen from what this node sees. Material that a peer does not
 * know is no failure of anyone: the next form follows at once (03 §9.1). `first`: how it began already.
 */
export async function leadHere(
  deps: LeadDependencies,
  attempt: Attempt,
  first?: Outcome,
): Promise<Outcome> {
  const started = deps.clock.monotonic()
  const total = attempt.remainingMs
  let outcome = first ?? (await leadOnce(deps, attempt))
  for (let below = 0; below < FORMS_BELOW && isUnknown(outcome); below++) {
    const remainingMs = total - (deps.clock.monotonic() - started)
    if (remainingMs < SHORTEST_ATTEMPT_MS) return outOfTime
    outcome = await leadOnce(deps, { ...attempt, remainingMs, preferred: null })
  }
  return outcome
}

const isUnknown = (outcome: Outcome): boolean =>
  outcome.kind === 'failed' &&
  (outcome.fault === 'presig-unknown' || outcome.fault === 'corr-unknown')

async function leadOnce(deps: LeadDependencies, attempt: Attempt): Promise<Outcome> {
  const { standing } = deps
  await standing.refresh(attempt.signal)
  const signers =
    attempt.kind === 'keygen'
      ? everyone(standing, attempt.excluded)
      : someSigners(standing, attempt)
  if (!Array.isArray(signers)) return signers
  try {
    return await leadWith(deps, attempt, signers)
  } finally {
    standing.renew()
  }
}

/** One attempt led by the own guest with exactly these signers, when its turn has come. */
export async function leadWith(
  deps: LeadDependencies,
  attempt: Attempt,
  signers: readonly PartyIndex[],
): Promise<Outcome> {
  if (attempt.kind === 'keygen') return leadNow(deps, attempt, signers) // the guests count those
  const began = deps.clock.monotonic()
  const leave = await deps.pace.enter(attempt.signal)
  try {
    const remainingMs = attempt.remainingMs - (deps.clock.monotonic() - began)
    if (remainingMs < SHORTEST_ATTEMPT_MS) return outOfTime // it waited too long: nobody's fault
    const outcome = await leadNow(deps, { ...attempt, remainingMs }, signers)
    leavePace(deps, leave, outcome, signers)
    return outcome
  } finally {
    leave('other')
  }
}

function leavePace(
  { standing, budgetFactor }: LeadDependencies,
  leave: Leave,
  outcome: Outcome,
  signers: readonly PartyIndex[],
): void {
  leave(pacedBy(outcome), quickMs(standing.slowestMs(signers), budgetFactor))
}

/** What is learnt from the end of an attempt that the guest led with its check. */
export function endOf(
  deps: LeadDependencies,
  leave: Leave,
  reply: LeadReply,
  signers: readonly PartyIndex[],
): Outcome {
  const outcome = outcomeOf(deps, reply, signers)
  leavePace(deps, leave, outcome, signers)
  deps.standing.renew()
  return outcome
}

function outcomeOf(
  { standing, onSigned }: LeadDependencies,
  reply: LeadReply,
  signers: readonly PartyIndex[],
): Outcome {
  if (reply.kind === 'done') {
    if (reply.form !== undefined) onSigned(reply.form)
    return reply
  }
  standing.stale() // what failed may have changed pairs or bans
  return reply.kind === 'failed' ? { ...reply, signers } : reply
}

function pacedBy(outcome: Outcome): Paced {
  if (outcome.kind === 'done') return 'done'
  if (outcome.kind !== 'failed') return 'other'
  if (outcome.fault === 'timeout' || outcome.fault === 'overloaded') return 'late'
  return outcome.fault === 'not-yet' ? 'held' : 'other'
}

async function leadNow(
  deps: LeadDependencies,
  { kind, request, attempt, remainingMs, signal, phases }: Attempt,
  signers: readonly PartyIndex[],
): Promise<Outcome> {
  const { guest, standing, clock, budgetFactor } = deps
  const rttMs = standing.slowestMs(signers)
  const budgets = attemptBudget(kind, { rttMs, remainingMs, factor: budgetFactor })
  const { budgetMs } = budgets
  const started = clock.monotonic()
  const limited = AbortSignal.any([signal, AbortSignal.timeout(budgetMs + GUEST_MARGIN_MS)])
  try {
    phases?.enter('reply')
    const led = guest.lead(request, { attempt, signers, ...budgets }, limited)
    const reply = await orAborted(led, limited)
    phases?.asGuestSays(reply.kind === 'done' ? reply.phases : undefined)
    return outcomeOf(deps, reply, signers)
  } catch (cause) {
    standing.stale()
    if (signal.aborted || clock.monotonic() - started < budgetMs) throw cause
    return { ...silent([standing.me]), signers } // the own guest hangs
  }
}

/** A failure of parties of which nothing was heard. */
export const silent = (parties: readonly PartyIndex[]): Extract<LeadReply, { kind: 'failed' }> => ({
  kind: 'failed',
  fault: 'timeout',
  parties,
  retryAfterMs: 0,
  ids: [],
})

/** The request's time was over before an attempt could begin. */
const outOfTime: Outcome = { ...silent([]), fault: 'overloaded', signers: [] }

/** A key generation needs all members. */
function everyone(standing: Standing, excluded: ReadonlySet<PartyIndex>): PartyIndex[] | Short {
  const all = standing.members.map(({ index }) => index)
  const reachable = all.filter((party) => standing.reachable(party) && !excluded.has(party))
  return reachable.length === all.length
    ? all.toSorted((a, b) => a - b)
    : { kind: 'short', reason: 'links', reachable, needed: all.length }
}

/** What speaks against a party, so that any of a row outweighs all of the rows below it. */
const DOUBT = {
  avoided: 10_000, // named in this request, or suspended: only where it does not work without
  suspect: 100, // in every session that someone unknown spoilt (02 §6.2)
  once: 1, // for each failed session of its own, and for each together with another that is chosen
}

/**
 * t signers: a subset that has not failed in this request as long as there is one; those that failed and those
 * with a bad record only where it does not work without; and as different from what failed as can be.
 */
function someSigners(standing: Standing, attempt: Attempt): PartyIndex[] | Short {
  const { me, threshold } = standing
  const { history, avoid, excluded } = attempt
  const reachable = rendezvousOrder(attempt.reqId, standing.members)
    .map(({ index }) => index)
    .filter((party) => standing.reachable(party) && !excluded.has(party))
  const able = reachable.filter((party) => standing.paired(party))
  const ready = preferredSigners(standing, attempt, able)
  if (ready !== undefined) return ready
  const suspects = standing.suspects()
  const doubts = new Map(
    able.map((party) => [
      party,
      (avoid.has(party) || standing.avoided(party) ? DOUBT.avoided : 0) +
        (suspects.includes(party) ? DOUBT.suspect : 0) +
        (standing.doubts(party) + history.timesTogether([party])) * DOUBT.once,
    ]),
  )
  const together = (a: PartyIndex, b: PartyIndex): number =>
    history.timesTogether([a, b]) * DOUBT.once
  const signers = reachable.includes(me)
    ? chooseSigners({
        leader: me,
        threshold,
        candidates: able,
        rttMs: (party) => standing.rttMs(party),
        banned: (a, b) => standing.banned(a, b),
        doubt: (party, beside) =>
          beside.reduce((sum, other) => sum + together(other, party), doubts.get(party) ?? 0),
        failures: (parties) => history.timesFailed(parties),
      })
    : undefined
  if (signers !== undefined) return signers
  const reason = reachable.length < threshold ? 'links' : able.length < threshold ? 'pairs' : 'bans'
  return { kind: 'short', reason, reachable, needed: threshold }
}

/** The preferred signers, when all of them can take part and nothing speaks against any. */
function preferredSigners(
  standing: Standing,
  { preferred, avoid }: Attempt,
  able: readonly PartyIndex[],
): PartyIndex[] | undefined {
  if (preferred?.length !== standing.threshold || !preferred.includes(standing.me)) return undefined
  const suspects = standing.suspects()
  const all = preferred.every(
    (party, at) =>
      able.includes(party) &&
      !avoid.has(party) &&
      !standing.avoided(party) &&
      !suspects.includes(party) &&
      preferred.every((other, its) => its <= at || !standing.banned(party, other)),
  )
  return all ? [...preferred] : undefined
}
