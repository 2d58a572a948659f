/** Time as the scheduler sees it, so that tests need none. Milliseconds. */
export interface LoopClock {
  now(): number
  wait(ms: number): Promise<void>
}

export interface OpenLoopPlan {
  readonly perSecond: number
  readonly count: number
  /** Requests under way at once; one that would be more is a failure, and says so. */
  readonly maxInFlight: number
}

export interface Outcome {
  /** From the scheduled moment to the end, however late the request left. */
  readonly ms: number
  /** Absent: it succeeded. */
  readonly error?: string
}

/**
 * Sends requests on schedule, whether or not earlier ones returned, and counts each from its scheduled moment
 * (10 §6.1, rule 9): a service that stalls is charged for every request that should have left meanwhile.
 */
export async function openLoop(
  plan: OpenLoopPlan,
  clock: LoopClock,
  request: (number: number) => Promise<void>,
): Promise<Outcome[]> {
  const { perSecond, count, maxInFlight } = plan
  const outcomes: Promise<Outcome>[] = []
  const start = clock.now()
  let inFlight = 0
  for (let number = 0; number < count; number++) {
    const due = start + (number * 1000) / perSecond
    const early = due - clock.now()
    if (early > 0) await clock.wait(early)
    if (inFlight >= maxInFlight) {
      outcomes.push(Promise.resolve({ ms: clock.now() - due, error: 'TOO_MANY_IN_FLIGHT' }))
      continue
    }
    inFlight += 1
    const ended = (error?: string): Outcome => {
      inFlight -= 1
      return { ms: clock.now() - due, ...(error !== undefined && { error }) }
    }
    outcomes.push(
      request(number).then(
        () => ended(),
        (error: unknown) => ended(nameOf(error)),
      ),
    )
  }
  return Promise.all(outcomes)
}

/** The machine's own clock. */
export const machineClock: LoopClock = {
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/** The stable id of an error of the SDK, or the name of any other. */
export const nameOf = (error: unknown): string =>
  error instanceof Error ? ('id' in error ? String(error.id) : error.name) : 'unknown'
