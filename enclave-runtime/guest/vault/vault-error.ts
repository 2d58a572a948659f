/**
 * The vault cannot be opened, or what lies in the store is not what the vault put there. Nothing is erased:
 *
 * | code | meaning |
 * |---|---|
 * | NO_IDENTITY | the store is empty, and this is no `init` |
 * | WRONG_NETWORK | the records belong to another network, or the genesis file does not name this guest |
 * | WRONG_DEVICE | root key, epoch secrets and records do not belong together |
 * | RECORD_CORRUPT | a record is missing, altered, or lies under another's name |
 * | ROLLBACK | the critical records are not those of the head: one is older, missing or too many |
 * | EPOCH_ERASED | the epoch's key was destroyed, or never made |
 * | STORE_FAILED | a write failed; whether it was done is unknown, so the vault takes no more |
 */
export type VaultErrorCode =
  | 'NO_IDENTITY'
  | 'WRONG_NETWORK'
  | 'WRONG_DEVICE'
  | 'RECORD_CORRUPT'
  | 'ROLLBACK'
  | 'EPOCH_ERASED'
  | 'STORE_FAILED'

export class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly code: VaultErrorCode

  constructor(code: VaultErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
