import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { type Holdings, MAX_HELD } from '../sessions/abort-kinds.ts'

const MAX_BYTES = 384 // a name, 16 bytes, and 64 numbers of up to 5 bytes
const MAX_U32 = 0xffff_ffff

/** The first item of the letter in which hi, short of correlations, tells lo what it holds (02 §4.4). */
export const HELD = 'correlations held'

export const encodeHeld = ({ bootId, batches }: Holdings): Uint8Array =>
  encodeCanonical([HELD, 1, bootId, [...batches]])

/** Throws `DecodeError`. */
export function decodeHeld(body: Uint8Array): Holdings {
  const [bootId, batches] = objectFields(decodeCanonical(body, MAX_BYTES), HELD, 2)
  return {
    bootId: bytesField(bootId, 'bootId', 16),
    batches: listField(batches, 'batches', MAX_HELD).map((batch) =>
      uintField(batch, 'batch', MAX_U32),
    ),
  }
}
