/** A map of at most `limit` entries: a new one beyond it takes the place of the oldest. */
export class BoundedMap<V> {
  readonly #limit: number
  readonly #entries = new Map<string, V>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: Uint8Array): V | undefined {
    return this.#entries.get(hex(key))
  }

  /** Also makes the entry the newest. */
  set(key: Uint8Array, value: V): void {
    const name = hex(key)
    this.#entries.delete(name)
    this.#entries.set(name, value)
    if (this.#entries.size <= this.#limit) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  delete(key: Uint8Array): void {
    this.#entries.delete(hex(key))
  }

  get size(): number {
    return this.#entries.size
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
