import { DecodeError } from '../../session/codec.ts'
import { bytesField, listField, textField, uintField } from '../fields.ts'
import type { Field, Layout } from './object-codec.ts'

/** Items of the objects of 03 §1.2. Each read is bounded; what is not listed here does not exist. */

/** Members of the largest committee (03 §1.2 `params`). */
export const MAX_MEMBERS = 16
/** Bundle hashes that one list may hold: arrays of the data model (05 §1). */
export const MAX_ALLOWED = 64
/** Indices are u16 (03 §1.1). */
export const MAX_INDEX = 0xffff
/** libp2p peer ids have some fifty characters; the room is for other hash functions. */
const MAX_PEER_ID_CHARS = 128

const field = <T>(read: (item: unknown, name: string) => T): Field<T> => ({
  write: (value) => value,
  read,
})

export const bytes = (length: number): Field<Uint8Array> =>
  field((item, name) => bytesField(item, name, length))

export const b16: Field<Uint8Array> = bytes(16)
export const b32: Field<Uint8Array> = bytes(32)
export const b33: Field<Uint8Array> = bytes(33)
export const b64: Field<Uint8Array> = bytes(64)
export const b65: Field<Uint8Array> = bytes(65)

/** Bytes of any length up to `max`. */
export const bytesUpTo = (max: number): Field<Uint8Array> =>
  field((item, name) => {
    if (item instanceof Uint8Array && item.length <= max) return item
    throw new DecodeError(`${name} is not at most ${max} bytes`)
  })

export const uint: Field<number> = field((item, name) => uintField(item, name))
export const uintUpTo = (max: number): Field<number> =>
  field((item, name) => uintField(item, name, max))

/** Index of a member: u16 >= 1 (03 §1.1). */
export const index: Field<number> = field((item, name) => {
  const value = uintField(item, name, MAX_INDEX)
  if (value === 0) throw new DecodeError(`${name} is 0`)
  return value
})

/** Count of attempts and rounds, from 1. */
export const ordinal: Field<number> = field((item, name) => {
  const value = uintField(item, name)
  if (value === 0) throw new DecodeError(`${name} is 0`)
  return value
})

export const bool: Field<boolean> = field((item, name) => {
  if (typeof item === 'boolean') return item
  throw new DecodeError(`${name} is neither true nor false`)
})

/** Printable ASCII. */
export const text = (max: number): Field<string> =>
  field((item, name) => textField(item, name, max))

export const peerId: Field<string> = text(MAX_PEER_ID_CHARS)

export const nullable = <T>(of: Field<T>): Field<T | null> => ({
  write: (value) => (value === null ? null : of.write(value)),
  read: (item, name) => (item === null ? null : of.read(item, name)),
})

export const list = <T>(of: Field<T>, max: number): Field<readonly T[]> => ({
  write: (values) => values.map((value) => of.write(value)),
  read: (item, name) => listField(item, name, max).map((entry) => of.read(entry, name)),
})

/** An array without a type name, its items by name and in the order of `layout`. */
export function row<T extends object>(layout: Layout<T>): Field<T> {
  const names = Object.keys(layout) as (keyof T & string)[]
  return {
    write: (value) => names.map((name) => layout[name].write(value[name])),
    read: (item, name) => {
      const items = listField(item, name, names.length)
      if (items.length !== names.length)
        throw new DecodeError(`${name} has not ${names.length} items`)
      return Object.fromEntries(
        names.map((own, i) => [own, layout[own].read(items[i], `${name}.${own}`)]),
      ) as T
    },
  }
}

/** `of`, every value above the one before it: nobody is named twice, and one set has one encoding. */
export const increasing = <T>(
  of: Field<readonly T[]>,
  key: (value: T) => number,
): Field<readonly T[]> => ({
  write: (values) => of.write(values),
  read: (item, name) => {
    const values = of.read(item, name)
    let last = -1
    for (const value of values) {
      if (key(value) <= last) throw new DecodeError(`${name} is not strictly increasing`)
      last = key(value)
    }
    return values
  },
})

/** Indices of members, strictly increasing. */
export const indices = (max: number): Field<readonly number[]> =>
  increasing(list(index, max), (value) => value)

/** Hashes of bundles that may run, each once. */
export const measurements: Field<readonly Uint8Array[]> = {
  write: (values) => values,
  read: (item, name) => distinct(list(b32, MAX_ALLOWED).read(item, name), name),
}

/** Two members, the lower index first. */
export type Pair = readonly [number, number]

/** Every pair of the largest committee. */
const MAX_PAIRS = (MAX_MEMBERS * (MAX_MEMBERS - 1)) / 2

const pair: Field<Pair> = {
  write: (value) => value,
  read: (item, name) => {
    const [low, high, ...rest] = listField(item, name, 2)
    const both = [index.read(low, name), index.read(high, name)] as const
    if (rest.length > 0 || both[0] >= both[1])
      throw new DecodeError(`${name} is not a pair with its lower index first`)
    return both
  },
}

/** Pairs of members, strictly increasing by both indices. */
export const pairs: Field<readonly Pair[]> = increasing(
  list(pair, MAX_PAIRS),
  ([low, high]) => low * (MAX_INDEX + 1) + high,
)

/** Byte strings of one length, each once. Throws `DecodeError`. */
export function distinct(values: readonly Uint8Array[], name: string): readonly Uint8Array[] {
  const seen = new Set(values.map((value) => value.join()))
  if (seen.size !== values.length) throw new DecodeError(`${name} names one twice`)
  return values
}
