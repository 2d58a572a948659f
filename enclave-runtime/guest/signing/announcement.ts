import { bytesField, listField, objectFields } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

/** Larger requests are not announced: who is asked for one asks those that signed it. */
export const MAX_ANNOUNCED_REQUEST: number = 64 * 1024
/** What one letter tells; of small requests as many as the size class of 16 KiB holds (04 §11). */
export const MAX_ANNOUNCED = 32
export const FULL_LETTER_BYTES = 15_000
const MAX_BYTES = MAX_ANNOUNCED_REQUEST + FULL_LETTER_BYTES + 1024
const PLACE_BYTES = 32

/** A finished request, told to members that did not sign it (03 §9.1); they verify all of it themselves. */
export interface Announcement {
  /** Account id ‖ nonce, as the sender says: what to look at when such a request comes. */
  readonly place: Uint8Array
  /** The whole request with its proofs. */
  readonly request: Uint8Array
  /** `encodeFinished`. */
  readonly finished: Uint8Array
}

/** The 32 bytes under which a request is looked up. */
export const placeOf = (accountId: Uint8Array, nonce: Uint8Array): Uint8Array =>
  Buffer.concat([accountId, nonce])

/** About what one takes in a letter. */
export const announcedBytes = ({ request, finished }: Announcement): number =>
  PLACE_BYTES + request.length + finished.length + 16

export const encodeAnnouncements = (announcements: readonly Announcement[]): Uint8Array =>
  encodeCanonical([
    'announced',
    1,
    announcements.map(({ place, request, finished }) => [place, request, finished]),
  ])

/** Throws `DecodeError`. */
export function decodeAnnouncements(body: Uint8Array): Announcement[] {
  const [told] = objectFields(decodeCanonical(body, MAX_BYTES), 'announced', 1)
  return listField(told, 'finished requests', MAX_ANNOUNCED).map((each) => {
    const [place, request, finished] = listField(each, 'finished request', 3)
    if (!(request instanceof Uint8Array) || !(finished instanceof Uint8Array))
      throw new DecodeError('not a finished request')
    return { place: bytesField(place, 'place', PLACE_BYTES), request, finished }
  })
}
