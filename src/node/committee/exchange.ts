import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { FrameLimits } from '../channels/frame-channel.ts'

/** What hosts say to each other about the committee (07 §7): one request a stream, first frame of whoever opened it. */
export const COMMITTEE_PROTOCOL = '/holdfast/committee/1.0.0'

const KIB = 1024
/** An answer is at most 256 KiB (07 §7). */
export const MAX_ANSWER_BYTES: number = 256 * KIB
/** A letter with its head and signature (04 §2). */
export const MAX_LETTER_BYTES: number = 52 * KIB
const MAX_JOIN_BYTES: number = 41 * KIB // a signed join (03 §1.1)
const MAX_REQUEST_BYTES: number = MAX_JOIN_BYTES + 64
const MAX_CERT_BYTES: number = 64 * KIB // epochCert and published (03 §1.1)
const MAX_CERTS = 64 // of one answer; more fit only where they are small
const LIST_OVERHEAD_BYTES = 64 // heads around the certificates of an answer
const ITEM_OVERHEAD_BYTES = 5
const U16 = 0xffff

export const COMMITTEE_FRAMES: FrameLimits = {
  maxFrame: MAX_ANSWER_BYTES,
  readHigh: 512 * KIB,
  maxUnread: 32, // letters of 52 KiB: more than the window of whoever sends them
  maxQueued: 512 * KIB,
  stallMs: 10_000,
}

export type CommitteeRequest =
  /** The genesis file, as it is. */
  | { readonly ask: 'genesis' }
  /** The newest `published` (03 §1.2). */
  | { readonly ask: 'newest' }
  /** Certificates of epochs, from `e` on. */
  | { readonly ask: 'history'; readonly e: number }
  /** Leaves a signed join for the operators of this node to see. */
  | { readonly ask: 'join'; readonly join: Uint8Array }
  /** Letters follow, each a frame; each is answered by a receipt. `from`: whose guest sends them, unproved. */
  | { readonly ask: 'letters'; readonly from: Uint8Array }

export function encodeRequest(request: CommitteeRequest): Uint8Array {
  switch (request.ask) {
    case 'genesis':
    case 'newest':
      return encodeCanonical([request.ask, 1])
    case 'history':
      return encodeCanonical(['history', 1, request.e])
    case 'join':
      return encodeCanonical(['join', 1, request.join])
    case 'letters':
      return encodeCanonical(['letters', 1, request.from])
  }
}

/** Throws `DecodeError` for what this build does not know. */
export function decodeRequest(frame: Uint8Array): CommitteeRequest {
  const [ask, version, value, ...rest] = items(frame, MAX_REQUEST_BYTES)
  if (version !== 1 || rest.length > 0) throw new DecodeError('not a request that this build knows')
  if ((ask === 'genesis' || ask === 'newest') && value === undefined) return { ask }
  if (ask === 'history') return { ask, e: epoch(value) }
  if (ask === 'join') return { ask, join: bytes(value, MAX_JOIN_BYTES) }
  if (ask === 'letters') {
    const from = bytes(value, 32)
    if (from.length === 32) return { ask, from }
  }
  throw new DecodeError('not a request that this build knows')
}

/** Bytes of `published`, or null where there is none yet. */
export const encodeNewest = (published: Uint8Array | null): Uint8Array =>
  encodeCanonical(['newest', 1, published])

export function decodeNewest(frame: Uint8Array): Uint8Array | null {
  const [name, version, value, ...rest] = items(frame, MAX_ANSWER_BYTES)
  if (name !== 'newest' || version !== 1 || rest.length > 0)
    throw new DecodeError('not the newest committee')
  return value === null ? null : bytes(value, MAX_CERT_BYTES)
}

/** Certificates of consecutive epochs from `e` on: as many of them as fit one answer. */
export function encodeHistory(e: number, certs: readonly Uint8Array[]): Uint8Array {
  return encodeCanonical(['history', 1, e, certs])
}

/** How many of these certificates one answer holds. */
export function fittingCerts(certs: readonly Uint8Array[]): number {
  let room = MAX_ANSWER_BYTES - LIST_OVERHEAD_BYTES
  const full = certs.findIndex(({ length }, i) => {
    room -= length + ITEM_OVERHEAD_BYTES
    return room < 0 || i >= MAX_CERTS
  })
  return full === -1 ? certs.length : full
}

/** The certificates from `e` on; none: the peer knows none. Throws `DecodeError` for an answer to something else. */
export function decodeHistory(frame: Uint8Array, e: number): readonly Uint8Array[] {
  const [name, version, from, certs, ...rest] = items(frame, MAX_ANSWER_BYTES)
  if (name !== 'history' || version !== 1 || rest.length > 0 || epoch(from) !== e)
    throw new DecodeError('not the history that was asked for')
  if (!Array.isArray(certs) || certs.length > MAX_CERTS) throw new DecodeError('too many epochs')
  return certs.map((cert) => bytes(cert, MAX_CERT_BYTES))
}

/** Whether a join was taken in. */
export const encodeJoined = (isTaken: boolean): Uint8Array =>
  encodeCanonical(['joined', 1, isTaken])

export function decodeJoined(frame: Uint8Array): boolean {
  const [name, version, isTaken, ...rest] = items(frame, MAX_REQUEST_BYTES)
  if (name !== 'joined' || version !== 1 || rest.length > 0 || typeof isTaken !== 'boolean')
    throw new DecodeError('not the answer to a join')
  return isTaken
}

/** What says that a letter was taken. */
export const RECEIPT: Uint8Array = Uint8Array.of(1)

/** Throws `DecodeError` for anything else. */
export function assertReceipt(frame: Uint8Array): void {
  if (frame.length !== 1 || frame[0] !== RECEIPT[0]) throw new DecodeError('not a receipt')
}

function items(frame: Uint8Array, maxBytes: number): readonly unknown[] {
  const value = decodeCanonical(frame, maxBytes, 2)
  if (!Array.isArray(value)) throw new DecodeError('not an array')
  return value as unknown[]
}

function bytes(value: unknown, max: number): Uint8Array {
  if (value instanceof Uint8Array && value.length > 0 && value.length <= max) return value
  throw new DecodeError(`not 1..${max} bytes`)
}

function epoch(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= U16)
    return value
  throw new DecodeError('not an epoch')
}
