import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'
import { RequestError } from '../errors.ts'
import { addressBytes } from '../ethereum-address.ts'
import { hexBytes } from '../hex.ts'
import { assertJsonValue, isPlainObject, type JsonValue } from '../json-value.ts'
import { parseJsonText } from './json-text.ts'
import {
  DOMAIN_TYPE,
  encodeType,
  fieldsOf,
  parseTypes,
  type Types,
  type ValueType,
} from './typed-data-types.ts'

/** What EIP-712 hashes, and what of it is named in the intent. */
export interface HashedTypedData {
  readonly primaryType: string
  /** Of the domain, when it names a chain. */
  readonly chainId: bigint | null
  readonly domainSeparator: Uint8Array
  readonly structHash: Uint8Array
  /** keccak256(19 01 ‖ domainSeparator ‖ structHash), 32 bytes. */
  readonly digest: Uint8Array
}

const DOCUMENT_FIELDS: readonly string[] = ['types', 'primaryType', 'domain', 'message']
const DECIMAL = /^(?:0|-?[1-9][0-9]{0,77})$/
const HEX_INTEGER = /^0x[0-9a-fA-F]{1,64}$/

/**
 * EIP-712 over a document given as JSON text or as the object: parsed once, checked against its types and
 * hashed from the parsed value. Each struct has exactly the fields of its type; integers (JSON integers up
 * to 2^53-1, decimal text, or `0x` text) fit their type; bytesN have N bytes. Throws MSG_BUILD_FAILED.
 */
export function hashTypedData(given: JsonValue): HashedTypedData {
  try {
    return hashDocument(typeof given === 'string' ? parseJsonText(given) : given)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new RequestError('MSG_BUILD_FAILED', cause.message, { cause })
  }
}

function hashDocument(document: unknown): HashedTypedData {
  assertJsonValue(document) // bounds the depth of everything below
  const { types: typesGiven, primaryType, domain, message } = exactly(document, DOCUMENT_FIELDS)
  const types = parseTypes(typesGiven)
  if (typeof primaryType !== 'string' || primaryType === DOMAIN_TYPE || !types.has(primaryType))
    throw new DecodeError('primaryType names no struct of types')
  const hasher = new StructHasher(types)
  const domainSeparator = hasher.hash(DOMAIN_TYPE, domain)
  const structHash = hasher.hash(primaryType, message)
  const digest = keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), domainSeparator, structHash))
  return { primaryType, chainId: chainIdOf(domain), domainSeparator, structHash, digest }
}

/** `hashStruct` of EIP-712 over one set of types; remembers type hashes. */
class StructHasher {
  readonly #types: Types
  readonly #typeHashes = new Map<string, Uint8Array>()

  constructor(types: Types) {
    this.#types = types
  }

  hash(struct: string, value: unknown): Uint8Array {
    const fields = fieldsOf(this.#types, struct)
    const values = exactly(
      value,
      fields.map(({ name }) => name),
    )
    const words = fields.map(({ name, type }) => {
      try {
        return this.#word(type, values[name])
      } catch (cause) {
        if (!(cause instanceof DecodeError)) throw cause
        throw new DecodeError(`${name}: ${cause.message}`, { cause })
      }
    })
    return keccak_256(concatBytes(this.#typeHash(struct), ...words))
  }

  /** `encodeData` of one value: 32 bytes. */
  #word(type: ValueType, value: unknown): Uint8Array {
    if (type.kind === 'struct') return this.hash(type.name, value)
    if (type.kind !== 'array') return atomicWord(type, value)
    if (!Array.isArray(value)) throw new DecodeError('not a list')
    if (type.length !== null && value.length !== type.length)
      throw new DecodeError(`not a list of ${type.length}`)
    return keccak_256(concatBytes(...value.map((item: unknown) => this.#word(type.item, item))))
  }

  #typeHash(struct: string): Uint8Array {
    const known = this.#typeHashes.get(struct)
    if (known !== undefined) return known
    const hash = keccak_256(utf8ToBytes(encodeType(this.#types, struct)))
    this.#typeHashes.set(struct, hash)
    return hash
  }
}

type Atomic = Exclude<ValueType, { kind: 'struct' | 'array' }>

function atomicWord(type: Atomic, value: unknown): Uint8Array {
  switch (type.kind) {
    case 'bool':
      if (typeof value !== 'boolean') throw new DecodeError('neither true nor false')
      return integerWord(value ? 1n : 0n)
    case 'uint':
    case 'int':
      return integerWord(integer(type, value))
    case 'string':
      return keccak_256(utf8ToBytes(text(value)))
    case 'bytes':
      return keccak_256(hex(value))
    case 'fixedBytes': {
      const bytes = hex(value)
      if (bytes.length !== type.length) throw new DecodeError(`not ${type.length} bytes`)
      return concatBytes(bytes, new Uint8Array(32 - bytes.length))
    }
    case 'address': {
      const address = addressBytes(text(value))
      if (address === undefined)
        throw new DecodeError('not an address in lower case or with its EIP-55 checksum')
      return concatBytes(new Uint8Array(12), address)
    }
  }
}

function integer({ kind, bits }: { kind: 'uint' | 'int'; bits: number }, value: unknown): bigint {
  const number = anyInteger(value)
  const fits = kind === 'uint' ? BigInt.asUintN(bits, number) : BigInt.asIntN(bits, number)
  if (fits !== number) throw new DecodeError(`out of the range of ${kind}${bits}`)
  return number
}

function anyInteger(value: unknown): bigint {
  if (typeof value === 'number') return BigInt(value) // assertJsonValue let only safe integers in
  if (typeof value === 'string' && (DECIMAL.test(value) || HEX_INTEGER.test(value)))
    return BigInt(value)
  throw new DecodeError('not an integer')
}

/** Two's complement, big-endian. */
function integerWord(value: bigint): Uint8Array {
  const digits = BigInt.asUintN(256, value).toString(16).padStart(64, '0')
  return hex(`0x${digits}`)
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new DecodeError('not a text')
  return value
}

function hex(value: unknown): Uint8Array {
  const bytes = hexBytes(text(value))
  if (bytes === undefined) throw new DecodeError('not 0x and an even number of hex digits')
  return bytes
}

/** An object with exactly these fields. */
function exactly(value: unknown, names: readonly string[]): Record<string, unknown> {
  if (!isPlainObject(value)) throw new DecodeError('not an object')
  for (const name of names)
    if (!Object.hasOwn(value, name)) throw new DecodeError(`${name} is missing`)
  if (Object.keys(value).length !== names.length) throw new DecodeError('a field too many')
  return value
}

function chainIdOf(domain: unknown): bigint | null {
  return isPlainObject(domain) && Object.hasOwn(domain, 'chainId')
    ? anyInteger(domain['chainId'])
    : null
}
