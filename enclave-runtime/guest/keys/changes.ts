/** Waits for something to become true, looked at whenever anything changed. */
export class Changes {
  readonly #listeners: Set<() => void>
  readonly #wake = (): void => this.#changed.resolve()
  #changed: PromiseWithResolvers<void> = Promise.withResolvers()

  /** `listeners`: those that are called after each change. */
  constructor(listeners: Set<() => void>) {
    this.#listeners = listeners
    listeners.add(this.#wake)
  }

  /** Resolves when it is so, or when the bell rang; `arm` sets the bell and gives back how to stop it. */
  async until(isSo: () => boolean, arm: (ring: () => void) => () => void): Promise<void> {
    let rang = false
    const disarm = arm(() => {
      rang = true
      this.#wake()
    })
    while (!rang && !isSo()) {
      await this.#changed.promise
      this.#changed = Promise.withResolvers()
    }
    disarm()
  }

  close(): void {
    this.#listeners.delete(this.#wake)
  }
}
