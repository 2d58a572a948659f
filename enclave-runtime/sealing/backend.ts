import type { Secret } from '../../protocols/crypto/secret.ts'

/** What ties a node's records to its device, and what makes an epoch unrecoverable (04 §7). */
export interface SealingBackend {
  readonly kind: 'software' | 'tpm2' | 'dstack' | 'snp' | 'tdx' | 'nitro'
  /** What makes an epoch unrecoverable. */
  readonly erasure: 'file' | 'tpm-counter' | 'peers'
  /** D, 32 bytes. Throws `SealingError`. */
  root(): Promise<Secret<Uint8Array>>
  /** A fresh S_e, durable but not yet relied upon; `data` goes into the record `epoch/key`. */
  makeEpoch(epoch: bigint): Promise<{ secret: Secret<Uint8Array>; data: Uint8Array }>
  /** S_e again. Throws `SealingError`: EPOCH_ERASED, WRONG_DEVICE, MEASUREMENT, UNAVAILABLE. */
  openEpoch(epoch: bigint, data: Uint8Array): Promise<Secret<Uint8Array>>
  /** Every epoch below `epoch` never opens again. Irreversible, idempotent. */
  eraseBefore(epoch: bigint): Promise<void>
  /** This epoch never opens again, whatever it was made with: an attempt between two that live. Irreversible, idempotent. */
  erase(epoch: bigint): Promise<void>
}

/** A failure of the backend is an error, never a fall-back to another one. */
export class SealingError extends Error {
  override readonly name = 'SealingError'
  readonly code: 'EPOCH_ERASED' | 'WRONG_DEVICE' | 'MEASUREMENT' | 'UNAVAILABLE'

  constructor(code: SealingError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
