import type { CoordinatorLog, Rpc } from './collaborators.ts'
import type { Deadline } from './deadline.ts'
import { decodeLeadAsk, encodeOutcome, type LeadAsk } from './forward.ts'
import { type LeadDependencies, leadHere, type Outcome } from './lead.ts'

const MAX_LEADS = 64 // attempts led for other entry nodes at once; more are asked to come again
const OVERLOADED_DELAY_MS = 500

/** Leads attempts for other members' requests. The own guest checks each of them from scratch. */
export function serveLeads(
  deps: LeadDependencies & { readonly rpc: Rpc; readonly log: CoordinatorLog },
  deadlineOf: (ms: number) => Deadline,
): void {
  let running = 0
  deps.rpc.serve(async function* (frame, from) {
    if (!deps.standing.members.some(({ peerId }) => peerId === from))
      throw new Error('only members may ask for a lead')
    const ask = decodeLeadAsk(frame)
    if (running >= MAX_LEADS) {
      yield encodeOutcome(overloaded(deps.standing.me))
      return
    }
    running += 1
    try {
      yield encodeOutcome(await leadFor(deps, ask, deadlineOf(ask.remainingMs)))
    } finally {
      running -= 1
    }
  })
}

async function leadFor(deps: LeadDependencies, ask: LeadAsk, deadline: Deadline): Promise<Outcome> {
  const { request, attempt, excluded } = ask
  const checked = await deps.guest.check(request, deadline.signal)
  if (checked.kind === 'done') return { ...checked, signers: [deps.standing.me] }
  if (checked.kind === 'error') return checked
  return leadHere(deps, {
    kind: checked.kind,
    reqId: checked.reqId,
    request,
    attempt,
    remainingMs: deadline.remainingMs(),
    excluded: new Set(excluded),
    avoid: new Set(),
    signal: deadline.signal,
  })
}

const overloaded = (me: number): Outcome => ({
  kind: 'failed',
  fault: 'overloaded',
  parties: [me],
  retryAfterMs: OVERLOADED_DELAY_MS,
  ids: [],
  signers: [me],
})
