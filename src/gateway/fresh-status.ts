import type { NodeStatus } from '../wire/status.ts'

const FRESH_MS = 250 // health checks and waiting clients look a few times a second
const TIMEOUT_MS = 2_000 // of the one question, whoever waits for it

/**
 * The node's status as many may ask for it: one question to the guest at a time, whose answer serves all who
 * ask while it is under way and for 250 ms after it. `signal` ends one caller's wait, not the question.
 */
export function freshStatus(
  ask: (signal: AbortSignal) => Promise<NodeStatus>,
  monotonic: () => number,
): (signal: AbortSignal) => Promise<NodeStatus> {
  let known: { readonly status: NodeStatus; readonly at: number } | undefined
  let asking: Promise<NodeStatus> | undefined
  const question = async (): Promise<NodeStatus> => {
    try {
      const status = await within(ask, AbortSignal.timeout(TIMEOUT_MS))
      known = { status, at: monotonic() }
      return status
    } finally {
      asking = undefined
    }
  }
  return async (signal) => {
    if (known !== undefined && monotonic() - known.at < FRESH_MS) return known.status
    asking ??= question()
    const answer = asking
    return await within(() => answer, signal)
  }
}

/** What `ask` gives, unless `signal` is aborted first. */
async function within<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = (): void => reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([ask(signal), aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
