import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { CoordinatorLog, Rpc } from './collaborators.ts'
import { type Deadline, orAborted } from './deadline.ts'
import { decodeLeadAsk, encodeOutcome, type LeadAsk } from './forward.ts'
import { type LeadDependencies, leadHere, type Outcome } from './lead.ts'
import { Pace, SERVED_ROOM } from './pace.ts'
import { type RememberDependencies, remember } from './remember.ts'
import { Tries } from './tries.ts'

const MAX_LEADS = 64 // attempts led for other entry nodes at once; more are asked to come again
const MAX_LEADS_PER_PEER = 16 // so that one member cannot take the places of three others
const ASK_MS = 2_000 // a guest that has a result gives it at once
const OVERLOADED_DELAY_MS = 500

type ServeDependencies = LeadDependencies & RememberDependencies & { readonly rpc: Rpc }

/**
 * Leads attempts for other members' requests. The own guest checks each of them from scratch. Each member has a
 * small pace of its own, which yields to that of the own clients.
 */
export function serveLeads(deps: ServeDependencies, deadlineOf: (ms: number) => Deadline): void {
  let running = 0
  const byPeer = new Map<string, number>()
  const paces = new Map<string, Pace>()
  const paceOf = (from: string): Pace => {
    const known = paces.get(from)
    if (known !== undefined) return known
    const pace = new Pace(deps.clock, SERVED_ROOM, deps.pace)
    paces.set(from, pace)
    return pace
  }
  deps.rpc.serve(async function* (frame, from) {
    if (!deps.standing.members.some(({ peerId }) => peerId === from))
      throw new Error('only members may ask for a lead')
    const ask = decodeLeadAsk(frame)
    const its = byPeer.get(from) ?? 0
    const pace = paceOf(from)
    const most = Math.min(MAX_LEADS_PER_PEER, pace.room + pace.soon) // one more would not soon begin
    if (running >= MAX_LEADS || its >= most) {
      yield encodeOutcome(overloaded(deps.standing.me))
      return
    }
    running += 1
    byPeer.set(from, its + 1)
    try {
      yield encodeOutcome(await leadFor({ ...deps, pace }, ask, deadlineOf(ask.remainingMs)))
    } finally {
      running -= 1
      const left = (byPeer.get(from) ?? 1) - 1
      if (left === 0) byPeer.delete(from)
      else byPeer.set(from, left)
    }
  })
}

async function leadFor(
  deps: ServeDependencies,
  ask: LeadAsk,
  deadline: Deadline,
): Promise<Outcome> {
  try {
    return await leadAsked(deps, ask, deadline)
  } catch (cause) {
    if (!deadline.signal.aborted) throw cause
    return overloaded(deps.standing.me) // so that nobody takes a long queue for silence
  }
}

async function leadAsked(
  deps: ServeDependencies,
  ask: LeadAsk,
  deadline: Deadline,
): Promise<Outcome> {
  const { request, attempt, excluded } = ask
  const checked = await deps.guest.check(request, deadline.signal)
  if (checked.kind === 'done')
    return { ...checked, signers: await signersOf(deps, ask, deadline.signal) }
  if (checked.kind === 'error') return checked
  if (checked.kind === 'led') throw new Error('bug: an offer was taken that nobody made')
  const outcome = await leadHere(deps, {
    kind: checked.kind,
    reqId: checked.reqId,
    request,
    attempt,
    remainingMs: deadline.remainingMs(),
    excluded: new Set(excluded),
    avoid: new Set(),
    history: new Tries(),
    preferred: checked.signers ?? null,
    signal: deadline.signal,
  })
  remember(deps, outcome, deadline, deps.clock.monotonic())
  return outcome
}

/** Who signed what the guest has already, as it knows when it is asked to lead; empty when it does not. */
async function signersOf(
  { guest, standing, log }: LeadDependencies & { readonly log: CoordinatorLog },
  { request, attempt }: LeadAsk,
  signal: AbortSignal,
): Promise<readonly PartyIndex[]> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)])
  const plan = { attempt, signers: [standing.me], budgetMs: ASK_MS }
  try {
    const led = await orAborted(guest.lead(request, plan, limited), limited)
    return led.kind === 'done' ? led.signers : []
  } catch (error) {
    log.warn({ error }, 'the guest did not say who signed')
    return []
  }
}

const overloaded = (me: number): Outcome => ({
  kind: 'failed',
  fault: 'overloaded',
  parties: [me],
  retryAfterMs: OVERLOADED_DELAY_MS,
  ids: [],
  signers: [me],
})
