/** One message type and its only encoding: `decode` accepts exactly what `encode` emits. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/** Bytes from outside that are not exactly one encoding of one value. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

/** A cursor over bytes from outside: every read is bounded, and `end` refuses leftovers. */
export class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The next `length` bytes, copied: a message never keeps the frame it came in alive. */
  take(length: number): Uint8Array {
    const next = this.#bytes.slice(this.#at, this.#at + length)
    if (next.length !== length) throw new DecodeError(`expected ${length} more bytes`)
    this.#at += length
    return next
  }

  /** `count` items of `length` bytes each. */
  list(count: number, length: number): Uint8Array[] {
    return Array.from({ length: count }, () => this.take(length))
  }

  u8(max: number = 0xff): number {
    return this.#atMost(this.take(1)[0] ?? 0, max)
  }

  /** Little-endian, and never above `max`. */
  u16(max: number = 0xffff): number {
    const [low = 0, high = 0] = this.take(2)
    return this.#atMost((high << 8) | low, max)
  }

  /** Little-endian, and never above `max`. */
  u32(max: number = 0xffff_ffff): number {
    const bytes = this.take(4)
    return this.#atMost(new DataView(bytes.buffer).getUint32(0, true), max)
  }

  /** The next `length` bytes as a value of another library, whose own errors become ours. */
  value<T>(length: number, parse: (bytes: Uint8Array) => T): T {
    const bytes = this.take(length)
    try {
      return parse(bytes)
    } catch (cause) {
      throw new DecodeError(cause instanceof Error ? cause.message : 'not a value', { cause })
    }
  }

  end<T>(value: T): T {
    if (this.#at !== this.#bytes.length) throw new DecodeError('trailing bytes')
    return value
  }

  #atMost(value: number, max: number): number {
    if (value > max) throw new DecodeError(`${value} exceeds ${max}`)
    return value
  }
}

export const u8 = (value: number): Uint8Array => Uint8Array.of(value)

/** Little-endian. */
export const u16 = (value: number): Uint8Array => Uint8Array.of(value & 255, value >> 8)

/** Little-endian. */
export const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

/** The codec of a message that is nothing but fields of fixed lengths, one after the other. */
export interface FixedCodec<T> extends Codec<T> {
  /** Bytes of the whole message. */
  readonly size: number
  readonly fields: readonly { readonly name: string; readonly length: number }[]
}

/**
 * A layout of byte fields, in the order in which `lengths` names them. Only lengths are checked here:
 * points and scalars are the conversation's to check, in the order its specification asks for.
 */
export function fixed<T extends { readonly [Name in keyof T]: Uint8Array }>(
  lengths: { readonly [Name in keyof T]: number },
): FixedCodec<T> {
  const names = Object.keys(lengths) as (keyof T & string)[]
  const size = names.reduce((sum, name) => sum + lengths[name], 0)
  return {
    size,
    fields: names.map((name) => ({ name, length: lengths[name] })),
    encode: (value) => {
      const bytes = new Uint8Array(size)
      let at = 0
      for (const name of names) {
        const field: Uint8Array = value[name]
        if (field.length !== lengths[name])
          throw new Error(`bug: ${name} has ${field.length} bytes, not ${lengths[name]}`)
        bytes.set(field, at)
        at += field.length
      }
      return bytes
    },
    decode: (bytes) => {
      // The length of the whole first: a threshold-raising message is refused before any copying.
      if (bytes.length !== size)
        throw new DecodeError(`${bytes.length} bytes where ${size} are expected`)
      const reader = new Reader(bytes)
      const value = Object.fromEntries(names.map((name) => [name, reader.take(lengths[name])]))
      return reader.end(value as { [Name in keyof T]: Uint8Array } as T)
    },
  }
}
