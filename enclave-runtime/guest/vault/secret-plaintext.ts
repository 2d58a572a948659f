import { concatBytes } from '@noble/hashes/utils.js'
import { VaultError } from './vault-error.ts'

/** `02 | s 32 | what is public of the key`; a bare share of 32 bytes is an older version's. */
const SHARE_FORMAT = 2
const SHARE_BYTES = 33
/** `03 | secret`: what else dies with its epoch. */
const SECRET_FORMAT = 3

export interface OpenedShare {
  readonly secret: Uint8Array
  readonly part: Uint8Array
}

/** Wipes `secret`; the plaintext is the caller's to wipe. */
export function sharePlaintext(secret: Uint8Array, part: Uint8Array): Uint8Array {
  const plaintext = concatBytes(Uint8Array.of(SHARE_FORMAT), secret, part)
  secret.fill(0)
  return plaintext
}

/** Wipes the plaintext. Throws `VaultError` RECORD_CORRUPT. */
export function shareOf(name: string, plaintext: Uint8Array): OpenedShare {
  try {
    if (plaintext[0] !== SHARE_FORMAT || plaintext.length < SHARE_BYTES)
      throw new VaultError('RECORD_CORRUPT', `the share ${name} is not of this version`)
    return { secret: plaintext.slice(1, SHARE_BYTES), part: plaintext.slice(SHARE_BYTES) }
  } finally {
    plaintext.fill(0)
  }
}

/** A copy of `secret`; both are the caller's to wipe. */
export const secretPlaintext = (secret: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(SECRET_FORMAT), secret)

/** Wipes the plaintext. Throws `VaultError` RECORD_CORRUPT. */
export function secretOf(name: string, plaintext: Uint8Array): Uint8Array {
  try {
    if (plaintext[0] !== SECRET_FORMAT)
      throw new VaultError('RECORD_CORRUPT', `the secret ${name} is not of this version`)
    return plaintext.slice(1)
  } finally {
    plaintext.fill(0)
  }
}
