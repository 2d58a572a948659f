/** What happens to one account happens one after the other; different accounts do not wait for each other. */
export class AccountTurns {
  readonly #last = new Map<string, Promise<void>>()

  /** Runs after everything that was asked of this account before, however that ended. */
  run<T>(accountId: Uint8Array, work: () => Promise<T>): Promise<T> {
    const key = Buffer.from(accountId).toString('hex')
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work)
    const tail = done.then(
      () => undefined,
      () => undefined, // told to who asked for it
    )
    this.#last.set(key, tail)
    void tail.then(() => {
      if (this.#last.get(key) === tail) this.#last.delete(key)
    })
    return done
  }
}
