export type SealedRow = readonly [name: string, record: Uint8Array]

/** The host's store as the guest sees it: it may lose, keep, swap and restore what it is given. */
export interface SealedStore {
  get(name: string): Promise<Uint8Array | undefined>
  /** All or nothing, and durable when it resolves, says the host. */
  batch(batch: {
    readonly puts: readonly SealedRow[]
    readonly deletes: readonly string[]
  }): Promise<void>
  scan(
    prefix: string,
    after: string,
  ): Promise<{ readonly rows: readonly SealedRow[]; readonly more: boolean }>
}
