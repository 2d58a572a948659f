import type { LeadPlan } from '../../enclave-runtime/host/guest.ts'

/** The shortest an attempt of form (a) gets: three rounds of 60 KiB with their arithmetic (03 §9.1, "full"). */
const SIGN_BUDGET_MS = 2_000
/** Round trips an attempt of form (a) may take (03 §9.1). */
const SIGN_BUDGET_RTTS = 20
/**
 * Deviation: 03 §9.1 gives form (b) at least 500 ms and form (c) 250. A member that died is known by its link,
 * at once; so what a budget ends is mostly a stall of a loaded machine, and ending that early costs a
 * presignature and holds silence against an honest member. Both still leave time for a full attempt within 3 s.
 */
const CORRELATED_BUDGET_MS = 1_500
const PRESIGNED_BUDGET_MS = 1_000
const CORRELATED_RTTS = 10 // 03 §9.1
const CORRELATED_MORE_MS = 100
const PRESIGNED_RTTS = 4 // 03 §9.1
const PRESIGNED_MORE_MS = 50
/** Below that nothing ends in time (05 §3.3): no attempt is begun. */
export const SHORTEST_ATTEMPT_MS = 100
/** A key generation waits for synced writes of every member; two fit into the longest deadline. */
const KEYGEN_BUDGET_MS = 12_000

/**
 * How long one attempt may take, in ms; the guest chooses the form, and with it the budget. `factor` stretches
 * them for a slow kernel: 2 for the reference kernel, 1 otherwise. Never longer than what remains of the request.
 */
export function attemptBudget(
  kind: 'sign' | 'keygen',
  times: { readonly rttMs: number; readonly remainingMs: number; readonly factor: number },
): Pick<LeadPlan, 'budgetMs' | 'budgets'> {
  const { rttMs, remainingMs, factor } = times
  const within = (ms: number): number => Math.floor(Math.min(remainingMs, ms))
  if (kind === 'keygen') return { budgetMs: within(KEYGEN_BUDGET_MS + SIGN_BUDGET_RTTS * rttMs) }
  const full = Math.max(SIGN_BUDGET_MS, SIGN_BUDGET_RTTS * rttMs)
  const correlated = Math.max(CORRELATED_BUDGET_MS, CORRELATED_RTTS * rttMs + CORRELATED_MORE_MS)
  const presigned = Math.max(PRESIGNED_BUDGET_MS, PRESIGNED_RTTS * rttMs + PRESIGNED_MORE_MS)
  return {
    budgetMs: within(full * factor),
    budgets: { correlated: within(correlated * factor), presigned: within(presigned * factor) },
  }
}
