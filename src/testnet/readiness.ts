import { z } from 'zod'

/** What `/readyz` of a gateway says. */
export interface Readiness {
  /** Whether a quorum can sign with this node now. */
  readonly ready: boolean
  /** Whether every pair setup that can be made is made. */
  readonly complete: boolean
  /** Members that can sign with this node now, itself included. */
  readonly signers: number
  readonly reasons: readonly string[]
}

/** A network that did not become ready in time; the message says what each node waits for. */
export class NotReadyError extends Error {
  override readonly name = 'NotReadyError'
}

const PROBE_TIMEOUT_MS = 3_000 // above the node's own limit for asking its guest
const POLL_MS = 100 // pairs are set up in seconds
const QUICK_LOOKS = 20 // half of what a node answers one address at once
const PATIENT_POLL_MS = 500 // what it answers for as long as one likes: 120 a minute (05 §4.4)
const MAX_REASONS = 64

const Answer: z.ZodType<Readiness> = z.object({
  ready: z.boolean(),
  complete: z.boolean().default(false),
  signers: z.int().default(0),
  reasons: z.array(z.string().max(512)).max(MAX_REASONS).default([]),
})

/** Asks `/readyz` once; undefined when nobody answers. */
export async function readiness(rpc: string, signal?: AbortSignal): Promise<Readiness | undefined> {
  const limit = AbortSignal.timeout(PROBE_TIMEOUT_MS)
  try {
    const reply = await fetch(new URL('/readyz', rpc), {
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    })
    const parsed = Answer.safeParse(await reply.json())
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    signal?.throwIfAborted()
    // fetch and json report every failure of the connection or the answer as one of these.
    if (error instanceof TypeError || error instanceof SyntaxError) return undefined
    if (error instanceof DOMException) return undefined
    throw error
  }
}

/**
 * Resolves when all of these nodes can sign, and, with `complete`, have all their pair setups.
 * `onProgress` is told what each said at every look. @throws NotReadyError at the deadline.
 */
export async function untilReady(
  rpcs: readonly string[],
  options: {
    readonly complete: boolean
    readonly deadlineMs: number
    readonly signal: AbortSignal
    readonly onProgress?: (seen: readonly (Readiness | undefined)[]) => void
  },
): Promise<void> {
  const { complete, deadlineMs, signal, onProgress } = options
  const end = performance.now() + deadlineMs
  for (let looks = 1; ; looks++) {
    signal.throwIfAborted()
    const seen = await Promise.all(rpcs.map((rpc) => readiness(rpc, signal)))
    onProgress?.(seen)
    if (seen.every((one) => one?.ready === true && (one.complete || !complete))) return
    if (performance.now() > end) throw new NotReadyError(whatIsMissing(rpcs, seen, deadlineMs))
    const pauseMs = looks < QUICK_LOOKS ? POLL_MS : PATIENT_POLL_MS
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

function whatIsMissing(
  rpcs: readonly string[],
  seen: readonly (Readiness | undefined)[],
  deadlineMs: number,
): string {
  const lines = seen.map((one, at) => {
    const what = one === undefined ? 'does not answer' : one.reasons.join(', ') || 'is ready'
    return `${rpcs[at] ?? ''}: ${what}`
  })
  return [`the network was not ready after ${Math.round(deadlineMs / 1000)} s`, ...lines].join('\n')
}
