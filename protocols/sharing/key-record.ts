import { tags } from '../crypto/tags.ts'
import { type Oracle, oracle } from '../crypto/transcript.ts'
import { u8, u16 } from '../session/codec.ts'

export const SECP256K1 = 1 // the curve's number (02 §9)

/** One key of a dealing, as all its holders know it: nothing here is secret. */
export interface KeyRecord {
  readonly keyId: Uint8Array
  readonly curve: number
  readonly t: number
  /** P, 33 bytes. */
  readonly publicKey: Uint8Array
  readonly chainCode: Uint8Array
  /** F, t × 33 bytes: the commitment to the polynomial whose values the shares are. */
  readonly commitment: Uint8Array
  /** rec, 32 bytes. */
  readonly record: Uint8Array
}

/** X_D of a key without a device (02 §5). */
export const NO_DEVICE: Uint8Array = new Uint8Array()

/** rec = RO(key-rec; keyId, u8 curve, u16 t, P, cc, F, X_D or empty). */
export const keyRecordHash = (
  key: Omit<KeyRecord, 'record'>,
  deviceKey: Uint8Array = NO_DEVICE,
  hash: Oracle = oracle,
): Uint8Array =>
  hash(
    tags.keyRecord,
    32,
    key.keyId,
    u8(key.curve),
    u16(key.t),
    key.publicKey,
    key.chainCode,
    key.commitment,
    deviceKey,
  )
