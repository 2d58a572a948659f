import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { MAX_PLAIN_BYTES } from './sealed-record.ts'

/**
 * The logical names of the critical records, for the store shows only their hashes and a record opens
 * under its name alone. Sixteen parts, so that one new name rewrites a sixteenth of the list.
 */
const PART_PREFIX = 'names/'
const PARTS = '0123456789abcdef'
const MAX_NAME = 200
const NAME = /^[!-~]+$/ // printable ASCII, no spaces

export const PART_NAMES: readonly string[] = [...PARTS].map((part) => PART_PREFIX + part)

/** The part that lists the record of this name in the store: its first hex character decides. */
export const partOf = (storeName: string): string =>
  PART_PREFIX + storeName.slice(storeName.lastIndexOf('/') + 1).charAt(0)

export const encodePart = (names: readonly string[]): Uint8Array =>
  encodeCanonical([1, [...names].sort()])

/** Throws `DecodeError`. */
export function decodePart(bytes: Uint8Array): string[] {
  const fields = decodeCanonical(bytes, MAX_PLAIN_BYTES)
  if (!Array.isArray(fields) || fields.length !== 2) throw new DecodeError('catalogue')
  const [format, names]: unknown[] = fields
  if (format !== 1 || !Array.isArray(names) || !names.every(isName))
    throw new DecodeError('catalogue')
  return names
}

/** Names that callers may use for records of their own. */
export function assertName(name: string): void {
  if (!isName(name) || RESERVED.has(name) || OWN_PREFIXES.some((own) => name.startsWith(own)))
    throw new Error(`bug: ${name} is not a name for a record`)
}

const OWN_PREFIXES = [PART_PREFIX, 'epoch/']
const RESERVED: ReadonlySet<string> = new Set(['identity', 'head'])

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_NAME && NAME.test(value)
