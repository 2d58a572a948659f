import { DecodeError } from '../session/codec.ts'

/** What parameters may hold: JSON without fractions. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** Nesting of parameters, their own array or object counted (05 §2.1). */
export const MAX_JSON_DEPTH = 16
/** Names that reach into prototypes in a careless reader (05 §2.1). */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([
  '__proto__',
  'constructor',
  'prototype',
])

/**
 * Refuses, with a `DecodeError`, all that parameters may not hold (05 §2.1): fractions, integers beyond
 * 2^53-1, minus zero, lone surrogates, undefined, bytes and other objects, forbidden names, depth above 16.
 */
export function assertJsonValue(
  value: unknown,
  depth: number = MAX_JSON_DEPTH,
): asserts value is JsonValue {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'string') return assertWellFormed(value)
  if (typeof value === 'number') return assertInteger(value)
  if (typeof value !== 'object') throw new DecodeError(`a ${typeof value} is no JSON value`)
  if (depth === 0) throw new DecodeError(`deeper than ${MAX_JSON_DEPTH}`)
  if (Array.isArray(value)) {
    for (const item of value) assertJsonValue(item, depth - 1)
    return
  }
  if (!isPlainObject(value)) throw new DecodeError('an object that is no JSON value')
  for (const [key, item] of Object.entries(value)) {
    assertWellFormed(key)
    if (FORBIDDEN_KEYS.has(key)) throw new DecodeError(`the name ${key} is not allowed`)
    assertJsonValue(item, depth - 1)
  }
}

/** An object made by braces or a parser: neither an array nor an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function assertWellFormed(text: string): void {
  if (!text.isWellFormed()) throw new DecodeError('lone surrogate in a text')
}

function assertInteger(value: number): void {
  if (!Number.isSafeInteger(value)) throw new DecodeError('a number that is no safe integer')
  if (Object.is(value, -0)) throw new DecodeError('minus zero')
}
