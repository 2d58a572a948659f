import { objectFields } from '../../../protocols/agreement/fields.ts'
import { Stamp } from '../../../protocols/agreement/objects/root-signatures.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'

/** The first item of the letter with which a stamp goes to the members that did not lead it. */
export const STAMPED = 'root stamp'

const MAX_BYTES = 256 // seven fields, the longest 65 bytes

export const encodeStampLetter = (stamp: Stamp): Uint8Array =>
  encodeCanonical([STAMPED, 1, Stamp.write(stamp)])

/** Throws `DecodeError`. */
export function decodeStampLetter(body: Uint8Array): Stamp {
  const [stamp] = objectFields(decodeCanonical(body, MAX_BYTES), STAMPED, 1)
  return Stamp.read(stamp, 'stamp')
}
