import { type Holdings, MAX_HELD } from '../sessions/abort-kinds.ts'

/** One correlation, as a pool hands it out. */
export interface Taken<Secret> {
  readonly id: Uint8Array
  readonly secret: Secret
}

/** One run of 02 §4.3, once its correlations exist. */
export interface Batch<Secret> {
  /** The peer's start in which it was made. */
  readonly bootId: Uint8Array
  readonly batchNo: number
  readonly items: readonly Taken<Secret>[]
}

interface Held<Secret> {
  readonly bootId: Uint8Array
  readonly batchNo: number
  readonly items: Map<string, Taken<Secret>>
}

/** A batch of which only C5 is missing. Its secrets are its run's until `claim` says that they are ours. */
interface Awaited<Secret> {
  readonly batch: Batch<Secret>
  readonly keys: ReadonlySet<string>
  readonly claim: () => boolean
}

/**
 * The correlations of one pair, as one of its guests holds them. Taking is removing, in one synchronous step,
 * and there is no way back: whatever becomes of the session, what was taken is gone. An id that is not held is
 * unknown, and a batchSid never repeats, so nothing has to be remembered about what is spent (02 §4.4).
 */
export class CorrelationPool<Secret> {
  readonly #wipe: (secret: Secret) => void
  readonly #most: number
  /** Oldest first. */
  #batches: Held<Secret>[] = []
  #awaited: Awaited<Secret>[] = []

  /** `most` correlations are held, and what is more replaces the oldest. */
  constructor(most: number, wipe: (secret: Secret) => void) {
    this.#most = most
    this.#wipe = wipe
  }

  /** Correlations that may be named now. */
  get ready(): number {
    return this.#batches.reduce((sum, { items }) => sum + items.size, 0)
  }

  /** How many there are to name, or may be named to this side. */
  get within(): number {
    return this.#awaited.reduce((sum, { batch }) => sum + batch.items.length, this.ready)
  }

  /** Batches of which something is held, one that waits for C5 included: lo may have finished that. */
  get batches(): readonly number[] {
    return [...this.#batches, ...this.#awaited.map(({ batch }) => batch)].map(
      ({ batchNo }) => batchNo,
    )
  }

  /** Whether more would be held after a further batch of `count`, and after what it replaces is dropped. */
  gains(count: number): boolean {
    const isFull = this.ready + count > this.#most || this.#batches.length >= MAX_HELD - 1
    const oldest = isFull ? (this.#batches[0]?.items.size ?? 0) : 0
    return count > oldest
  }

  /** A batch that both sides have finished. */
  add({ bootId, batchNo, items }: Batch<Secret>): void {
    const held = new Map(items.map((item) => [hex(item.id), item]))
    this.#batches.push({ bootId, batchNo, items: held })
    while (
      this.#batches.length > 1 &&
      (this.ready > this.#most || this.#batches.length >= MAX_HELD)
    )
      this.#drop(this.#batches[0])
  }

  /** hi: a batch that it has built, and that lo may have finished: C5, or a name, will tell. */
  await(batch: Batch<Secret>, claim: () => boolean): void {
    this.#awaited.push({ batch, keys: new Set(batch.items.map(({ id }) => hex(id))), claim })
  }

  /** C5 came, and the batch is added; or it did not, and its run has wiped it. */
  awaitNoMore({ batchNo }: Pick<Batch<Secret>, 'batchNo'>): void {
    this.#awaited = this.#awaited.filter(({ batch }) => batch.batchNo !== batchNo)
  }

  /** lo: the oldest one that is ready, to be named in R1. */
  take(): Taken<Secret> | undefined {
    const [batch] = this.#batches
    const [key] = batch?.items.keys() ?? []
    return batch === undefined || key === undefined ? undefined : this.#remove(batch, key)
  }

  /** hi: the one that lo named. The name proves that lo has finished the batch: as good as C5. */
  takeNamed(id: Uint8Array): Taken<Secret> | undefined {
    const key = hex(id)
    this.#claimFor(key)
    const batch = this.#batches.find(({ items }) => items.has(key))
    return batch === undefined ? undefined : this.#remove(batch, key)
  }

  /** The name came in a session that does not use it: nobody else will. True when it was held. */
  spend(id: Uint8Array): boolean {
    const taken = this.takeNamed(id)
    if (taken !== undefined) this.#wipe(taken.secret)
    return taken !== undefined
  }

  /** lo: what hi does not hold any more is wiped. */
  keepOnly({ bootId, batches }: Holdings): void {
    for (const batch of [...this.#batches]) {
      const theirs = Buffer.compare(batch.bootId, bootId) === 0
      if (!theirs || !batches.includes(batch.batchNo)) this.#drop(batch)
    }
  }

  clear(): void {
    for (const batch of [...this.#batches]) this.#drop(batch)
    this.#awaited = []
  }

  #claimFor(key: string): void {
    const awaited = this.#awaited.find(({ keys }) => keys.has(key))
    if (awaited === undefined || !awaited.claim()) return
    this.awaitNoMore(awaited.batch)
    this.add(awaited.batch)
  }

  #remove(batch: Held<Secret>, key: string): Taken<Secret> | undefined {
    const taken = batch.items.get(key)
    batch.items.delete(key)
    if (batch.items.size === 0) this.#batches = this.#batches.filter((other) => other !== batch)
    return taken
  }

  #drop(batch: Held<Secret> | undefined): void {
    if (batch === undefined) return
    this.#batches = this.#batches.filter((other) => other !== batch)
    for (const { secret } of batch.items.values()) this.#wipe(secret)
    batch.items.clear()
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
