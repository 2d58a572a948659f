import { DecodeError } from '../../session/codec.ts'
import { isPlainObject } from '../json-value.ts'

/** A type of EIP-712, taken apart. */
export type ValueType =
  | { readonly kind: 'bool' | 'address' | 'bytes' | 'string' }
  | { readonly kind: 'uint' | 'int'; readonly bits: number }
  | { readonly kind: 'fixedBytes'; readonly length: number }
  | { readonly kind: 'array'; readonly item: ValueType; readonly length: number | null }
  | { readonly kind: 'struct'; readonly name: string }

export interface Field {
  readonly name: string
  /** As written, which is what is hashed. */
  readonly text: string
  readonly type: ValueType
}

export type Types = ReadonlyMap<string, readonly Field[]>

export const DOMAIN_TYPE = 'EIP712Domain'
/** Fields a domain may have, each at most once (EIP-712, "Definition of domainSeparator"). */
const DOMAIN_FIELDS: ReadonlyMap<string, string> = new Map([
  ['name', 'string'],
  ['version', 'string'],
  ['chainId', 'uint256'],
  ['verifyingContract', 'address'],
  ['salt', 'bytes32'],
])
/** Structs of one document and fields of one struct: arrays and lists of the data model (05 §1). */
const MAX_STRUCTS = 64
const MAX_FIELDS = 64
const MAX_NAME_CHARS = 128
const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/
const ARRAY = /^(.+)\[([1-9][0-9]{0,5})?\]$/
const NUMERIC = /^(u?int|bytes)([1-9][0-9]{0,2})$/
const SIMPLE: ReadonlySet<string> = new Set(['bool', 'address', 'bytes', 'string'])
/** No struct may be called like these, known to us or not, so that no text has two readings. */
const RESERVED = /^(?:u?int[0-9]*|bytes[0-9]*|bool|address|string|u?fixed.*|function|tuple)$/

/**
 * The types of a document. Closed: each field's type is atomic, a struct defined here, or an array of
 * those. Structs that nothing refers to are checked and change no hash. Throws `DecodeError`.
 */
export function parseTypes(value: unknown): Types {
  if (!isPlainObject(value)) throw new DecodeError('types is no object')
  const structs = Object.entries(value)
  if (structs.length > MAX_STRUCTS) throw new DecodeError(`more than ${MAX_STRUCTS} types`)
  const names = new Set(Object.keys(value))
  for (const name of names)
    if (!isIdentifier(name) || RESERVED.test(name))
      throw new DecodeError('a type has a name that is not allowed')
  const types = new Map(structs.map(([name, fields]) => [name, parseFields(name, fields, names)]))
  assertDomainType(types)
  return types
}

/** `encodeType` of EIP-712: the struct, then all it refers to in order of their names. */
export function encodeType(types: Types, struct: string): string {
  const found = new Set<string>()
  const open = [struct]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue
    found.add(name)
    for (const { type } of fieldsOf(types, name)) open.push(...structIn(type))
  }
  found.delete(struct)
  return [struct, ...[...found].sort()]
    .map((name) => {
      const fields = fieldsOf(types, name).map((field) => `${field.text} ${field.name}`)
      return `${name}(${fields.join(',')})`
    })
    .join('')
}

export function fieldsOf(types: Types, struct: string): readonly Field[] {
  const fields = types.get(struct)
  if (fields === undefined) throw new DecodeError('a type that is not defined')
  return fields
}

function parseFields(struct: string, value: unknown, structs: ReadonlySet<string>): Field[] {
  if (!Array.isArray(value) || value.length > MAX_FIELDS)
    throw new DecodeError(`type ${struct} is no list of at most ${MAX_FIELDS} fields`)
  const fields = value.map((field: unknown) => parseField(struct, field, structs))
  if (new Set(fields.map(({ name }) => name)).size !== fields.length)
    throw new DecodeError(`type ${struct} has a field twice`)
  return fields
}

function parseField(struct: string, value: unknown, structs: ReadonlySet<string>): Field {
  if (!isPlainObject(value) || Object.keys(value).length !== 2)
    throw new DecodeError(`a field of type ${struct} has not exactly name and type`)
  const { name, type } = value
  if (typeof name !== 'string' || !isIdentifier(name))
    throw new DecodeError(`a field of type ${struct} has no name`)
  if (typeof type !== 'string' || type.length > MAX_NAME_CHARS)
    throw new DecodeError(`field ${struct}.${name} has no type`)
  return { name, text: type, type: parseType(type, structs) }
}

function parseType(text: string, structs: ReadonlySet<string>): ValueType {
  const [, item, length] = ARRAY.exec(text) ?? []
  if (item !== undefined)
    return {
      kind: 'array',
      item: parseType(item, structs),
      length: length === undefined ? null : Number(length),
    }
  if (structs.has(text)) return { kind: 'struct', name: text }
  if (SIMPLE.has(text)) return { kind: text as 'bool' | 'address' | 'bytes' | 'string' }
  const [, kind, digits] = NUMERIC.exec(text) ?? []
  const size = Number(digits)
  if (kind === 'bytes' && size <= 32) return { kind: 'fixedBytes', length: size }
  if ((kind === 'uint' || kind === 'int') && size <= 256 && size % 8 === 0)
    return { kind, bits: size }
  throw new DecodeError('a field has a type that is not defined')
}

function assertDomainType(types: Types): void {
  const fields = types.get(DOMAIN_TYPE)
  if (fields === undefined || fields.length === 0)
    throw new DecodeError(`types does not define the fields of ${DOMAIN_TYPE}`)
  for (const { name, text } of fields)
    if (DOMAIN_FIELDS.get(name) !== text)
      throw new DecodeError(`${DOMAIN_TYPE} may not have the field ${text} ${name}`)
}

const structIn = (type: ValueType): string[] =>
  type.kind === 'array' ? structIn(type.item) : type.kind === 'struct' ? [type.name] : []

const isIdentifier = (text: string): boolean =>
  text.length <= MAX_NAME_CHARS && IDENTIFIER.test(text)
