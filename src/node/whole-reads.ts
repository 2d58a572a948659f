import type { MessageStream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

const LENGTH_BYTES = 2 // u16 big-endian before every message of Noise
const NONE: readonly Uint8Array[] = []

/** What the stream of Noise has beside the interface of libp2p. */
interface Decoding {
  readonly decoder: {
    readonly buffer: Uint8ArrayList
    decode(data: Uint8Array | Uint8ArrayList): Iterable<Uint8Array | Uint8ArrayList>
  }
}

/**
 * Makes a stream of Noise cut what comes into messages, each in one piece. By itself it throws and catches an error at
 * the end of every chunk to learn that nothing follows, which costs more than the rest of its work, and it opens a
 * message in as many pieces as it came in. Any other stream stays as it is.
 */
export function wholeReads<T extends MessageStream>(connection: T): T {
  if (!isDecoding(connection)) return connection
  const { decoder } = connection
  const messages = new Messages()
  const early = decoder.buffer.slice() // came with the last message of the handshake
  decoder.buffer.consume(early.length)
  messages.push(early) // less than one message, or it would be gone
  decoder.decode = (data) => messages.push(data.subarray())
  return connection
}

/** Bytes in pieces of any size into messages: it holds less than one message and one piece. */
class Messages {
  #pieces: Uint8Array[] = []
  #size = 0
  #needed = LENGTH_BYTES

  /** The messages that `piece` completes; views of it where they can be. */
  push(piece: Uint8Array): readonly Uint8Array[] {
    this.#pieces.push(piece)
    this.#size += piece.length
    if (this.#size < this.#needed) return NONE
    const bytes = joined(this.#pieces, this.#size)
    const found: Uint8Array[] = []
    let at = 0
    this.#needed = LENGTH_BYTES
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
      if (end > bytes.length) {
        this.#needed = end - at
        break
      }
      if (end > at + LENGTH_BYTES) found.push(bytes.subarray(at + LENGTH_BYTES, end))
      at = end
    }
    this.#size = bytes.length - at
    this.#pieces = this.#size === 0 ? [] : [bytes.subarray(at)]
    return found
  }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = pieces
  if (first !== undefined && pieces.length === 1) return first
  const all = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

const isDecoding = (stream: object): stream is MessageStream & Decoding =>
  'decoder' in stream &&
  typeof stream.decoder === 'object' &&
  stream.decoder !== null &&
  'decode' in stream.decoder &&
  typeof stream.decoder.decode === 'function' &&
  'buffer' in stream.decoder
