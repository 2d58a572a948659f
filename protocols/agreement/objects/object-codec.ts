import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../session/codec.ts'
import { objectFields } from '../fields.ts'

/** Cap of every object that names no other (03 §1.1). */
export const MAX_OBJECT_BYTES: number = 16 * 1024
/** Cap of records, certificates and pages (03 §1.1). */
export const MAX_LARGE_OBJECT_BYTES: number = 64 * 1024

/** One item of a canonical array: how a value is written, and how an item from outside is read. */
export interface Field<T> {
  write(value: T): unknown
  /** Throws `DecodeError` that names the field, for an item that is no such value. */
  read(item: unknown, name: string): T
}

/** Fields by name, in the order of the array. */
export type Layout<T> = { readonly [Name in keyof T]-?: Field<T[Name]> }

/** Types of objects; each has a context of hashing of its own. */
export type ObjectType = keyof typeof objectTags

/**
 * An object `[type, 1, …]` of 03 §1.2 and its only encoding. `encode` and `decode` throw `DecodeError`
 * for a value, or for bytes, that are not exactly one object of this type within its bounds.
 */
export interface ObjectCodec<T> extends Codec<T>, Field<T> {
  readonly type: ObjectType
  readonly maxBytes: number
  /** H(type; object), 32 bytes (03 §1.1). */
  hash(value: T): Uint8Array
}

export interface ObjectOptions<T> {
  readonly maxBytes?: number
  /** What no field alone can say. Throws `DecodeError`. */
  readonly check?: (value: T) => void
}

/** The codec of an object whose fields are those of `layout`, in its order. */
export function object<T extends object>(
  type: ObjectType,
  layout: Layout<T>,
  { maxBytes = MAX_OBJECT_BYTES, check }: ObjectOptions<T> = {},
): ObjectCodec<T> {
  const names = Object.keys(layout) as (keyof T & string)[]
  const write = (value: T): unknown[] => [
    type,
    1,
    ...names.map((name) => layout[name].write(value[name])),
  ]
  const read = (item: unknown): T => {
    const items = objectFields(item, type, names.length)
    const value = Object.fromEntries(
      names.map((name, i) => [name, layout[name].read(items[i], name)]),
    ) as T
    check?.(value)
    return value
  }
  const encode = (value: T): Uint8Array => {
    const items = write(value)
    read(items) // so that nothing leaves that nobody could read
    const bytes = encodeCanonical(items)
    if (bytes.length > maxBytes) throw new DecodeError(`${type} has more than ${maxBytes} bytes`)
    return bytes
  }
  return {
    type,
    maxBytes,
    write,
    read,
    encode,
    decode: (bytes) => read(decodeCanonical(bytes, maxBytes)),
    hash: (value) => objectHash(objectTags[type], encode(value)),
  }
}
