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
