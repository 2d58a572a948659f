import { DecodeError } from '../../session/codec.ts'
import { assertJsonValue, FORBIDDEN_KEYS, type JsonValue, MAX_JSON_DEPTH } from '../json-value.ts'

const SPACE = /[ \t\n\r]*/y
const INTEGER = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y
const WORDS: ReadonlyMap<string, null | boolean> = new Map<string, null | boolean>([
  ['null', null],
  ['true', true],
  ['false', false],
])

/**
 * The value of a JSON text, under the limits of parameters (05 §2.1). Unlike `JSON.parse` it refuses a
 * name that occurs twice in one object, since two readers could take different ones (05 §1.5). Throws
 * `DecodeError`. The size of the text is bounded by the request that carries it.
 */
export function parseJsonText(text: string): JsonValue {
  const cursor: Cursor = { text, at: 0 }
  const value = readValue(cursor, MAX_JSON_DEPTH)
  skipSpace(cursor)
  if (cursor.at !== text.length) throw new DecodeError('text after the JSON value')
  assertJsonValue(value)
  return value
}

interface Cursor {
  readonly text: string
  at: number
}

function readValue(cursor: Cursor, depth: number): JsonValue {
  skipSpace(cursor)
  const char = cursor.text.charAt(cursor.at)
  if (char === '"') return readString(cursor)
  if (char === '{' || char === '[') {
    if (depth === 0) throw new DecodeError(`JSON deeper than ${MAX_JSON_DEPTH}`)
    return char === '{' ? readObject(cursor, depth - 1) : readArray(cursor, depth - 1)
  }
  for (const [word, value] of WORDS)
    if (cursor.text.startsWith(word, cursor.at)) {
      cursor.at += word.length
      return value
    }
  return Number(match(cursor, INTEGER, 'a JSON value without fractions'))
}

function readObject(cursor: Cursor, depth: number): JsonValue {
  const object: Record<string, JsonValue> = {}
  cursor.at++
  if (takes(cursor, '}')) return object
  do {
    skipSpace(cursor)
    const name = readString(cursor)
    if (FORBIDDEN_KEYS.has(name)) throw new DecodeError(`the name ${name} is not allowed`)
    if (Object.hasOwn(object, name)) throw new DecodeError('a name occurs twice in a JSON object')
    if (!takes(cursor, ':')) throw new DecodeError('expected : in a JSON object')
    object[name] = readValue(cursor, depth)
  } while (takes(cursor, ','))
  if (!takes(cursor, '}')) throw new DecodeError('expected } in a JSON object')
  return object
}

function readArray(cursor: Cursor, depth: number): JsonValue {
  const items: JsonValue[] = []
  cursor.at++
  if (takes(cursor, ']')) return items
  do items.push(readValue(cursor, depth))
  while (takes(cursor, ','))
  if (!takes(cursor, ']')) throw new DecodeError('expected ] in a JSON array')
  return items
}

/** Finds the end of the literal; the engine's own parser then reads this one string and its escapes. */
function readString(cursor: Cursor): string {
  const { text, at } = cursor
  if (text.charAt(at) !== '"') throw new DecodeError('expected a JSON string')
  let end = at + 1
  while (end < text.length && text.charAt(end) !== '"') end += text.charAt(end) === '\\' ? 2 : 1
  cursor.at = end + 1
  try {
    return String(JSON.parse(text.slice(at, end + 1)))
  } catch (cause) {
    throw new DecodeError('not a JSON string', { cause })
  }
}

function takes(cursor: Cursor, char: string): boolean {
  skipSpace(cursor)
  if (cursor.text.charAt(cursor.at) !== char) return false
  cursor.at++
  return true
}

function skipSpace(cursor: Cursor): void {
  match(cursor, SPACE, 'space')
}

function match(cursor: Cursor, pattern: RegExp, expected: string): string {
  pattern.lastIndex = cursor.at
  const [found] = pattern.exec(cursor.text) ?? []
  if (found === undefined) throw new DecodeError(`expected ${expected}`)
  cursor.at += found.length
  return found
}
