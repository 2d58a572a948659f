import { HoldfastError } from './holdfast-error.ts'

export interface Wait {
  /** Aborted by the caller or by the deadline. */
  readonly signal: AbortSignal
  /** The error for whichever of the two it was. */
  reason(): HoldfastError
}

/** One deadline over everything a call does. */
export function waitFor(deadlineMs: number, caller: AbortSignal | undefined): Wait {
  const late = AbortSignal.timeout(deadlineMs)
  return {
    signal: caller === undefined ? late : AbortSignal.any([caller, late]),
    reason: () =>
      caller?.aborted === true
        ? new HoldfastError('ABORTED', { cause: caller.reason })
        : new HoldfastError('MPC_DEADLINE', { message: `no answer within ${deadlineMs} ms` }),
  }
}

/** Resolves after `ms`, or at once when `signal` is aborted: what follows looks at the signal anyway. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const end = (): void => {
    clearTimeout(timer)
    resolve()
  }
  signal.addEventListener('abort', end, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', end))
}

/**
 * What `promise` gives, unless `signal` is aborted first: then its reason is thrown. Whatever does not look at
 * the signal itself (a signer, a `fetch` of the caller's) goes on alone.
 */
export async function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
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
