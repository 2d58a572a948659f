import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError, Reader, u8, u32 } from '../../../protocols/session/codec.ts'

/** Size class of 256 KiB and the envelope's own head (04 §11). */
export const URGENT_BYTES: number = 256 * 1024 + 64
/** Size class of 1 MiB and the envelope's own head. */
export const BULK_BYTES: number = 1024 * 1024 + 1024
/** One part of a bulk envelope: what an urgent one waits for at most, 105 ms at 20 Mbit/s. */
export const PART_BYTES: number = 256 * 1024
const HELLO_BYTES = 256 // of the CBOR array
const BYE_TEXT_BYTES = 64
const NONCE_BYTES = 8
const START_ID_BYTES = 8
const LAST_RESERVED_KIND = 0x7f // above: room for later versions, ignored

export const BYE = { stopping: 0, protocol: 1, network: 2, replaced: 3 } as const
export type ByeReason = (typeof BYE)[keyof typeof BYE]

export interface Hello {
  readonly networkId: Uint8Array
  /** Drawn at each start of the host: a hint that sessions of before are gone. */
  readonly startId: Uint8Array
  readonly epoch: number
  /** A bit for each optional ability; none is defined yet. */
  readonly features: number
  /** Unix ms. */
  readonly sentAt: number
}

/** The frames of a link, by their first byte (spec "Network", 07 §6.2). */
export type LinkFrame =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'ping' | 'pong'; readonly nonce: Uint8Array }
  | { readonly kind: 'bye'; readonly reason: number; readonly text: string }
  | { readonly kind: 'urgent'; readonly envelope: Uint8Array }
  | { readonly kind: 'part' | 'last-part'; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: 'later' }

const KINDS = {
  hello: 0x01,
  ping: 0x02,
  pong: 0x03,
  bye: 0x04,
  urgent: 0x10,
  part: 0x11,
  'last-part': 0x12,
} as const

/** Integers are little-endian, as in every layout but the length before a frame. */
export function encodeLinkFrame(frame: Exclude<LinkFrame, { kind: 'later' }>): Uint8Array {
  return concat([u8(KINDS[frame.kind]), ...body(frame)])
}

function body(frame: Exclude<LinkFrame, { kind: 'later' }>): Uint8Array[] {
  switch (frame.kind) {
    case 'hello': {
      const { networkId, startId, epoch, features, sentAt } = frame.hello
      return [encodeCanonical(['hello', 1, networkId, startId, epoch, features, sentAt])]
    }
    case 'ping':
    case 'pong':
      return [frame.nonce]
    case 'bye':
      return [u8(frame.reason), new TextEncoder().encode(frame.text).subarray(0, BYE_TEXT_BYTES)]
    case 'urgent':
      return [frame.envelope]
    case 'part':
    case 'last-part':
      return [u32(frame.number), frame.bytes]
  }
}

/** Throws `DecodeError` for an unknown kind below 0x80, and for a known one of another form. */
export function decodeLinkFrame(bytes: Uint8Array): LinkFrame {
  const kind = bytes[0]
  if (kind === undefined) throw new DecodeError('empty frame')
  const reader = new Reader(bytes.subarray(1))
  const size = bytes.length - 1
  switch (kind) {
    case KINDS.hello:
      return { kind: 'hello', hello: decodeHello(reader.take(size)) }
    case KINDS.ping:
      return reader.end({ kind: 'ping', nonce: reader.take(NONCE_BYTES) })
    case KINDS.pong:
      return reader.end({ kind: 'pong', nonce: reader.take(NONCE_BYTES) })
    case KINDS.bye: {
      const reason = reader.u8()
      if (size - 1 > BYE_TEXT_BYTES) throw new DecodeError('long bye')
      return { kind: 'bye', reason, text: printable(reader.take(size - 1)) }
    }
    case KINDS.urgent:
      return { kind: 'urgent', envelope: bounded(reader, size, URGENT_BYTES) }
    case KINDS.part:
    case KINDS['last-part']: {
      const number = reader.u32(Math.ceil(BULK_BYTES / PART_BYTES))
      const part = bounded(reader, size - 4, PART_BYTES)
      return { kind: kind === KINDS.part ? 'part' : 'last-part', number, bytes: part }
    }
    default:
      if (kind <= LAST_RESERVED_KIND) throw new DecodeError(`frame of kind ${kind}`)
      return { kind: 'later' }
  }
}

function bounded(reader: Reader, size: number, max: number): Uint8Array {
  if (size === 0) throw new DecodeError('empty envelope')
  if (size > max) throw new DecodeError(`more than ${max} bytes`)
  return reader.take(size)
}

function decodeHello(bytes: Uint8Array): Hello {
  const value = decodeCanonical(bytes, HELLO_BYTES, 2)
  if (!Array.isArray(value) || value.length !== 7) throw new DecodeError('hello of another form')
  const [name, version, networkId, startId, epoch, features, sentAt]: unknown[] = value
  if (name !== 'hello' || version !== 1) throw new DecodeError('not hello 1')
  return {
    networkId: bytesOf(networkId, 32),
    startId: bytesOf(startId, START_ID_BYTES),
    epoch: uintOf(epoch),
    features: uintOf(features),
    sentAt: uintOf(sentAt),
  }
}

function bytesOf(value: unknown, length: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== length)
    throw new DecodeError(`expected ${length} bytes`)
  return value
}

function uintOf(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new DecodeError('expected a count')
  return value as number
}

/** A peer chose these bytes, and people may read them. */
const printable = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '?')).join('')

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
