import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from './codec.ts'
import type { PartyIndex } from './faults.ts'
import { type KeyedCipher, type NoiseSecrets, type NoiseSuite, TAG_BYTES } from './noise-kk.ts'

/**
 * What guests say to each other, from end to end (04 §11): a plain header of 24 bytes, and under it one
 * message, padded to a size class. Times and randomness belong to the caller.
 */
export const HEADER_BYTES = 24
const VERSION = 1
/** 4 says only "I have no such channel": it is not authenticated and never more than a hint. */
export const ENVELOPE_KINDS = { first: 1, second: 2, data: 3, close: 4 } as const
export type EnvelopeKind = (typeof ENVELOPE_KINDS)[keyof typeof ENVELOPE_KINDS]
const KINDS: readonly EnvelopeKind[] = Object.values(ENVELOPE_KINDS)

export interface EnvelopeHeader {
  readonly kind: EnvelopeKind
  readonly from: PartyIndex
  readonly to: PartyIndex
  /** e mod 2^16: which of the receiver's rooms it is for. */
  readonly epoch: number
  /** First 8 bytes of the handshake hash; zero in kinds 1 and 2. */
  readonly channel: Uint8Array
  readonly sequence: number
}

/** One message of a session. */
export interface EnvelopeMessage {
  /** instanceId of 02 §11, 32 bytes. */
  readonly session: Uint8Array
  readonly attempt: number
  readonly round: number
  readonly type: number
  readonly body: Uint8Array
}

export const NO_CHANNEL: Uint8Array = new Uint8Array(8)

/** Classes of 04 §11: up to 64 KiB few, for what people ask for; above, where batches are, eight in each doubling. */
const PADDED = [
  ...[256, 1024, 4096, 16_384, 65_536],
  ...[65_536, 131_072, 262_144, 524_288].flatMap((from) =>
    Array.from({ length: 8 }, (_, k) => from + ((k + 1) * from) / 8),
  ),
]
const MESSAGE_HEAD_BYTES = 44 // session 32, attempt 4, round 2, type 2, length 4
export const MAX_BODY_BYTES: number = 1_048_576 - MESSAGE_HEAD_BYTES
export const MAX_ENVELOPE_BYTES: number = HEADER_BYTES + 1_048_576 + TAG_BYTES

/** The epoch as a header carries it: at most two follow each other in use, so that sixteen bits tell them apart. */
export const headerEpoch = (e: number): number => e % 2 ** 16

export function encodeHeader(header: EnvelopeHeader): Uint8Array {
  const { kind, from, to, epoch, channel, sequence } = header
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, kind)
  view.setUint16(2, from)
  view.setUint16(4, to)
  view.setUint16(6, epoch)
  bytes.set(channel, 8)
  view.setUint32(16, Math.floor(sequence / 2 ** 32)) // a bigint for every message would be garbage
  view.setUint32(20, sequence % 2 ** 32)
  return bytes
}

/** Throws `DecodeError` for anything that `encodeHeader` does not write. */
export function decodeHeader(bytes: Uint8Array): EnvelopeHeader {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_ENVELOPE_BYTES)
    throw new DecodeError(`an envelope of ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  if (view.getUint8(0) !== VERSION) throw new DecodeError('another version')
  const kind = KINDS.find((known) => known === view.getUint8(1))
  if (kind === undefined) throw new DecodeError('unknown kind')
  const sequence = view.getUint32(16) * 2 ** 32 + view.getUint32(20)
  if (!Number.isSafeInteger(sequence)) throw new DecodeError('sequence')
  const header: EnvelopeHeader = {
    kind,
    from: view.getUint16(2),
    to: view.getUint16(4),
    epoch: view.getUint16(6),
    channel: bytes.slice(8, 16),
    sequence,
  }
  if (kind !== ENVELOPE_KINDS.data && sequence !== 0) throw new DecodeError('sequence')
  const handshake = kind === ENVELOPE_KINDS.first || kind === ENVELOPE_KINDS.second
  if (handshake && header.channel.some((byte) => byte !== 0)) throw new DecodeError('channel')
  return header
}

export interface PrologueFields {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  readonly epoch: bigint
  /** Names the attempt that made the epoch (03 §1.2). */
  readonly epochId: Uint8Array
  /** The lower party index. */
  readonly initiator: PartyIndex
  readonly responder: PartyIndex
}

/** What both sides must agree on before any key: another network, committee, epoch or pair has no channel with us. */
export function prologue(fields: PrologueFields): Uint8Array {
  const numbers = new Uint8Array(12)
  const view = new DataView(numbers.buffer)
  view.setBigUint64(0, fields.epoch)
  view.setUint16(8, fields.initiator)
  view.setUint16(10, fields.responder)
  return concatBytes(
    utf8ToBytes('holdfast/1/envelope'),
    fields.networkId,
    fields.committeeId,
    numbers.subarray(0, 8),
    fields.epochId,
    numbers.subarray(8),
  )
}

/** Payload of both handshake messages. */
export interface HandshakeFacts {
  /** 16 bytes, new at every start of the guest. */
  readonly bootId: Uint8Array
  readonly unixMs: number
  readonly vaultSeq: number
}

export function encodeFacts({ bootId, unixMs, vaultSeq }: HandshakeFacts): Uint8Array {
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  bytes.set(bootId)
  view.setBigUint64(16, BigInt(unixMs))
  view.setBigUint64(24, BigInt(vaultSeq))
  return bytes
}

export function decodeFacts(bytes: Uint8Array): HandshakeFacts {
  if (bytes.length !== 32) throw new DecodeError('handshake payload')
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32)
  const number = (at: number): number => {
    const value = view.getBigUint64(at)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new DecodeError('handshake payload')
    return Number(value)
  }
  return { bootId: bytes.slice(0, 16), unixMs: number(16), vaultSeq: number(24) }
}

/** A message as plaintext: head, body, zeros up to the smallest class that holds them. */
export function pad(message: EnvelopeMessage): Uint8Array {
  const bytes = new Uint8Array(paddedSize(message))
  put(bytes, message)
  return bytes
}

function paddedSize({ session, body }: EnvelopeMessage): number {
  const size = PADDED.find((padded) => padded >= MESSAGE_HEAD_BYTES + body.length)
  if (size === undefined || session.length !== 32)
    throw new Error(`bug: a message of ${body.length} bytes`)
  return size
}

/** Head and body at the beginning of zeros. */
function put(zeros: Uint8Array, { session, attempt, round, type, body }: EnvelopeMessage): void {
  const view = new DataView(zeros.buffer, zeros.byteOffset, MESSAGE_HEAD_BYTES)
  zeros.set(session)
  view.setUint32(32, attempt)
  view.setUint16(36, round)
  view.setUint16(38, type)
  view.setUint32(40, body.length)
  zeros.set(body, MESSAGE_HEAD_BYTES)
}

/**
 * Accepts only what `pad` makes. The message's body is a view of `bytes`, which are nobody else's any more. Throws
 * `DecodeError`: a fault of the party, for it was authenticated.
 */
export function unpad(bytes: Uint8Array): EnvelopeMessage {
  if (!PADDED.includes(bytes.length)) throw new DecodeError('size class')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = MESSAGE_HEAD_BYTES + view.getUint32(40)
  if (PADDED.find((padded) => padded >= end) !== bytes.length) throw new DecodeError('length')
  if (!isZero(bytes.subarray(end))) throw new DecodeError('padding')
  return {
    session: bytes.slice(0, 32),
    attempt: view.getUint32(32),
    round: view.getUint16(36),
    type: view.getUint16(38),
    body: bytes.subarray(MESSAGE_HEAD_BYTES, end),
  }
}

/** Four bytes at a time: the padding of a batch of correlations is a hundred kilobytes. */
function isZero(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes
  const head = Math.min(length, (4 - (byteOffset % 4)) % 4)
  const words = new Uint32Array(buffer, byteOffset + head, (length - head) >> 2)
  let seen = 0
  for (let i = 0; i < head; i++) seen |= bytes[i] ?? 0
  for (let i = 0; i < words.length; i++) seen |= words[i] ?? 0
  for (let i = head + 4 * words.length; i < length; i++) seen |= bytes[i] ?? 0
  return seen === 0
}

/** One plaintext of each size class, zeros but for the moment in which it is sealed. */
const plaintexts = new Map<number, Uint8Array>()

/** Lends the message's plaintext to `use`, which keeps nothing of it: it may hold a share. */
function withPlaintext<T>(message: EnvelopeMessage, use: (plaintext: Uint8Array) => T): T {
  const size = paddedSize(message)
  const plaintext = plaintexts.get(size) ?? new Uint8Array(size)
  plaintexts.set(size, plaintext)
  try {
    put(plaintext, message)
    return use(plaintext)
  } finally {
    plaintext.fill(0, 0, MESSAGE_HEAD_BYTES + message.body.length)
  }
}

const WINDOW = 1024 // a message may come this much late (04 §11: more than 1,023 below is dropped)
const MAX_JUMP = 65_536 // and be this far ahead; more is not loss

/** Which sequence numbers of one direction were taken. */
export class SequenceWindow {
  readonly #taken = new Uint8Array(WINDOW)
  #highest = -1

  /** Whether a message of this number may still be taken; asked before it is opened. */
  admits(sequence: number): boolean {
    if (sequence > this.#highest) return sequence - this.#highest <= MAX_JUMP
    return this.#highest - sequence < WINDOW && this.#taken[sequence % WINDOW] === 0
  }

  /** Only for an admitted number whose message authenticated: a forger must not move the window. */
  take(sequence: number): void {
    const first = Math.max(this.#highest + 1, sequence - WINDOW + 1)
    for (let skipped = first; skipped < sequence; skipped++) this.#taken[skipped % WINDOW] = 0
    this.#taken[sequence % WINDOW] = 1
    this.#highest = Math.max(this.#highest, sequence)
  }
}

export type Opened =
  | { readonly kind: 'message'; readonly message: EnvelopeMessage }
  | { readonly kind: 'dropped'; readonly why: 'sequence' | 'unauthentic' }
  /** It was authenticated, and yet is not a message: a fault of the party. */
  | { readonly kind: 'malformed'; readonly reason: string }

/** Two parties and the keys of one handshake, seen from one of them. */
export class SecureChannel {
  /** First 8 bytes of the handshake hash. */
  readonly id: Uint8Array
  readonly #seals: KeyedCipher
  readonly #opens: KeyedCipher
  readonly #me: PartyIndex
  readonly #peer: PartyIndex
  /** As headers carry it. */
  readonly #epoch: number
  readonly #secrets: NoiseSecrets
  readonly #window = new SequenceWindow()
  #sent = 0
  #received = 0
  #destroyed = false // its keys are zeros then, and anyone could seal under those

  constructor(
    suite: Pick<NoiseSuite<unknown>, 'under'>,
    me: PartyIndex,
    peer: PartyIndex,
    epoch: number,
    secrets: NoiseSecrets,
  ) {
    this.#seals = suite.under(secrets.send)
    this.#opens = suite.under(secrets.receive)
    this.#me = me
    this.#peer = peer
    this.#epoch = epoch
    this.#secrets = secrets
    this.id = secrets.hash.slice(0, 8)
  }

  /** Messages of the busier direction: 2^20 ask for a new handshake. */
  get used(): number {
    return Math.max(this.#sent, this.#received)
  }

  seal(message: EnvelopeMessage): Uint8Array {
    if (this.#destroyed) throw new Error('bug: a destroyed channel')
    const sequence = this.#sent++
    const header = encodeHeader({
      kind: ENVELOPE_KINDS.data,
      from: this.#me,
      to: this.#peer,
      epoch: this.#epoch,
      channel: this.id,
      sequence,
    })
    const aad = concatBytes(this.#secrets.hash, header)
    const envelope = withPlaintext(message, (plaintext) =>
      this.#seals.seal(nonceOf(sequence), aad, plaintext, HEADER_BYTES),
    )
    envelope.set(header)
    return envelope
  }

  /** `envelope` has a header that decoded to this channel, from the peer to us. */
  open(envelope: Uint8Array, sequence: number): Opened {
    if (this.#destroyed) return { kind: 'dropped', why: 'unauthentic' }
    if (!this.#window.admits(sequence)) return { kind: 'dropped', why: 'sequence' }
    const aad = concatBytes(this.#secrets.hash, envelope.subarray(0, HEADER_BYTES))
    const sealed = envelope.subarray(HEADER_BYTES)
    const plaintext =
      sealed.length < TAG_BYTES ? undefined : this.#opens.open(nonceOf(sequence), aad, sealed)
    if (plaintext === undefined) return { kind: 'dropped', why: 'unauthentic' }
    this.#window.take(sequence)
    this.#received++
    try {
      return { kind: 'message', message: unpad(plaintext) }
    } catch (error) {
      plaintext.fill(0)
      if (error instanceof DecodeError) return { kind: 'malformed', reason: error.message }
      throw error
    }
  }

  /** Best effort, as with every key outside the kernel. */
  destroy(): void {
    this.#destroyed = true
    this.#secrets.send.fill(0)
    this.#secrets.receive.fill(0)
  }
}

/** 4 zero bytes, then the sequence as u64le (Noise, ChaChaPoly). */
function nonceOf(sequence: number): Uint8Array {
  const nonce = new Uint8Array(12)
  const view = new DataView(nonce.buffer)
  view.setUint32(4, sequence % 2 ** 32, true)
  view.setUint32(8, Math.floor(sequence / 2 ** 32), true)
  return nonce
}
