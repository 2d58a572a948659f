import { type Codec, DecodeError } from '../../protocols/session/codec.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'

/** 0 signing, 1 resharing, 2 generation. */
export type Priority = 0 | 1 | 2

export interface EnvelopeFrame {
  /** To whom (from the guest) or from whom (to the guest). */
  readonly peer: PartyIndex
  readonly bytes: Uint8Array
  readonly priority: Priority
}

const MAX_PARTY = 0xffff
const PEER = Uint8Array.of(0xa3, 0x64, ...ascii('peer')) // a map of three, keys in their canonical order
const BYTES = Uint8Array.of(0x65, ...ascii('bytes'))
const PRIORITY = Uint8Array.of(0x68, ...ascii('priority'))
const BYTE_STRING = 0x40
const UINT = 0x00
const MAX_HEAD = 5 // of a number below 2^32

/**
 * The canonical CBOR of `{peer, bytes, priority}`, written and read by hand: envelopes are most of what crosses
 * the port, each of up to a mebibyte, and a general decoder copies and compares each of them three times.
 * Decoded `bytes` are a view of the frame, which nothing else keeps.
 */
export function envelopeCodec(maxEnvelope: number): Codec<EnvelopeFrame> {
  return {
    encode({ peer, bytes, priority }) {
      if (!isParty(peer) || bytes.length < 1 || bytes.length > maxEnvelope || !isPriority(priority))
        throw new Error('bug: an envelope that the other side would refuse')
      const fixed = PEER.length + BYTES.length + PRIORITY.length + 1
      const size = fixed + headLength(peer) + headLength(bytes.length) + bytes.length
      const frame = new Uint8Array(size)
      frame.set(PEER)
      let at = putHead(frame, PEER.length, UINT, peer)
      frame.set(BYTES, at)
      at = putHead(frame, at + BYTES.length, BYTE_STRING, bytes.length)
      frame.set(bytes, at)
      frame.set(PRIORITY, at + bytes.length)
      frame[size - 1] = priority
      return frame
    },
    decode(frame) {
      const peer = headAfter(frame, 0, PEER, UINT)
      const length = headAfter(frame, peer.next, BYTES, BYTE_STRING)
      const end = length.next + length.value
      const priority = headAfter(frame, end, PRIORITY, UINT)
      if (!isParty(peer.value) || length.value < 1 || length.value > maxEnvelope)
        throw new DecodeError('not an envelope')
      if (!isPriority(priority.value) || priority.next !== frame.length)
        throw new DecodeError('not an envelope')
      return {
        peer: peer.value,
        bytes: frame.subarray(length.next, end),
        priority: priority.value,
      }
    },
  }
}

const isParty = (value: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= MAX_PARTY
const isPriority = (value: number): value is Priority => value === 0 || value === 1 || value === 2

/** Bytes of the one head that the canonical form has for a number. */
const headLength = (value: number): number =>
  value < 24 ? 1 : value < 0x100 ? 2 : value < 0x1_0000 ? 3 : MAX_HEAD

function putHead(into: Uint8Array, at: number, major: number, value: number): number {
  const length = headLength(value)
  if (length === 1) into[at] = major | value
  else {
    into[at] = major | (length === 2 ? 24 : length === 3 ? 25 : 26) // RFC 8949 §3: 1, 2 or 4 bytes follow
    for (let i = 1; i < length; i++) into[at + i] = (value >>> (8 * (length - 1 - i))) & 0xff
  }
  return at + length
}

/** The number after `key`, in its shortest form; `next` is where it ends. */
function headAfter(
  frame: Uint8Array,
  at: number,
  key: Uint8Array,
  major: number,
): { value: number; next: number } {
  for (let i = 0; i < key.length; i++)
    if (frame[at + i] !== key[i]) throw new DecodeError('not an envelope')
  const from = at + key.length
  const first = frame[from]
  if (first === undefined || (first & 0xe0) !== major) throw new DecodeError('not an envelope')
  const short = first & 0x1f
  if (short < 24) return { value: short, next: from + 1 }
  if (short > 26) throw new DecodeError('not an envelope')
  const next = from + 1 + (1 << (short - 24))
  if (next > frame.length) throw new DecodeError('truncated')
  let value = 0
  for (let i = from + 1; i < next; i++) value = value * 256 + (frame[i] ?? 0)
  if (headLength(value) !== next - from) throw new DecodeError('not the shortest form')
  return { value, next }
}

function ascii(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0))
}
