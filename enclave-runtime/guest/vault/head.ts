import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

/** What the critical records are at one moment (04 §6): written in one batch with each change of them. */
export interface Head {
  /** vaultSeq: one more with every head. */
  readonly seq: number
  readonly setHash: Uint8Array
  readonly bootCounter: number
  /** BLAKE3 of the sealed head before; zeros in the first. */
  readonly prev: Uint8Array
}

const MAX_HEAD_BYTES = 128

export const encodeHead = ({ seq, setHash, bootCounter, prev }: Head): Uint8Array =>
  encodeCanonical([1, seq, setHash, bootCounter, prev])

export function decodeHead(bytes: Uint8Array): Head {
  const fields = decodeCanonical(bytes, MAX_HEAD_BYTES)
  if (!Array.isArray(fields) || fields.length !== 5) throw new DecodeError('head')
  const [format, seq, setHash, bootCounter, prev]: unknown[] = fields
  if (format !== 1 || !isCount(seq) || !isHash(setHash) || !isCount(bootCounter) || !isHash(prev))
    throw new DecodeError('head')
  return { seq, setHash, bootCounter, prev }
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isHash = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length === 32

export const recordHash = (sealed: Uint8Array): Uint8Array => blake3(sealed)

/** BLAKE3 over the sorted list of (name, BLAKE3 of the sealed record); each name is framed by its length. */
export function setHash(records: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const names = [...records.keys()].sort()
  return blake3(
    concatBytes(
      ...names.flatMap((name) => {
        const bytes = utf8ToBytes(name)
        return [Uint8Array.of(bytes.length), bytes, records.get(name) ?? new Uint8Array()]
      }),
    ),
  )
}
