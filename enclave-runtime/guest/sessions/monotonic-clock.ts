import type { Clock } from './clock.ts'

/** The clock of this process. `after` never rings early: a timer of Node may, by a fraction of a millisecond. */
export const monotonicClock: Clock = {
  unixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, run) => ringAfter(ms, run, (timer) => timer),
}

/** A bell that keeps nothing running: who measures the loop is no reason for it to go on. */
export const idleClock: Pick<Clock, 'monotonicMs' | 'after'> = {
  monotonicMs: monotonicClock.monotonicMs,
  after: (ms, run) => ringAfter(ms, run, (timer) => timer.unref()),
}

function ringAfter(
  ms: number,
  run: () => void,
  held: (timer: NodeJS.Timeout) => NodeJS.Timeout,
): () => void {
  const due = performance.now() + ms
  const set = (left: number): NodeJS.Timeout => held(setTimeout(ring, Math.ceil(left)))
  const ring = (): void => {
    const left = due - performance.now()
    if (left > 0) timer = set(left)
    else run()
  }
  let timer = set(ms)
  return () => clearTimeout(timer)
}
