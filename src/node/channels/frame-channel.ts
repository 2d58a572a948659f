import type { Stream, StreamCloseEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

export interface FrameLimits {
  /** Largest body in bytes. */
  readonly maxFrame: number
  /** Unread bytes at which the stream is paused; it goes on below half. */
  readonly readHigh: number
  /** Unread frames at which the stream is paused. */
  readonly maxUnread: number
  /** Bytes waiting to be sent, above which `write` refuses. */
  readonly maxQueued: number
  /** How long one write may wait for the peer to take bytes. */
  readonly stallMs: number
}

const LENGTH_BYTES = 4

/** Worst memory of one link with these: about 8 MiB (07 §5). */
export const LINK_FRAMES: FrameLimits = {
  maxFrame: 256 * 1024 + 256, // one urgent envelope with its size class, and the kind byte
  readHigh: 2 << 20, // below the 4 MiB at which libp2p resets the stream (trap C, D)
  maxUnread: 4096, // tiny frames cost objects, not bytes
  maxQueued: 2 << 20, // what one slow peer may hold back
  stallMs: 20_000, // a peer that takes nothing for so long is gone
}

/**
 * `FRAME_SIZE`: length 0 or above the limit. `OVERLOADED`: the send queue is full, the channel lives on.
 * `STALLED`: the peer took no bytes in time. `TRUNCATED`: the stream ended within a frame. `CLOSED`,
 * `RESET`: it ended. Anything else is the code given to `abort`.
 */
export class ChannelError extends Error {
  override readonly name = 'ChannelError'
  readonly code: string

  constructor(code: string, options?: ErrorOptions) {
    super(code, options)
    this.code = code
  }
}

interface Waiter {
  resolve(frame: Uint8Array): void
  reject(error: unknown): void
}

/**
 * Length-framed messages with bounds on a libp2p stream (spec "Network", 07 §4, §5). It is the stream's
 * only reader and writer: libp2p's own iteration has no backpressure (trap B), its `onDrain` works once
 * (trap A), and its byte streams reset above 4 MiB (trap C). Build it synchronously in the handler.
 */
export class FrameChannel {
  readonly #stream: Stream
  readonly #limits: FrameLimits
  readonly #partial = new Uint8ArrayList()
  readonly #frames: Uint8Array[] = []
  readonly #waiters: Waiter[] = []
  readonly #onEnd: (() => void)[] = []
  #readBytes = 0
  #writeBytes = 0
  #tail: Promise<void> = Promise.resolve()
  #readEnd: ChannelError | undefined
  #writeEnd: ChannelError | undefined
  #arrivedAt = performance.now()
  #pausedAt: number | undefined
  #pausedMs = 0

  constructor(stream: Stream, limits: FrameLimits = LINK_FRAMES) {
    this.#stream = stream
    this.#limits = limits
    stream.addEventListener('message', ({ data }) => this.#onData(data))
    stream.addEventListener('end', () => {
      // A reset says 'end' first and its reason with 'close', in the same turn.
      if (stream.status !== 'reset' && stream.status !== 'aborted')
        this.#endReading(new ChannelError('CLOSED'))
    })
    stream.addEventListener('close', (event) => this.#onClose(event))
    if (stream.status !== 'open' && stream.status !== 'closing') this.#finish('CLOSED')
  }

  /** Bytes accepted by `write` and not yet taken by the stream. */
  get queued(): number {
    return this.#writeBytes
  }

  /** Bytes of whole frames that nobody has read yet. */
  get unread(): number {
    return this.#readBytes
  }

  /** `performance.now()` of the last byte that came, read or not. */
  get arrivedAt(): number {
    return this.#arrivedAt
  }

  /** Milliseconds that the stream was paused because nobody read. */
  get pausedMs(): number {
    return this.#pausedMs
  }

  /** Resolves when nothing can be sent or received any more; rejects with the signal's reason. */
  async ended(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#writeEnd !== undefined && this.#readEnd !== undefined) return
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#onEnd.push(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  /**
   * Resolves when the stream took the frame. Rejects with `ChannelError`; after `OVERLOADED` and
   * `FRAME_SIZE` the channel lives on.
   */
  async write(body: Uint8Array): Promise<void> {
    if (this.#writeEnd !== undefined) throw this.#writeEnd
    const size = body.byteLength
    if (size === 0 || size > this.#limits.maxFrame) throw new ChannelError('FRAME_SIZE')
    if (this.#writeBytes + size > this.#limits.maxQueued) throw new ChannelError('OVERLOADED')
    this.#writeBytes += size
    const head = new Uint8Array(LENGTH_BYTES)
    new DataView(head.buffer).setUint32(0, size)
    const turn = this.#tail.then(async () => {
      try {
        if (this.#writeEnd !== undefined) throw this.#writeEnd
        if (!this.#send(new Uint8ArrayList(head, body))) await this.#drained()
      } finally {
        this.#writeBytes -= size
      }
    })
    this.#tail = turn.catch(() => {}) // one failed write must not poison the next: its author is told
    return turn
  }

  /** The next frame, in order. Rejects with the end, or with the signal's reason: the channel stays open. */
  async read(signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const queued = this.#frames.shift()
    if (queued !== undefined) {
      this.#readBytes -= queued.byteLength
      if (!this.#isFull(2)) this.#resume()
      return queued
    }
    if (this.#readEnd !== undefined) throw this.#readEnd
    return new Promise((resolve, reject) => {
      const settle = (): void => signal?.removeEventListener('abort', onAbort)
      const waiter: Waiter = {
        resolve: (frame) => {
          settle()
          resolve(frame)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.push(waiter)
    })
  }

  /** Sends what was accepted, then closes our half; the peer's half can still be read. */
  async close(signal: AbortSignal): Promise<void> {
    await this.#tail
    if (this.#writeEnd !== undefined) return
    this.#writeEnd = new ChannelError('CLOSED')
    try {
      await this.#stream.close({ signal })
    } catch (cause) {
      this.abort('CLOSED', cause) // a peer that does not take the rest in time loses it
    }
    this.#tellEnd()
  }

  /** Resets the stream; waiting and later calls reject with `code`. */
  abort(code: string, cause?: unknown): void {
    this.#finish(code, cause)
    this.#stream.abort(new ChannelError(code))
  }

  #send(bytes: Uint8ArrayList): boolean {
    try {
      return this.#stream.send(bytes)
    } catch (cause) {
      throw this.#writeEnd ?? new ChannelError('CLOSED', { cause })
    }
  }

  /** Waits for events: `stream.onDrain()` resolves at once from its second use on (trap A). */
  async #drained(): Promise<void> {
    const stream = this.#stream
    do {
      await new Promise<void>((resolve, reject) => {
        const stop = (): void => {
          clearTimeout(stall)
          stream.removeEventListener('drain', onDrain)
          stream.removeEventListener('close', onClose)
        }
        const onDrain = (): void => {
          stop()
          resolve()
        }
        const onClose = (): void => {
          stop()
          reject(this.#writeEnd ?? new ChannelError('CLOSED'))
        }
        const stall = setTimeout(() => {
          stop()
          this.abort('STALLED')
          reject(new ChannelError('STALLED'))
        }, this.#limits.stallMs)
        stream.addEventListener('drain', onDrain)
        stream.addEventListener('close', onClose)
        if (this.#writeEnd !== undefined && stream.status !== 'open') onClose()
      })
      // A window update of one byte drains, too: without the loop each would let in another frame.
    } while (stream.writableNeedsDrain && stream.status === 'open')
  }

  #onData(chunk: Uint8Array | Uint8ArrayList): void {
    if (this.#readEnd !== undefined) return
    this.#arrivedAt = performance.now()
    this.#partial.append(chunk)
    while (this.#partial.byteLength >= LENGTH_BYTES) {
      const length = this.#partial.getUint32(0)
      if (length === 0 || length > this.#limits.maxFrame) {
        this.abort('FRAME_SIZE')
        return
      }
      if (this.#partial.byteLength < LENGTH_BYTES + length) break
      // A copy in memory of its own: a view would keep the whole chunk alive.
      const frame = new Uint8Array(length)
      frame.set(this.#partial.subarray(LENGTH_BYTES, LENGTH_BYTES + length))
      this.#partial.consume(LENGTH_BYTES + length)
      const waiter = this.#waiters.shift()
      if (waiter !== undefined) waiter.resolve(frame)
      else {
        this.#frames.push(frame)
        this.#readBytes += length
      }
    }
    if (this.#isFull(1) && this.#stream.readStatus === 'readable') {
      this.#pausedAt ??= performance.now()
      this.#stream.pause()
    }
  }

  #isFull(divisor: number): boolean {
    return (
      this.#readBytes > this.#limits.readHigh / divisor ||
      this.#frames.length > this.#limits.maxUnread / divisor
    )
  }

  #resume(): void {
    if (this.#pausedAt === undefined) return
    this.#pausedMs += performance.now() - this.#pausedAt
    this.#pausedAt = undefined
    if (this.#stream.readStatus !== 'paused') return
    try {
      this.#stream.resume()
    } catch (cause) {
      this.#endReading(new ChannelError('CLOSED', { cause }))
    }
  }

  #onClose(event: StreamCloseEvent): void {
    if (event.error !== undefined) {
      this.#finish('RESET', event.error)
      return
    }
    this.#writeEnd ??= new ChannelError('CLOSED')
    // Bytes kept back by a pause still come when reading resumes, and 'end' after them.
    if (this.#stream.readBufferLength === 0) this.#endReading(new ChannelError('CLOSED'))
  }

  #finish(code: string, cause?: unknown): void {
    const error = new ChannelError(code, cause === undefined ? {} : { cause })
    this.#writeEnd ??= error
    this.#endReading(error)
  }

  #endReading(error: ChannelError): void {
    if (this.#readEnd !== undefined) return
    const cut = error.code === 'CLOSED' && this.#partial.byteLength > 0
    this.#readEnd = cut ? new ChannelError('TRUNCATED', { cause: error }) : error
    this.#partial.consume(this.#partial.byteLength)
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#readEnd)
    this.#tellEnd()
  }

  #tellEnd(): void {
    if (this.#writeEnd === undefined || this.#readEnd === undefined) return
    for (const tell of this.#onEnd.splice(0)) tell()
  }
}
