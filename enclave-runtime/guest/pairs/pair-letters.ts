import { bytesField, objectFields, uintField } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'

const MAX_BYTES = 128 // a name, a number and 32 bytes
const MAX_ATTEMPT = 0xffff_ffff

/** From lo: opens an attempt. From hi: asks lo for one, naming the last instance that came to nothing. */
export type PairOpening =
  | { readonly kind: 'open'; readonly attempt: number; readonly nonce: Uint8Array }
  | { readonly kind: 'ask'; readonly last: Uint8Array | null }

export const PairOpening: {
  encode(opening: PairOpening): Uint8Array
  /** Throws `DecodeError`. */
  decode(body: Uint8Array): PairOpening
} = {
  encode: (opening) =>
    opening.kind === 'open'
      ? encodeCanonical(['pair', 1, opening.attempt, opening.nonce])
      : encodeCanonical(['pair ask', 1, opening.last]),
  decode: (body) => {
    const value = decodeCanonical(body, MAX_BYTES)
    if (Array.isArray(value) && value[0] === 'pair ask') {
      const [last] = objectFields(value, 'pair ask', 1)
      return { kind: 'ask', last: last === null ? null : bytesField(last, 'last', 32) }
    }
    const [attempt, nonce] = objectFields(value, 'pair', 2)
    return {
      kind: 'open',
      attempt: uintField(attempt, 'attempt', MAX_ATTEMPT),
      nonce: bytesField(nonce, 'nonce', 32),
    }
  },
}
