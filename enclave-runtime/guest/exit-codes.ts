import { SealingError } from '../sealing/backend.ts'
import { VaultError } from './vault/vault-error.ts'

/** How a guest ends (04 §1). After 72 to 74 nobody starts it again. */
export const EXIT_CODES = {
  asked: 0,
  portViolation: 70,
  sealing: 71,
  rollback: 72,
  selfTest: 73,
  bundle: 74,
} as const

/** The guest cannot go on: `code` for the exit, `line` for descriptor 2. */
export class GuestEnd extends Error {
  override readonly name = 'GuestEnd'
  readonly code: number
  readonly line: string

  constructor(code: number, line: string, options?: ErrorOptions) {
    super(line, options)
    this.code = code
    this.line = line
  }
}

/** What a failure to start means; undefined for a defect. */
export function endOf(error: unknown): GuestEnd | undefined {
  if (error instanceof GuestEnd) return error
  if (error instanceof SealingError)
    return new GuestEnd(EXIT_CODES.sealing, error.code, { cause: error })
  if (error instanceof VaultError) {
    // A record that does not open under its right key is not the one this guest left there.
    const replaced = error.code === 'ROLLBACK' || error.code === 'RECORD_CORRUPT'
    const code = replaced ? EXIT_CODES.rollback : EXIT_CODES.sealing
    return new GuestEnd(code, error.code, { cause: error })
  }
  return undefined
}
