import type { Chance } from './chance.ts'

export type Change = { readonly key: string; readonly value?: unknown }

/**
 * A disk that keeps what was synced, and of the rest what chance leaves at a crash: a beginning of the
 * unsynced batches, the last of which may be torn.
 */
export class Disk {
  #synced = new Map<string, unknown>()
  #unsynced: (readonly Change[])[] = []

  /** What a process that runs now reads. */
  get(key: string): unknown {
    for (let i = this.#unsynced.length - 1; i >= 0; i--) {
      const change = this.#unsynced[i]?.findLast((one) => one.key === key)
      if (change !== undefined) return change.value
    }
    return this.#synced.get(key)
  }

  /** What is sure to survive. */
  durable(key: string): unknown {
    return this.#synced.get(key)
  }

  get durableRecords(): ReadonlyMap<string, unknown> {
    return this.#synced
  }

  write(batch: readonly Change[], sync: boolean): void {
    this.#unsynced.push(batch)
    if (sync) this.sync()
  }

  sync(): void {
    for (const batch of this.#unsynced) for (const change of batch) apply(this.#synced, change)
    this.#unsynced = []
    this.#synced.set(COUNTER, Math.max(this.seq + 1, Number(this.#synced.get('seq') ?? 0)))
  }

  /** Synced batches so far; a host that puts an older state back puts back an older one of these. */
  get seq(): number {
    return Number(this.#synced.get(COUNTER) ?? 0)
  }

  crash(chance: Chance): void {
    const kept = this.#unsynced.slice(0, chance.int(this.#unsynced.length + 1))
    const torn = this.#unsynced[kept.length]
    for (const batch of kept) for (const change of batch) apply(this.#synced, change)
    if (torn !== undefined && chance.happens(0.5))
      for (const change of torn.slice(0, chance.int(torn.length))) apply(this.#synced, change)
    this.#unsynced = []
  }

  /** A copy of what is durable now, as a host that means to roll it back takes it. */
  image(): ReadonlyMap<string, unknown> {
    return new Map(this.#synced)
  }

  restore(image: ReadonlyMap<string, unknown>): void {
    this.#synced = new Map(image)
    this.#unsynced = []
  }
}

const COUNTER = 'vault-seq'

const apply = (records: Map<string, unknown>, { key, value }: Change): void => {
  if (value === undefined) records.delete(key)
  else records.set(key, value)
}
