/** A signed record under its DHT key, such as `/hf-node/<guestSig hex>` (03 §3.1). */
export interface SignedRecord {
  readonly key: string
  readonly bytes: Uint8Array
}

/** `REFUSED`: our own check says no. `UNSTORED`: fewer than half of the known servers took it. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError'
  readonly code: 'REFUSED' | 'UNSTORED'

  constructor(code: 'REFUSED' | 'UNSTORED', message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Signed records in the DHT. They are hints: what is true is decided by certificates (07 N4, §12). */
export interface Directory {
  /** Checks, stores and offers the record; the number of peers that stored it. Throws `DirectoryError`. */
  publish(record: SignedRecord): Promise<number>
  /** The newest valid record that answers before the signal, and never an older one than seen before. */
  find(key: string, signal: AbortSignal): Promise<SignedRecord | undefined>
}
