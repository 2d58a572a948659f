/** A record's name and its sealed bytes. */
export type Row = readonly [name: string, record: Uint8Array]

export interface Batch {
  readonly puts: readonly Row[]
  readonly deletes: readonly string[]
}

export interface Page {
  readonly rows: readonly Row[]
  /** Whether there are more after the last row. */
  readonly more: boolean
}

export const MAX_PAGE_ROWS = 256 // 04 §2
export const MAX_PAGE_BYTES: number = 1024 * 1024 // 04 §2

/** The records of one moment. */
export interface RecordSnapshot {
  /** In order of names, those after `after`; at most a page. */
  scan(after: string): Promise<Page>
  close(): Promise<void>
}

/** Where sealed records lie. The host can read, lose and restore them; it can never open them. */
export interface RecordStore {
  get(name: string): Promise<Uint8Array | undefined>
  /** All of it or nothing; resolves only when it would survive a loss of power. */
  batch(batch: Batch): Promise<void>
  /** In order of names, those that start with `prefix` and come after `after`; at most a page. */
  scan(prefix: string, after: string): Promise<Page>
  /** All records as they are now, whatever is written later: for a backup. */
  snapshot(): RecordSnapshot
  close(): Promise<void>
}

/** The store cannot be used; `message` says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: 'STORE_IN_USE' | 'STORE_FAILED' | 'STORE_FOREIGN'

  constructor(code: StoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
