import type { Log } from './log.ts'

/** Errors that a stream of libp2p may throw from an event when a drain meets a close (its issue 3415). */
const STREAM_ERRORS = new Set(['StreamStateError', 'StreamResetError', 'StreamBufferError'])
const TOLERATED = 5 // within a minute: the sixth says that something else is wrong
const WINDOW_MS = 60_000
/** Ends the host; its guest is another process, and the shares are not touched. 70 to 75 are a guest's end. */
export const UNCAUGHT_EXIT_CODE = 76

export interface UncaughtPolicy {
  readonly log: Log
  /** Counts a tolerated error by its name. */
  count(name: string): void
  exit(code: number): void
  /** Monotonic milliseconds. */
  clock(): number
}

/** For `process.on('uncaughtException', …)` in the node's executable (spec "Network", 07 §2.6). */
export function uncaughtPolicy(policy: UncaughtPolicy): (error: unknown) => void {
  let recent: number[] = []
  return (error) => {
    const name = error instanceof Error ? error.name : 'unknown'
    const now = policy.clock()
    recent = recent.filter((at) => now - at < WINDOW_MS)
    if (STREAM_ERRORS.has(name) && recent.length < TOLERATED) {
      recent.push(now)
      policy.count(name)
      policy.log.warn('stream-error', { reason: name })
      return
    }
    policy.log.error('uncaught', { reason: name })
    policy.exit(UNCAUGHT_EXIT_CODE)
  }
}
