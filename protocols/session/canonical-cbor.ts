import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import { DecodeError } from './codec.ts'

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  rejectDuplicateMapKeys: true,
  useMaps: false,
} as const

/** The one encoding of a value: RFC 8949 §4.2 core deterministic form. Lone surrogates are refused, not replaced. */
export function encodeCanonical(value: unknown): Uint8Array {
  assertWellFormed(value)
  return new Uint8Array(encode(value, rfc8949EncodeOptions)) // never a Buffer, whose slice() is a view
}

/**
 * The value of which `bytes` is the canonical encoding. Throws `DecodeError` for anything else: above
 * `maxBytes`, deeper than `maxDepth`, tags, indefinite lengths, trailing bytes, or merely another
 * encoding of the same value. Integers from 2^53 arrive as bigint.
 */
export function decodeCanonical(bytes: Uint8Array, maxBytes: number, maxDepth = 8): unknown {
  if (bytes.byteLength > maxBytes) throw new DecodeError(`more than ${maxBytes} bytes`)
  scan(bytes, maxDepth)
  let value: unknown
  try {
    value = decode(bytes, STRICT)
  } catch (cause) {
    throw new DecodeError('not CBOR', { cause })
  }
  if (!sameBytes(bytes, encode(value, rfc8949EncodeOptions)))
    throw new DecodeError('not the canonical encoding')
  return value
}

/** Reads heads only, without recursion, so that no count or depth from outside costs memory. */
function scan(bytes: Uint8Array, maxDepth: number): void {
  const open: number[] = [1] // items still to come, per level
  let at = 0
  while (open.length > 0) {
    const level = open.length - 1
    if (open[level] === 0) {
      open.pop()
      continue
    }
    open[level] = (open[level] ?? 0) - 1
    const { major, argument, next } = head(bytes, at)
    at = next
    if (major === 2 || major === 3) {
      if (argument > bytes.length - at) throw new DecodeError('truncated')
      at += argument
    } else if (major === 4 || major === 5) {
      const items = major === 4 ? argument : argument * 2
      if (items > bytes.length - at) throw new DecodeError('truncated')
      if (open.length > maxDepth) throw new DecodeError(`deeper than ${maxDepth}`)
      open.push(items)
    } else if (major === 6) throw new DecodeError('tag')
  }
  if (at !== bytes.length) throw new DecodeError('trailing bytes')
}

function head(bytes: Uint8Array, at: number): { major: number; argument: number; next: number } {
  const first = bytes[at]
  if (first === undefined) throw new DecodeError('truncated')
  const major = first >> 5
  const short = first & 31
  if (short < 24) return { major, argument: short, next: at + 1 }
  if (short > 27) throw new DecodeError('indefinite or reserved length')
  const size = 1 << (short - 24)
  if (at + 1 + size > bytes.length) throw new DecodeError('truncated')
  let argument = 0
  for (let i = 0; i < size; i++) argument = argument * 256 + (bytes[at + 1 + i] ?? 0)
  return { major, argument, next: at + 1 + size }
}

function assertWellFormed(value: unknown): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('lone surrogate in a string')
  } else if (Array.isArray(value)) for (const item of value) assertWellFormed(item)
  else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value))
    for (const [key, item] of Object.entries(value)) {
      assertWellFormed(key)
      assertWellFormed(item)
    }
}

/** A plain loop: `every` takes twenty times as long, and envelopes of 1 MiB pass here. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
