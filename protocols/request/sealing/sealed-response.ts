import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { TAG_BYTES } from '../../crypto/hpke.ts'
import type { Random } from '../../crypto/random.ts'
import { DecodeError } from '../../session/codec.ts'

/** What a chunk of an answer is: progress, then exactly one result or error, the last (05 §3.1). */
export type ChunkKind = 'progress' | 'result' | 'error'

export interface Chunk {
  readonly kind: ChunkKind
  readonly data: Uint8Array
}

/** The exporter context of the answer's secret (05 §3.1). */
export const RESPONSE_CONTEXT: Uint8Array = utf8ToBytes('holdfast response')
export const RESPONSE_SECRET_BYTES = 32
/** Random at every answer, so that answers to a repeated frame never share a key. */
export const SALT_BYTES = 32
/** The largest result, with room. */
export const MAX_CHUNK_BYTES: number = 1024 * 1024
const KINDS: readonly ChunkKind[] = ['progress', 'result', 'error']
const LENGTH_BYTES = 4
/** Progress comes with rounds and waits: far fewer than this. */
const MAX_CHUNKS = 65_536

/** Seals the chunks of one answer, in order. */
export class ResponseSealer {
  /** Goes first, in the clear. */
  readonly salt: Uint8Array
  readonly #keys: ResponseKeys
  #sealed = 0
  #ended = false

  constructor(responseSecret: Uint8Array, random: Random) {
    this.salt = random(SALT_BYTES)
    this.#keys = responseKeys(responseSecret, this.salt)
  }

  /** The next chunk. After a result or an error there is none. */
  seal(kind: ChunkKind, data: Uint8Array): Uint8Array {
    if (this.#ended) throw new Error('bug: a chunk after the last')
    const plaintext = concatBytes(Uint8Array.of(KINDS.indexOf(kind)), data)
    const sealed = cipherOf(this.#keys, this.#sealed).encrypt(plaintext)
    if (sealed.length > MAX_CHUNK_BYTES) throw new Error('bug: a chunk of over 1 MiB')
    this.#sealed += 1
    this.#ended = kind !== 'progress'
    return sealed
  }
}

/** Opens the chunks of one answer, in order. Every method throws `DecodeError` where something is amiss. */
export class ResponseOpener {
  readonly #keys: ResponseKeys
  #opened = 0
  #ended = false

  constructor(responseSecret: Uint8Array, salt: Uint8Array) {
    if (salt.length !== SALT_BYTES) throw new DecodeError('a salt has 32 bytes')
    this.#keys = responseKeys(responseSecret, salt)
  }

  open(sealed: Uint8Array): Chunk {
    if (this.#ended) throw new DecodeError('a chunk after the last')
    if (sealed.length > MAX_CHUNK_BYTES) throw new DecodeError('a chunk of over 1 MiB')
    let plaintext: Uint8Array
    try {
      plaintext = cipherOf(this.#keys, this.#opened).decrypt(sealed)
    } catch (cause) {
      throw new DecodeError('a chunk that is not the next of this answer', { cause })
    }
    const kind = KINDS[plaintext[0] ?? KINDS.length]
    if (kind === undefined) throw new DecodeError('a chunk of no known kind')
    this.#opened += 1
    this.#ended = kind !== 'progress'
    return { kind, data: plaintext.slice(1) }
  }

  /** To be called when the stream ends: an answer without its last chunk was cut off. */
  end(): void {
    if (!this.#ended) throw new DecodeError('an answer without its last chunk')
  }
}

/** A chunk in a body or a stream: u32 length and the chunk. An event carries the chunk alone. */
export function frameChunk(sealed: Uint8Array): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, sealed.length, true)
  return concatBytes(length, sealed)
}

/** The salt and the chunks of a whole body. Throws `DecodeError`; nothing is opened. */
export function splitResponse(body: Uint8Array): { salt: Uint8Array; chunks: Uint8Array[] } {
  if (body.length < SALT_BYTES) throw new DecodeError('a truncated answer')
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const chunks: Uint8Array[] = []
  let at = SALT_BYTES
  while (at < body.length) {
    if (body.length - at < LENGTH_BYTES || chunks.length === MAX_CHUNKS)
      throw new DecodeError('a truncated answer')
    const length = view.getUint32(at, true)
    at += LENGTH_BYTES
    if (length < TAG_BYTES + 1 || length > MAX_CHUNK_BYTES || length > body.length - at)
      throw new DecodeError('a truncated answer')
    chunks.push(body.slice(at, at + length))
    at += length
  }
  return { salt: body.slice(0, SALT_BYTES), chunks }
}

interface ResponseKeys {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
}

function responseKeys(secret: Uint8Array, salt: Uint8Array): ResponseKeys {
  const derive = (info: string, length: number): Uint8Array =>
    hkdf(sha256, secret, salt, utf8ToBytes(info), length)
  return { key: derive('key', 32), nonce: derive('nonce', 12) }
}

/** The nonce is XORed with the number of the chunk, big-endian at its end, as HPKE does (RFC 9180 §5.2). */
function cipherOf({ key, nonce }: ResponseKeys, number: number) {
  if (number >= MAX_CHUNKS) throw new DecodeError('too many chunks')
  const own = nonce.slice()
  own[10] = (own[10] ?? 0) ^ (number >> 8)
  own[11] = (own[11] ?? 0) ^ (number & 0xff)
  return chacha20poly1305(key, own)
}
