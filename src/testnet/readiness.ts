/** Whether a gateway answers, and whether its node can sign: `/readyz` says 200 when it can. */
export type Readiness = 'ready' | 'not-ready' | 'unreachable'

const PROBE_TIMEOUT_MS = 2_000 // on loopback an answer takes milliseconds; a frozen node gives none
const POLL_MS = 100 // pairs are set up in seconds

/** Asks `/readyz` once. */
export async function readiness(rpc: string): Promise<Readiness> {
  try {
    const reply = await fetch(new URL('/readyz', rpc), {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    })
    await reply.body?.cancel()
    return reply.ok ? 'ready' : 'not-ready'
  } catch (error) {
    // fetch reports every failure of the connection as one of these two.
    if (error instanceof TypeError || error instanceof DOMException) return 'unreachable'
    throw error
  }
}

/** Resolves when the node is ready. @throws Error at the deadline, or the signal's reason. */
export async function untilReady(
  rpc: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + deadlineMs
  for (;;) {
    signal.throwIfAborted()
    const state = await readiness(rpc)
    if (state === 'ready') return
    if (performance.now() > end)
      throw new Error(`${rpc} was ${state} after ${Math.round(deadlineMs / 1000)} s`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
