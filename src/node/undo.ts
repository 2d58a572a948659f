import type { Log } from './log.ts'

export interface UndoLimits {
  /** How long one step may take; then the next one begins. */
  readonly stepMs: number
  /** How long all of them together. */
  readonly allMs: number
}

const LEAST_MS = 1_000 // for each step that is still to come, however long those before it took

/** What was started, and how to stop it: in the opposite order, whatever fails on the way. */
export class Undo {
  readonly #steps: { name: string; stop: () => Promise<void> | void }[] = []
  readonly #log: Log
  readonly #limits: UndoLimits

  constructor(log: Log, limits: UndoLimits) {
    this.#log = log
    this.#limits = limits
  }

  add(name: string, stop: () => Promise<void> | void): void {
    this.#steps.push({ name, stop })
  }

  /** Stops everything that was added; a second call finds nothing to do. Never rejects. */
  async run(): Promise<void> {
    const end = performance.now() + this.#limits.allMs
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { name, stop } = step
      const left = end - performance.now() - this.#steps.length * LEAST_MS
      const ms = Math.max(LEAST_MS, Math.min(this.#limits.stepMs, Math.floor(left)))
      const outcome = await within(stop, ms)
      if (outcome === 'late') this.#log.error('stop-hangs', { reason: name, ms })
      if (outcome === 'failed') this.#log.error('stop-failed', { reason: name })
    }
  }
}

async function within(
  stop: () => Promise<void> | void,
  ms: number,
): Promise<'done' | 'late' | 'failed'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  const done = (async () => stop())().then(
    () => 'done' as const,
    () => 'failed' as const,
  )
  const outcome = await Promise.race([done, late])
  clearTimeout(timer)
  return outcome
}
