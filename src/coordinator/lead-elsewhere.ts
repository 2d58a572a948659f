import type { PartyIndex } from '../../protocols/session/faults.ts'
import { attemptBudget } from './budget.ts'
import type { CoordinatorLog, Rpc } from './collaborators.ts'
import { type Deadline, orAborted } from './deadline.ts'
import { decodeOutcome, encodeLeadAsk } from './forward.ts'
import { type Attempt, type LeadDependencies, leadWith, type Outcome, silent } from './lead.ts'
import { rendezvousOrder } from './leaders.ts'

export interface ForwardDependencies extends LeadDependencies {
  readonly rpc: Rpc
  readonly log: CoordinatorLog
}

/** How an attempt ended that another member was asked to lead; `late` when it said nothing in time. */
export type Forwarded = Outcome | 'late'

const MARGIN_MS = 1_500 // beside one attempt: its check, its turn, and forms that others do not know
const WAY_MS = 1_000 // to another leader and back, on machines that have much to do
const LONGEST_WAIT_MS = 8_000 // so that a leader that is silent leaves time for others, whatever the links say

/** Asks another member to lead. Undefined when it could not be asked: then this node leads. */
export async function leadElsewhere(
  { standing, rpc, budgetFactor, log }: ForwardDependencies,
  leader: PartyIndex,
  { kind, request, attempt, remainingMs, excluded, avoid, history }: Attempt,
  deadline: Deadline,
): Promise<Forwarded | undefined> {
  const member = standing.member(leader)
  if (member === undefined) return undefined
  const most = standing.members.length - standing.threshold
  const doubted = standing.members
    .map(({ index }) => index)
    .filter((party) => avoid.has(party) && party !== leader)
    .sort((a, b) => history.timesTogether([b]) - history.timesTogether([a]))
  const without = [...new Set([...excluded, ...doubted])].slice(0, Math.max(most, excluded.size))
  const rttMs = standing.slowestMs(standing.members.map(({ index }) => index))
  const { budgetMs } = attemptBudget(kind, { rttMs, remainingMs, factor: budgetFactor })
  // The leader is told what time it has, so that one that is honest answers before it counts as silent.
  const itsMs = Math.floor(Math.min(remainingMs, budgetMs + MARGIN_MS, LONGEST_WAIT_MS - WAY_MS))
  const frame = encodeLeadAsk({ request, attempt, remainingMs: itsMs, excluded: without })
  if (frame === undefined) return undefined
  const late = AbortSignal.timeout(itsMs + WAY_MS)
  const signal = AbortSignal.any([deadline.signal, late])
  try {
    const answer = await orAborted(firstFrame(rpc.call(member.peerId, frame, signal)), signal)
    return answer === undefined ? undefined : decodeOutcome(answer) // undefined: it closed without one
  } catch (cause) {
    if (deadline.signal.aborted) throw cause
    log.warn({ leader, error: cause }, 'another leader did not answer')
    return late.aborted ? 'late' : undefined
  }
}

/**
 * Asks those that another host names as signers of a result, through the own guest, which verifies what
 * they answer (03 §9.1). That host is one of those asked, and others fill up where it names too few.
 */
export async function confirm(
  deps: LeadDependencies,
  attempt: Attempt,
  named: readonly PartyIndex[],
): Promise<Outcome> {
  const { standing } = deps
  const { me, threshold } = standing
  await standing.refresh(attempt.signal)
  const others = rendezvousOrder(attempt.reqId, standing.members).map(({ index }) => index)
  const signers = [me]
  for (const party of [...named, ...others]) {
    if (signers.length === threshold) break
    if (signers.includes(party) || !standing.reachable(party) || !standing.paired(party)) continue
    if (signers.some((other) => standing.banned(other, party))) continue
    signers.push(party)
  }
  signers.sort((a, b) => a - b)
  if (signers.length < threshold) return { ...silent([]), fault: 'unreachable', signers }
  return leadWith(deps, attempt, signers)
}

async function firstFrame(frames: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  for await (const frame of frames) return frame
  return undefined
}
