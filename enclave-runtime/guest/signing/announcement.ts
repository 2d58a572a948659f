import { objectFields } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

/** Larger requests are not announced: who is asked for one asks those that signed it. */
export const MAX_ANNOUNCED_REQUEST: number = 64 * 1024
const MAX_BYTES = MAX_ANNOUNCED_REQUEST + 1024

/** A finished request, told to members that did not sign it (03 §9.1); they verify all of it themselves. */
export interface Announcement {
  /** The whole request with its proofs. */
  readonly request: Uint8Array
  /** `encodeFinished`. */
  readonly finished: Uint8Array
}

export const encodeAnnouncement = ({ request, finished }: Announcement): Uint8Array =>
  encodeCanonical(['done', 1, request, finished])

/** Throws `DecodeError`. */
export function decodeAnnouncement(body: Uint8Array): Announcement {
  const [request, finished] = objectFields(decodeCanonical(body, MAX_BYTES), 'done', 2)
  if (!(request instanceof Uint8Array) || !(finished instanceof Uint8Array))
    throw new DecodeError('not a finished request')
  return { request, finished }
}
