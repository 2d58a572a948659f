import { MAX_BODY_BYTES } from '../../../protocols/agreement/epoch/body.ts'
import { b32, bytesUpTo, uint } from '../../../protocols/agreement/objects/items.ts'
import { MAX_LETTER_BODY_BYTES } from '../../../protocols/agreement/objects/letter.ts'
import type { Layout } from '../../../protocols/agreement/objects/object-codec.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

/** What one letter carries of a whole (03 §4.5). */
export const PART_BYTES: number = 48 * 1024
/** As many as the largest message needs. */
export const MAX_PARTS: number = Math.ceil(MAX_BODY_BYTES / PART_BYTES)

/** A whole, or a part of one that has more than `PART_BYTES` (03 §4.5). */
export type LetterBody =
  | { readonly type: 'whole'; readonly bytes: Uint8Array }
  | ({ readonly type: 'part' } & Part)

export interface Part {
  /** BLAKE3 of the whole: the same part sent again is the same. */
  readonly id: Uint8Array
  /** From 0. */
  readonly number: number
  readonly count: number
  readonly bytes: Uint8Array
}

const bytes = bytesUpTo(PART_BYTES)
const part: Layout<Part> = { id: b32, number: uint, count: uint, bytes }

export const encodeLetterBody = (body: LetterBody): Uint8Array =>
  body.type === 'whole'
    ? encodeCanonical([body.type, 1, body.bytes])
    : encodeCanonical([body.type, 1, body.id, body.number, body.count, body.bytes])

/** Throws `DecodeError` for anything but the only encoding of a body. */
export function decodeLetterBody(encoded: Uint8Array): LetterBody {
  const items = decodeCanonical(encoded, MAX_LETTER_BODY_BYTES)
  if (!Array.isArray(items) || items[1] !== 1) throw new DecodeError('no body of a letter')
  const [type, , ...fields] = items as unknown[]
  if (type === 'whole' && fields.length === 1)
    return { type, bytes: bytes.read(fields[0], 'whole') }
  if (type !== 'part' || fields.length !== 4) throw new DecodeError('no body of a letter')
  const read: Part = {
    id: part.id.read(fields[0], 'id'),
    number: part.number.read(fields[1], 'number'),
    count: part.count.read(fields[2], 'count'),
    bytes: part.bytes.read(fields[3], 'bytes'),
  }
  const { number, count } = read
  if (count < 2 || count > MAX_PARTS || number >= count) throw new DecodeError('no such part')
  if (number < count - 1 ? read.bytes.length !== PART_BYTES : read.bytes.length === 0)
    throw new DecodeError('a part of another size')
  return { type, ...read }
}
