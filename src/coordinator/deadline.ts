import type { Clock } from './collaborators.ts'

/** The one end of everything that is done for a request: remaining time and a signal (03 §9.1). */
export interface Deadline {
  readonly signal: AbortSignal
  remainingMs(): number
}

/** A deadline `ms` from now that ends early when `stop` is aborted. */
export function deadlineAfter(ms: number, clock: Clock, stop: AbortSignal): Deadline {
  const end = clock.monotonic() + ms
  return {
    signal: AbortSignal.any([AbortSignal.timeout(Math.max(0, Math.ceil(ms))), stop]),
    remainingMs: () => Math.max(0, end - clock.monotonic()),
  }
}

/** What `promise` gives, unless `signal` is aborted first: then its reason is thrown. The work goes on. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = (): void => reject(signal.reason)
  if (signal.aborted)
    leave() // a listener would not be called any more
  else signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
