/**
 * The secrets of one run. What is still held when the run ends, however it ends, is wiped: a
 * conversation `hold`s every secret it makes, `spend`s the ones an operation consumes, and `keep`s
 * those that outlive it.
 */
export class Scratch<Handle> {
  readonly #held = new Set<Handle>()
  readonly #wipe: (handle: Handle) => void

  constructor(wipe: (handle: Handle) => void) {
    this.#wipe = wipe
  }

  hold<H extends Handle>(handle: H): H {
    this.#held.add(handle)
    return handle
  }

  /** About to be consumed, and wiped, by the operation it is given to. */
  spend<H extends Handle>(handle: H): H {
    if (!this.#held.delete(handle)) throw new Error('bug: a secret of another run, or spent twice')
    return handle
  }

  /** Belongs to the caller from here on. */
  keep<H extends Handle>(handle: H): H {
    return this.spend(handle)
  }

  wipe(): void {
    for (const handle of this.#held) this.#wipe(handle)
    this.#held.clear()
  }
}
