/** The shortest an attempt of form (a) gets: three rounds of 60 KiB with their arithmetic (03 §9.1, "full"). */
const SIGN_BUDGET_MS = 2_000
/** Round trips an attempt of form (a) may take (03 §9.1). */
const SIGN_BUDGET_RTTS = 20
/** A key generation waits for synced writes of every member; two fit into the longest deadline. */
const KEYGEN_BUDGET_MS = 12_000

/**
 * How long one attempt may take, in ms. `factor` stretches it for a slow kernel: 2 for the reference
 * kernel, 1 otherwise. Never longer than what remains of the request.
 */
export function attemptBudget(
  kind: 'sign' | 'keygen',
  times: { readonly rttMs: number; readonly remainingMs: number; readonly factor: number },
): number {
  const full = Math.max(SIGN_BUDGET_MS, SIGN_BUDGET_RTTS * times.rttMs) * times.factor
  const keygen = KEYGEN_BUDGET_MS + SIGN_BUDGET_RTTS * times.rttMs
  return Math.floor(Math.min(times.remainingMs, kind === 'sign' ? full : keygen))
}
