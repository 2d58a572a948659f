import { DecodeError } from '../../session/codec.ts'
import { b32, b33, bytesUpTo, nullable, row, uintUpTo } from '../objects/items.ts'
import type { Field } from '../objects/object-codec.ts'

/** A key certificate (03 §1.1), but for what a page needs around it. */
const MAX_CERTIFICATE_BYTES: number = 62 * 1024

/** A key as an epoch holds it: a leaf of its key set (03 §1.2), and what certifies it. */
export interface HeldKey {
  /** 32 bytes. */
  readonly keyId: Uint8Array
  readonly curve: number
  /** P, 33 bytes. */
  readonly publicKey: Uint8Array
  /** H(cc; cc), 32 bytes: the same in every epoch. */
  readonly chainCodeHash: Uint8Array
  /** H(F; F), 32 bytes: another in every epoch. */
  readonly commitmentHash: Uint8Array
  /** Encoded key certificate (03 §1.2 `keyCert`) of a key that was made in this epoch; null for a key of its record, which the record's root proves. */
  readonly certificate: Uint8Array | null
}

const curve: Field<number> = {
  write: (value) => value,
  read: (item, name) => {
    const value = uintUpTo(0xff).read(item, name)
    if (value === 0) throw new DecodeError(`${name} is 0`)
    return value
  },
}

/** As an item of a page or of a message. */
export const heldKey: Field<HeldKey> = row<HeldKey>({
  keyId: b32,
  curve,
  publicKey: b33,
  chainCodeHash: b32,
  commitmentHash: b32,
  certificate: nullable(bytesUpTo(MAX_CERTIFICATE_BYTES)),
})
