import type { Log } from './log.ts'

/** What was started, and how to stop it: in the opposite order, whatever fails on the way. */
export class Undo {
  readonly #steps: { name: string; stop: () => Promise<void> | void }[] = []
  readonly #log: Log
  readonly #deadlineMs: number

  /** Each step may take `deadlineMs`; then the next one begins. */
  constructor(log: Log, deadlineMs: number) {
    this.#log = log
    this.#deadlineMs = deadlineMs
  }

  add(name: string, stop: () => Promise<void> | void): void {
    this.#steps.push({ name, stop })
  }

  /** Stops everything that was added; a second call finds nothing to do. Never rejects. */
  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { name, stop } = step
      const outcome = await this.#within(stop)
      if (outcome === 'late') this.#log.error('stop-hangs', { reason: name, ms: this.#deadlineMs })
      if (outcome === 'failed') this.#log.error('stop-failed', { reason: name })
    }
  }

  async #within(stop: () => Promise<void> | void): Promise<'done' | 'late' | 'failed'> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.#deadlineMs)
    })
    const done = (async () => stop())().then(
      () => 'done' as const,
      () => 'failed' as const,
    )
    const outcome = await Promise.race([done, late])
    clearTimeout(timer)
    return outcome
  }
}
