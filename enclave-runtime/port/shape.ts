import { decodeCanonical, encodeCanonical } from '../../protocols/session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../protocols/session/codec.ts'

/** Says whether a decoded value has one shape, and gives it back typed. Throws `DecodeError`. */
export type Shape<T> = (value: unknown) => T

/** What JSON can say, without fractions: the payloads of the port have no floats (04 §2). */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** A payload as canonical CBOR of at most `maxBytes`. What we encode is held to the same shape. */
export function payload<T>(maxBytes: number, shape: Shape<T>): Codec<T> {
  return {
    encode(value: T): Uint8Array {
      try {
        return encodeCanonical(shape(value))
      } catch (cause) {
        throw new Error('bug: a payload that the other side would refuse', { cause })
      }
    },
    decode: (bytes: Uint8Array): T => shape(decodeCanonical(bytes, maxBytes)),
  }
}

export const uint =
  (max: number = Number.MAX_SAFE_INTEGER, min: number = 0): Shape<number> =>
  (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
      return value
    throw new DecodeError(`not an integer in ${min}..${max}`)
  }

export const bytes =
  (max: number, min: number = 0): Shape<Uint8Array> =>
  (value) => {
    if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value
    throw new DecodeError(`not ${min}..${max} bytes`)
  }

/** Text of at most `max` UTF-16 units. */
export const text =
  (max: number): Shape<string> =>
  (value) => {
    if (typeof value === 'string' && value.length <= max) return value
    throw new DecodeError(`not text of at most ${max}`)
  }

export const flag: Shape<boolean> = (value) => {
  if (typeof value === 'boolean') return value
  throw new DecodeError('not a boolean')
}

export const oneOf =
  <const T extends string | number | boolean>(...allowed: readonly T[]): Shape<T> =>
  (value) => {
    const found = allowed.find((item) => item === value)
    if (found === undefined) throw new DecodeError('not one of the closed list')
    return found
  }

export const nullable =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value) =>
    value === null ? null : shape(value)

export const list =
  <T>(shape: Shape<T>, max: number): Shape<T[]> =>
  (value) => {
    if (!Array.isArray(value) || value.length > max)
      throw new DecodeError(`not a list of at most ${max}`)
    return value.map((item) => shape(item))
  }

export const pair =
  <A, B>(first: Shape<A>, second: Shape<B>): Shape<readonly [A, B]> =>
  (value) => {
    if (!Array.isArray(value) || value.length !== 2) throw new DecodeError('not a pair')
    return [first(value[0]), second(value[1])]
  }

type Fields<T> = { readonly [K in keyof T]-?: Shape<Exclude<T[K], undefined>> }
type OptionalKey<T> = {
  [K in keyof T]-?: Record<string, never> extends Pick<T, K> ? K : never
}[keyof T]

/** A map with exactly these fields; only those named in `mayLack` may be absent. */
export const object =
  <T extends object>(
    fields: Fields<T>,
    mayLack: readonly (OptionalKey<T> & string)[] = [],
  ): Shape<T> =>
  (value) => {
    if (!isPlainObject(value)) throw new DecodeError('not a map')
    for (const key of Object.keys(value))
      if (!Object.hasOwn(fields, key)) throw new DecodeError('unknown field')
    const result: Record<string, unknown> = {}
    for (const [key, shape] of Object.entries<Shape<unknown>>(fields)) {
      if (Object.hasOwn(value, key) && value[key] !== undefined) result[key] = shape(value[key])
      else if (!(mayLack as readonly string[]).includes(key))
        throw new DecodeError(`${key} is missing`)
    }
    return result as T
  }

/** One of several maps, told apart by the text in `tag`. */
export const choice =
  <T extends object>(tag: string, shapes: { readonly [name: string]: Shape<T> }): Shape<T> =>
  (value) => {
    const name = isPlainObject(value) ? value[tag] : undefined
    if (typeof name !== 'string' || !Object.hasOwn(shapes, name))
      throw new DecodeError(`unknown ${tag}`)
    const shape = shapes[name]
    if (shape === undefined) throw new DecodeError(`unknown ${tag}`)
    return shape(value)
  }

/** Depth is bounded by the decoder, size by the payload's limit. */
export const json: Shape<JsonValue> = (value) => {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  if (Array.isArray(value)) return value.map((item) => json(item))
  if (isPlainObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, json(item)]))
  throw new DecodeError('not JSON without fractions')
}

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array)
