import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { ChannelError, type FrameChannel } from './frame-channel.ts'
import { LaneQueues } from './lane-queues.ts'
import {
  BULK_BYTES,
  BYE,
  type ByeReason,
  decodeLinkFrame,
  encodeLinkFrame,
  type Hello,
  type LinkFrame,
} from './link-frames.ts'
import type { Lane } from './links.ts'

export interface LinkTimings {
  /** The first frame of the peer must come within this. */
  readonly helloMs: number
  /** Silence, of either side, after which we ping. */
  readonly pingMs: number
  /** Silence of the peer after which leaders stop choosing it: three pings. */
  readonly suspectMs: number
  /** Silence of the peer after which the link is given up. */
  readonly downMs: number
  /** How often silence is measured. */
  readonly tickMs: number
}

/** Of 07 §6.2 and §6.4; libp2p itself reports a frozen peer after 8.4 s at best. */
export const LINK_TIMINGS: LinkTimings = {
  helloMs: 5_000,
  pingMs: 2_000,
  suspectMs: 6_000,
  downMs: 10_000,
  tickMs: 250,
}

const PINGS_PER_SECOND = 8 // a peer needs one every two seconds
const RTT_SAMPLES = 9 // the median of so many survives one pause of a garbage collector
const PINGS_OUT = 8 // pings without an answer that are remembered
const BYTES_PER_MS = (32 << 20) / 1000 // a member's share of this host (07 §8)
const BURST_BYTES = 64 << 20
const BYE_MS = 1_000 // how long a leaving node waits for its peer to take the last bytes

/**
 * Why a link ended. `protocol`: the peer broke a rule of 07 §6.2. `hello`: no hello in time.
 * `network`: it belongs to another network. `silent`: nothing came for 10 s. `bye`: it left.
 * `lost`: the stream ended. `replaced`, `stopping`: we ended it.
 */
export type LinkEnd =
  | 'protocol'
  | 'hello'
  | 'network'
  | 'silent'
  | 'bye'
  | 'lost'
  | 'replaced'
  | 'stopping'

/** What the owner of a link is told, in this order: `up` once, then the others, `ended` last. */
export interface LinkEvents {
  up(hello: Hello): void
  suspect(suspect: boolean): void
  rtt(ms: number): void
  /** Awaited before the next frame is read. */
  envelope(envelope: Uint8Array, lane: Lane): Promise<void>
  /** A frame of a later version. */
  ignored(): void
  ended(reason: LinkEnd): void
}

/** One stream with one peer: hello, pings, two lanes out, envelopes in (spec "Network", 07 §6). */
export class Link {
  readonly #channel: FrameChannel
  readonly #hello: Hello
  readonly #timings: LinkTimings
  readonly #events: LinkEvents
  readonly #queues: LaneQueues = new LaneQueues()
  readonly #control: Uint8Array[] = []
  readonly #pings = new Map<string, number>()
  readonly #rtts: number[] = []
  #bulk: Uint8Array[] = []
  #tick: NodeJS.Timeout | undefined
  #end: LinkEnd | undefined
  #isUp = false
  #isSuspect = false
  #isPumping = false
  #sentAt = performance.now()
  #tickedAt = performance.now()
  #pingWindow = { from: 0, count: 0 }
  #budget = { bytes: BURST_BYTES, at: performance.now() }

  constructor(channel: FrameChannel, hello: Hello, timings: LinkTimings, events: LinkEvents) {
    this.#channel = channel
    this.#hello = hello
    this.#timings = timings
    this.#events = events
  }

  /** Bytes waiting in a lane. */
  queued(lane: Lane): number {
    return this.#queues.bytes(lane)
  }

  get pausedMs(): number {
    return this.#channel.pausedMs
  }

  /** Says hello, then reads until the link ends; `ended` says why. What it throws is a defect. */
  async run(): Promise<void> {
    try {
      await this.#greet()
      this.#tickedAt = performance.now()
      this.#tick = setInterval(() => this.#measure(), this.#timings.tickMs)
      this.#ping() // coordinators want a round-trip time before the first request
      while (this.#end === undefined)
        await this.#receive(decodeLinkFrame(await this.#channel.read()))
    } catch (error) {
      await this.#fail(error)
    }
  }

  /** Resolves when the stream took the whole envelope; rejects with `LinkError`. */
  async send(envelope: Uint8Array, lane: Lane, signal: AbortSignal): Promise<void> {
    const sent = this.#queues.add(envelope, lane, signal)
    void this.#pump()
    return sent
  }

  /** Tells the peer why, gives it a second to take what was sent, and ends. */
  async leave(reason: ByeReason, end: LinkEnd): Promise<void> {
    if (this.#end !== undefined) return
    this.#finish(end)
    try {
      await this.#write(encodeLinkFrame({ kind: 'bye', reason, text: '' }))
      await this.#channel.close(AbortSignal.timeout(BYE_MS))
      await this.#channel.ended(AbortSignal.timeout(BYE_MS))
    } catch (cause) {
      this.#channel.abort('CLOSED', cause) // the courtesy failed; the link is over either way
    }
  }

  /** Ends at once, without a word: for a link that another one replaced or that was refused. */
  abort(end: LinkEnd): void {
    this.#finish(end)
    this.#channel.abort(end)
  }

  async #greet(): Promise<void> {
    await this.#write(encodeLinkFrame({ kind: 'hello', hello: this.#hello }))
    const first = await this.#firstFrame()
    if (first.kind !== 'hello') throw new DecodeError('the first frame is no hello')
    if (!sameBytes(first.hello.networkId, this.#hello.networkId)) {
      await this.leave(BYE.network, 'network')
      throw new ChannelError('CLOSED')
    }
    if (this.#end !== undefined) throw new ChannelError('CLOSED')
    this.#isUp = true
    this.#events.up(first.hello)
  }

  async #firstFrame(): Promise<LinkFrame> {
    const signal = AbortSignal.timeout(this.#timings.helloMs)
    try {
      return decodeLinkFrame(await this.#channel.read(signal))
    } catch (error) {
      if (!signal.aborted) throw error
      this.abort('hello')
      throw new ChannelError('CLOSED', { cause: error })
    }
  }

  async #receive(frame: LinkFrame): Promise<void> {
    switch (frame.kind) {
      case 'hello':
        throw new DecodeError('a second hello')
      case 'ping':
        this.#countPing()
        this.#push({ kind: 'pong', nonce: frame.nonce })
        return
      case 'pong':
        this.#pong(frame.nonce)
        return
      case 'bye':
        this.#finish(frame.reason === BYE.network ? 'network' : 'bye')
        await this.#channel.close(AbortSignal.timeout(BYE_MS))
        throw new ChannelError('CLOSED')
      case 'urgent':
        await this.#take(frame.envelope, 'urgent')
        return
      case 'part':
      case 'last-part':
        await this.#collect(frame.number, frame.bytes, frame.kind === 'last-part')
        return
      case 'later':
        this.#events.ignored()
    }
  }

  /** One bulk envelope at a time: part 0, 1, … and the last. */
  async #collect(number: number, part: Uint8Array, isLast: boolean): Promise<void> {
    if (number !== this.#bulk.length) throw new DecodeError('a part out of order')
    this.#bulk.push(part)
    const size = this.#bulk.reduce((sum, { length }) => sum + length, 0)
    if (size > BULK_BYTES) throw new DecodeError('a bulk envelope above its limit')
    if (!isLast) return
    const envelope = new Uint8Array(size)
    let at = 0
    for (const bytes of this.#bulk) {
      envelope.set(bytes, at)
      at += bytes.length
    }
    this.#bulk = []
    await this.#take(envelope, 'bulk')
  }

  async #take(envelope: Uint8Array, lane: Lane): Promise<void> {
    await this.#events.envelope(envelope, lane)
    const now = performance.now()
    const earned = (now - this.#budget.at) * BYTES_PER_MS
    const bytes = Math.min(BURST_BYTES, this.#budget.bytes + earned) - envelope.length
    this.#budget = { bytes, at: now }
    // Not reading is what slows the peer: the channel pauses its stream.
    if (bytes < 0) await delay(-bytes / BYTES_PER_MS)
  }

  #push(frame: LinkFrame & { kind: 'ping' | 'pong' }): void {
    this.#control.push(encodeLinkFrame(frame)) // at most eight per second each way
    void this.#pump()
  }

  #countPing(): void {
    const now = performance.now()
    if (now - this.#pingWindow.from >= 1000) this.#pingWindow = { from: now, count: 0 }
    if (++this.#pingWindow.count > PINGS_PER_SECOND) throw new DecodeError('too many pings')
  }

  #ping(): void {
    const nonce = new Uint8Array(randomBytes(8))
    if (this.#pings.size >= PINGS_OUT) this.#pings.delete(this.#pings.keys().next().value ?? '')
    this.#pings.set(nonce.toString(), performance.now())
    this.#push({ kind: 'ping', nonce })
  }

  #pong(nonce: Uint8Array): void {
    const sentAt = this.#pings.get(nonce.toString())
    if (sentAt === undefined) return // an old one, or one never sent: it proves nothing
    this.#pings.delete(nonce.toString())
    this.#rtts.push(performance.now() - sentAt)
    if (this.#rtts.length > RTT_SAMPLES) this.#rtts.shift()
    this.#events.rtt(median(this.#rtts))
  }

  #measure(): void {
    const now = performance.now()
    const wasStill = now - this.#tickedAt >= this.#timings.pingMs
    this.#tickedAt = now
    if (wasStill) return // this process stood still: what came meanwhile has not been read yet
    const silence = now - this.#channel.arrivedAt
    if (silence >= this.#timings.downMs) {
      this.abort('silent')
      return
    }
    const isSuspect = silence >= this.#timings.suspectMs
    if (isSuspect !== this.#isSuspect) {
      this.#isSuspect = isSuspect
      this.#events.suspect(isSuspect)
    }
    // Also when only we are silent: a peer whose envelopes our guest takes slowly must not give us up.
    if (silence >= this.#timings.pingMs || now - this.#sentAt >= this.#timings.pingMs)
      if (now - this.#lastPingAt() >= this.#timings.pingMs) this.#ping()
  }

  #lastPingAt(): number {
    return [...this.#pings.values()].at(-1) ?? Number.NEGATIVE_INFINITY
  }

  /** One frame at a time into the channel, so that an urgent one waits for one other at most. */
  async #pump(): Promise<void> {
    if (this.#isPumping || !this.#isUp) return
    this.#isPumping = true
    try {
      for (;;) {
        const control = this.#control.shift()
        if (control !== undefined) {
          await this.#write(control)
          continue
        }
        const next = this.#queues.next()
        if (next === undefined || this.#end !== undefined) break
        await this.#write(next.frame)
        next.sent()
      }
    } catch (error) {
      await this.#fail(error)
    } finally {
      this.#isPumping = false
    }
  }

  async #write(frame: Uint8Array): Promise<void> {
    await this.#channel.write(frame)
    this.#sentAt = performance.now()
  }

  async #fail(error: unknown): Promise<void> {
    if (error instanceof DecodeError) await this.leave(BYE.protocol, 'protocol')
    else if (error instanceof ChannelError)
      this.abort(error.code === 'FRAME_SIZE' ? 'protocol' : 'lost')
    else {
      this.abort('lost')
      throw error
    }
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    clearInterval(this.#tick)
    this.#queues.fail()
    this.#events.ended(end)
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
