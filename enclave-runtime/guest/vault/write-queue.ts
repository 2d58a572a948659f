import type { Batch } from './vault.ts'

interface Waiting {
  readonly changes: Batch
  readonly done: PromiseWithResolvers<void>
}

/** What one batch may hold: less than the store takes (04 §2), for each record is sealed and framed. */
const MAX_ROWS = 128
const MAX_BYTES: number = 512 * 1024

/**
 * Writes one after another, in the order in which they were asked for. Those of bulk records alone that wait
 * while another is on its way go together in one batch, so that a disk that takes milliseconds to sync is
 * asked once for all of them (group commit). Each resolves only when its batch is durable; the batch is
 * all or nothing, as each of them would have been, and of two records of one name the later one stays.
 */
export class WriteQueue {
  readonly #apply: (changes: Batch) => Promise<void>
  #waiting: Waiting[] = []
  #isWorking = false

  constructor(apply: (changes: Batch) => Promise<void>) {
    this.#apply = apply
  }

  write(changes: Batch): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#waiting.push({ changes, done })
    if (!this.#isWorking) {
      this.#isWorking = true
      queueMicrotask(() => void this.#work())
    }
    return done.promise
  }

  async #work(): Promise<void> {
    for (let group = this.#next(); group.length > 0; group = this.#next()) {
      try {
        await this.#apply(merged(group))
        for (const { done } of group) done.resolve()
      } catch (error) {
        for (const { done } of group) done.reject(error) // those behind them find the vault broken
      }
    }
    this.#isWorking = false
  }

  /** The first that waits, and as many behind it as may go with it. */
  #next(): Waiting[] {
    let [rows, bytes, count] = [0, 0, 0]
    for (const { changes } of this.#waiting) {
      const bulk = [...(changes.bulk?.values() ?? [])]
      rows += bulk.length
      bytes += bulk.reduce((sum, record) => sum + (record?.length ?? 0), 0)
      if (count > 0 && (!isBulkAlone(changes) || rows > MAX_ROWS || bytes > MAX_BYTES)) break
      count += 1
      if (!isBulkAlone(changes)) break
    }
    return this.#waiting.splice(0, count)
  }
}

/** Critical records carry a sequence and a head of their own, and a share is written once: they go alone. */
const isBulkAlone = ({ critical, shares, secrets, rows }: Batch): boolean =>
  [critical, shares, secrets, rows].every((of) => (of?.size ?? 0) === 0)

function merged(group: readonly Waiting[]): Batch {
  const [first] = group
  if (first !== undefined && group.length === 1) return first.changes
  return { bulk: new Map(group.flatMap(({ changes }) => [...(changes.bulk ?? [])])) }
}
