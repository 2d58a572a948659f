import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { pipe } from 'it-pipe'
import { ChannelError, FrameChannel, type FrameLimits } from './channels/frame-channel.ts'
import type { PeerName } from './channels/links.ts'
import type { PeerLimits } from './limits.ts'
import type { Log } from './log.ts'
import { RPC_FRAME_BYTES, type Rpc, RpcError, type RpcHandler } from './rpc.ts'

export const RPC_PROTOCOL = '/holdfast/rpc/1.0.0'
const STREAMS = 16 // per connection and direction

export interface RpcTimings {
  /** To reach the peer and hand it the request; the server waits as long for it. */
  readonly requestMs: number
  /** From the request to the end of the answer. */
  readonly answerMs: number
}

export const RPC_TIMINGS: RpcTimings = { requestMs: 10_000, answerMs: 60_000 }

const FRAMES: FrameLimits = {
  maxFrame: RPC_FRAME_BYTES + 1, // and the mark
  readHigh: 1 << 20,
  maxUnread: 64,
  maxQueued: 2 * (RPC_FRAME_BYTES + 1),
  stallMs: 10_000,
}

/** First byte of every frame of an answer: an end that is said cannot be confused with a cut. */
const MARK = { data: 0, end: 1, limit: 2 } as const

/** One stream per call; limits and deadlines of 07 §7 and §8. */
export class StreamRpc implements Rpc {
  readonly #node: Libp2p
  readonly #limits: PeerLimits
  readonly #log: Log
  readonly #timings: RpcTimings
  #handle: RpcHandler | undefined

  constructor(node: Libp2p, limits: PeerLimits, log: Log, timings: RpcTimings = RPC_TIMINGS) {
    this.#node = node
    this.#limits = limits
    this.#log = log
    this.#timings = timings
  }

  async start(): Promise<void> {
    await this.#node.handle(
      RPC_PROTOCOL,
      (stream, connection) => this.#accept(stream, connection),
      {
        maxInboundStreams: STREAMS,
        maxOutboundStreams: STREAMS,
        runOnLimitedConnection: false,
      },
    )
  }

  serve(handle: RpcHandler): void {
    this.#handle = handle
  }

  async *call(peer: PeerName, frame: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (frame.length === 0 || frame.length > RPC_FRAME_BYTES) throw new RpcError('TOO_LARGE')
    const channel = await this.#open(peer, signal)
    const deadline = AbortSignal.timeout(this.#timings.answerMs)
    const either = AbortSignal.any([signal, deadline])
    let isWhole = false
    try {
      await within(channel.write(frame), AbortSignal.timeout(this.#timings.requestMs))
      for (;;) {
        const answer = await channel.read(either)
        if (answer[0] === MARK.limit) throw new RpcError('LIMIT_EXCEEDED')
        isWhole = answer[0] === MARK.end
        if (isWhole) break
        yield answer.subarray(1)
      }
    } catch (cause) {
      if (cause instanceof RpcError) throw cause
      if (signal.aborted) throw new RpcError('CANCELLED', { cause })
      if (deadline.aborted || isTimeout(cause)) throw new RpcError('TIMEOUT', { cause })
      throw new RpcError('BROKEN', { cause })
    } finally {
      if (isWhole) await channel.close(AbortSignal.timeout(this.#timings.requestMs))
      else channel.abort('CANCELLED') // a timed-out read would leave the stream open
    }
  }

  async #open(peer: PeerName, signal: AbortSignal): Promise<FrameChannel> {
    const deadline = AbortSignal.timeout(this.#timings.requestMs)
    try {
      const stream = await this.#node.dialProtocol(peerIdFromString(peer), RPC_PROTOCOL, {
        signal: AbortSignal.any([signal, deadline]),
        runOnLimitedConnection: false,
      })
      return new FrameChannel(stream, FRAMES)
    } catch (cause) {
      if (signal.aborted) throw new RpcError('CANCELLED', { cause })
      const tooMany = cause instanceof Error && cause.name === 'TooManyOutboundProtocolStreamsError'
      throw new RpcError(tooMany ? 'LIMIT_EXCEEDED' : 'UNREACHABLE', { cause })
    }
  }

  #accept(stream: Stream, connection: Connection): void {
    const from = connection.remotePeer.toString()
    const channel = new FrameChannel(stream, FRAMES)
    if (!this.#limits.mayOpenStream(from)) {
      channel.abort('LIMIT_EXCEEDED')
      return
    }
    void this.#serve(channel, from)
  }

  /** Never throws: it answers, or resets with a code. */
  async #serve(channel: FrameChannel, from: PeerName): Promise<void> {
    try {
      const frame = await channel.read(AbortSignal.timeout(this.#timings.requestMs))
      const deadline = AbortSignal.timeout(this.#timings.answerMs)
      if (this.#handle === undefined) throw new ChannelError('UNAVAILABLE')
      if (!this.#limits.mayRequest(from)) await channel.write(Uint8Array.of(MARK.limit))
      else {
        await this.#answer(channel, this.#handle(frame, from), deadline)
        await channel.write(Uint8Array.of(MARK.end))
      }
      await channel.close(deadline)
      await channel.ended(AbortSignal.timeout(this.#timings.requestMs))
    } catch (error) {
      if (error instanceof ChannelError && error.code === 'FRAME_SIZE')
        this.#limits.protocolError(from)
      const reason = error instanceof ChannelError ? error.code : nameOf(error)
      this.#log.debug('rpc-ended', { reason })
      channel.abort('FAILED')
    }
  }

  async #answer(
    channel: FrameChannel,
    answers: AsyncIterable<Uint8Array>,
    deadline: AbortSignal,
  ): Promise<void> {
    const gone = new AbortController()
    channel.ended(deadline).then(
      () => gone.abort(new ChannelError('CLOSED')),
      (reason: unknown) => gone.abort(reason),
    )
    await pipe(this.#until(gone.signal, answers), marked, into(channel))
  }

  /** What the handler gives, until the caller is gone. */
  async *#until(gone: AbortSignal, answers: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = answers[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await within(iterator.next(), gone)
        if (next.done === true) return
        yield next.value
      }
    } finally {
      // Not awaited: a generator that waits for something else ends when that does.
      iterator.return?.().catch((error: unknown) => {
        this.#log.debug('rpc-handler-ended', { reason: nameOf(error) })
      })
    }
  }
}

/** Each part of an answer, marked as one. */
async function* marked(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    if (part.length > RPC_FRAME_BYTES) throw new RpcError('TOO_LARGE')
    const frame = new Uint8Array(1 + part.length)
    frame[0] = MARK.data
    frame.set(part, 1)
    yield frame
  }
}

/** The next part is asked for only when the channel took the one before. */
const into =
  (channel: FrameChannel) =>
  async (frames: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const frame of frames) await channel.write(frame)
  }

/** The promise's outcome, or the signal's reason if that comes first. */
function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')
const isTimeout = (error: unknown): boolean => nameOf(error) === 'TimeoutError'
