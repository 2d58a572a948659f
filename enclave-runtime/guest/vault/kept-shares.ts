/** Sealed share records kept in memory, about 400 bytes each: of the keys that sign, not of all that are held. */
const MAX_KEPT = 4_096

/**
 * Sealed records of shares that were read and opened before: a signature opens its share anew, and asks the host
 * for the same bytes once only. A share is written once, so what was read stays true until its record is written
 * or deleted, which the vault tells before it begins and after it is done.
 */
export class KeptShares {
  readonly #records = new Map<string, Uint8Array>()
  #changes = 0

  get(name: string): Uint8Array | undefined {
    return this.#records.get(name)
  }

  /** Asked before a record is read; what is returned keeps it, unless a record changed meanwhile. */
  reading(): (name: string, record: Uint8Array) => void {
    const before = this.#changes
    return (name, record) => {
      if (this.#changes !== before) return
      this.#records.delete(name)
      this.#records.set(name, record)
      const [oldest] = this.#records.keys()
      if (this.#records.size > MAX_KEPT && oldest !== undefined) this.#records.delete(oldest)
    }
  }

  /** These records are about to change, or just did. */
  changed(names: Iterable<string>): void {
    for (const name of names) {
      this.#changes += 1
      this.#records.delete(name)
    }
  }

  clear(): void {
    this.#changes += 1
    this.#records.clear()
  }
}
