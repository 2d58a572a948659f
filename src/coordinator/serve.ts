import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { CoordinatorLog, Rpc } from './collaborators.ts'
import { type Deadline, orAborted } from './deadline.ts'
import { decodeLeadAsk, encodeOutcome, type LeadAsk } from './forward.ts'
import { type LeadDependencies, leadHere, type Outcome } from './lead.ts'
import { Tries } from './tries.ts'

const MAX_LEADS = 64 // attempts led for other entry nodes at once; more are asked to come again
const MAX_LEADS_PER_PEER = 16 // so that one member cannot take the places of three others
const ASK_MS = 2_000 // a guest that has a result gives it at once
const OVERLOADED_DELAY_MS = 500

/** Leads attempts for other members' requests. The own guest checks each of them from scratch. */
export function serveLeads(
  deps: LeadDependencies & { readonly rpc: Rpc; readonly log: CoordinatorLog },
  deadlineOf: (ms: number) => Deadline,
): void {
  let running = 0
  const byPeer = new Map<string, number>()
  deps.rpc.serve(async function* (frame, from) {
    if (!deps.standing.members.some(({ peerId }) => peerId === from))
      throw new Error('only members may ask for a lead')
    const ask = decodeLeadAsk(frame)
    const its = byPeer.get(from) ?? 0
    if (running >= MAX_LEADS || its >= MAX_LEADS_PER_PEER) {
      yield encodeOutcome(overloaded(deps.standing.me))
      return
    }
    running += 1
    byPeer.set(from, its + 1)
    try {
      yield encodeOutcome(await leadFor(deps, ask, deadlineOf(ask.remainingMs)))
    } finally {
      running -= 1
      const left = (byPeer.get(from) ?? 1) - 1
      if (left === 0) byPeer.delete(from)
      else byPeer.set(from, left)
    }
  })
}

async function leadFor(
  deps: LeadDependencies & { readonly log: CoordinatorLog },
  ask: LeadAsk,
  deadline: Deadline,
): Promise<Outcome> {
  const { request, attempt, excluded } = ask
  const checked = await deps.guest.check(request, deadline.signal)
  if (checked.kind === 'done')
    return { ...checked, signers: await signersOf(deps, ask, deadline.signal) }
  if (checked.kind === 'error') return checked
  return leadHere(deps, {
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
