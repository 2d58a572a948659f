/**
 * The secrets of one run. What is still held when the run ends, however it ends, is wiped: a
 * conversation `hold`s every secret it makes, `spend`s the ones an operation consumes, and `keep`s
 * those that outlive it. After `wipe` it holds nothing any more.
 */
export class Scratch<Handle> {
  readonly #held = new Set<Handle>()
  readonly #wipe: (handle: Handle) => void
  #over = false

  constructor(wipe: (handle: Handle) => void) {
    this.#wipe = wipe
  }

  /** Once the run is over, as for a message that is heard too late, it is wiped at once. */
  hold<H extends Handle>(handle: H): H {
    if (this.#over) this.#wipe(handle)
    else this.#held.add(handle)
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

  /** The end of the run. One that cannot be wiped keeps none of the others; its error is thrown after them. */
  wipe(): void {
    this.#over = true
    const errors: unknown[] = []
    for (const handle of this.#held)
      try {
        this.#wipe(handle)
      } catch (error) {
        errors.push(error)
      }
    this.#held.clear()
    if (errors.length > 0) throw errors[0]
  }
}
