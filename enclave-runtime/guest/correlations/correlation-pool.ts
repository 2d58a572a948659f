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

/** What hi says when it does not know a name (02 §4.4). */
export interface Holdings {
  /** Of hi's present start. */
  readonly bootId: Uint8Array
  /** Batches of which hi still holds something, at most `MAX_HELD`. */
  readonly batches: readonly number[]
}

/** 02 §4.4: so many batches are listed, so no more are held. */
export const MAX_HELD = 64

interface Held<Secret> extends Omit<Batch<Secret>, 'items'> {
  readonly items: Map<string, Taken<Secret>>
  /** The peer finished it as well, as C5 or a name told. */
  ready: boolean
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

  /** `most` correlations are held, and what is more replaces the oldest. */
  constructor(most: number, wipe: (secret: Secret) => void) {
    this.#most = most
    this.#wipe = wipe
  }

  /** Correlations that may be named now. */
  get ready(): number {
    return this.#batches.reduce((sum, { ready, items }) => sum + (ready ? items.size : 0), 0)
  }

  /** Correlations of every state. */
  get size(): number {
    return this.#batches.reduce((sum, { items }) => sum + items.size, 0)
  }

  get batches(): readonly number[] {
    return this.#batches.map(({ batchNo }) => batchNo)
  }

  /** What this side made. Until the peer is known to have finished it too, nothing of it is named from here. */
  add({ bootId, batchNo, items }: Batch<Secret>, ready: boolean): void {
    const held = new Map(items.map((item) => [hex(item.id), item]))
    this.#batches.push({ bootId, batchNo, items: held, ready })
    while (this.#batches.length > 1 && (this.size > this.#most || this.#batches.length > MAX_HELD))
      this.#drop(this.#batches[0])
  }

  /** C5 of the batch came: it may be named from here too. */
  confirm(batchNo: number): void {
    for (const batch of this.#batches) if (batch.batchNo === batchNo) batch.ready = true
  }

  /** No C5 came, or another: what was made is wiped, unless a name proved since that the peer finished. */
  abandon(batchNo: number): void {
    for (const batch of this.#batches)
      if (batch.batchNo === batchNo && !batch.ready) this.#drop(batch)
  }

  /** lo: the oldest one that is ready, to be named in R1. */
  take(): Taken<Secret> | undefined {
    const batch = this.#batches.find(({ ready }) => ready)
    const [key] = batch?.items.keys() ?? []
    return batch === undefined || key === undefined ? undefined : this.#remove(batch, key)
  }

  /** hi: the one that lo named. The name proves that lo has finished the batch: as good as C5. */
  takeNamed(id: Uint8Array): Taken<Secret> | undefined {
    const key = hex(id)
    const batch = this.#batches.find(({ items }) => items.has(key))
    if (batch === undefined) return undefined
    batch.ready = true
    return this.#remove(batch, key)
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
