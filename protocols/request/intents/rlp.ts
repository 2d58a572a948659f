import { concatBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'

/** What RLP can write: byte strings and lists of them. */
export type RlpItem = Uint8Array | readonly RlpItem[]

/** A transaction, its access list, an entry of it, the storage keys of the entry. */
const MAX_DEPTH = 4
/** Payloads up to this length have it in the first byte; longer ones have the length of the length there. */
const SHORT = 55

/** The RLP encoding of an item (Yellow Paper, appendix B). */
export function encodeRlp(item: RlpItem): Uint8Array {
  if (!(item instanceof Uint8Array)) {
    const payload = concatBytes(...item.map(encodeRlp))
    return concatBytes(head(0xc0, payload.length), payload)
  }
  const [first = 0x80] = item
  return item.length === 1 && first < 0x80 ? item : concatBytes(head(0x80, item.length), item)
}

/** The item of which `bytes` is the only encoding. Throws `DecodeError` for anything else. */
export function decodeRlp(bytes: Uint8Array): RlpItem {
  const { item, next } = read(bytes, 0, bytes.length, MAX_DEPTH)
  if (next !== bytes.length) throw new DecodeError('trailing bytes after RLP')
  return item
}

/** Big-endian without leading zeros; 0 is the empty string. */
export function minimalBytes(value: bigint): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn))
  return Uint8Array.from(bytes)
}

function head(offset: number, length: number): Uint8Array {
  if (length <= SHORT) return Uint8Array.of(offset + length)
  const size = minimalBytes(BigInt(length))
  return concatBytes(Uint8Array.of(offset + SHORT + size.length), size)
}

function read(
  bytes: Uint8Array,
  at: number,
  end: number,
  depth: number,
): { item: RlpItem; next: number } {
  const first = bytes[at]
  if (first === undefined || at >= end) throw new DecodeError('truncated RLP')
  if (first < 0x80) return { item: bytes.slice(at, at + 1), next: at + 1 }
  const isList = first >= 0xc0
  const { start, length } = payload(bytes, at, first - (isList ? 0xc0 : 0x80))
  const next = start + length
  if (next > end) throw new DecodeError('truncated RLP')
  if (!isList) {
    const item = bytes.slice(start, next)
    if (length === 1 && (item[0] ?? 0) < 0x80) throw new DecodeError('RLP byte written as a string')
    return { item, next }
  }
  if (depth === 0) throw new DecodeError('RLP too deep')
  const items: RlpItem[] = []
  for (let position = start; position < next; ) {
    const child = read(bytes, position, next, depth - 1)
    items.push(child.item)
    position = child.next
  }
  return { item: items, next }
}

function payload(bytes: Uint8Array, at: number, short: number): { start: number; length: number } {
  if (short <= SHORT) return { start: at + 1, length: short }
  const size = short - SHORT
  const start = at + 1 + size
  const digits = bytes.subarray(at + 1, start)
  if (digits.length !== size || digits[0] === 0 || size > 4)
    // four bytes of length: 4 GiB
    throw new DecodeError('not the length of an RLP item')
  const length = digits.reduce((sum, byte) => sum * 256 + byte, 0)
  if (length <= SHORT) throw new DecodeError('RLP length not minimal')
  return { start, length }
}
