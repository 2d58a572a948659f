const STEP_MS = 1_000 // so much later than asked for it may end: far below what such deadlines are

/**
 * Gives signals that abort between `ms` and a second more from now; all who ask within a second share one. For waits
 * that nearly never last: a signal and a timer for each of them cost more than the wait.
 */
export function sharedDeadline(
  ms: number,
  now: () => number = () => performance.now(),
): () => AbortSignal {
  let signal = AbortSignal.abort()
  let madeAt = Number.NEGATIVE_INFINITY
  return () => {
    if (now() - madeAt >= STEP_MS) {
      madeAt = now()
      signal = AbortSignal.timeout(ms + STEP_MS)
    }
    return signal
  }
}
