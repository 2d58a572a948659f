import type { Connection } from '@libp2p/interface'
import { ChannelError, FrameChannel } from '../channels/frame-channel.ts'
import type { PeerName } from '../channels/links.ts'
import type { Log } from '../log.ts'
import { assertReceipt, COMMITTEE_FRAMES, COMMITTEE_PROTOCOL, encodeRequest } from './exchange.ts'
import { type DropReason, LetterQueue, MAX_AGE_MS } from './letter-queue.ts'

const WINDOW = 16 // letters on their way without a receipt: 832 KiB, more than a round trip takes
const IDLE_MS = 10_000 // a stream without letters is closed (07 §7); beats come more often
const RECEIPT_MS = 30_000 // a guest that takes nothing for so long hangs
const REACH_MS = 20_000 // to find out who it is and get a connection
const RETRY_MS = 500 // after a stream that failed, doubled each time
const MAX_RETRY_MS = 8_000
const MAX_GUESTS = 64 // with letters waiting: members, joiners; more than any committee changes at once

export interface PostTimings {
  readonly idleMs: number
  readonly receiptMs: number
  readonly retryMs: number
}
export const POST_TIMINGS: PostTimings = {
  idleMs: IDLE_MS,
  receiptMs: RECEIPT_MS,
  retryMs: RETRY_MS,
}

export interface LetterPostInit {
  /** Own guest key, said first on each stream: a hint where answers go. */
  readonly guestSig: Uint8Array
  /** Whom a guest lives behind; undefined when nobody knows. */
  find(guestSig: Uint8Array, signal: AbortSignal): Promise<PeerName | undefined>
  /** A connection to the peer, an open one or a new one; undefined when it cannot be reached. */
  connect(peer: PeerName, signal: AbortSignal): Promise<Connection | undefined>
  readonly sent: () => void
  readonly dropped: (reason: DropReason, count: number) => void
  readonly log: Log
  readonly timings?: PostTimings
}

/**
 * Brings letters to other guests' hosts: for each guest one stream at a time, while there is something to say, and its
 * letters in their order. What cannot be brought within 20 s is dropped and counted: whoever wrote it writes again.
 */
export class LetterPost {
  readonly #init: LetterPostInit
  readonly #timings: PostTimings
  readonly #queues = new Map<string, LetterQueue>()
  readonly #stopping = new AbortController()
  readonly #pauses = new Set<() => void>()

  constructor(init: LetterPostInit) {
    this.#init = init
    this.#timings = init.timings ?? POST_TIMINGS
  }

  /** Letters that wait for a guest. */
  waiting(to: Uint8Array): number {
    return this.#queues.get(keyOf(to))?.size ?? 0
  }

  send(to: Uint8Array, letter: Uint8Array): void {
    if (this.#stopping.signal.aborted) return
    const key = keyOf(to)
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      if (this.#queues.size >= MAX_GUESTS) {
        this.#init.dropped('full', 1)
        return
      }
      queue = new LetterQueue(this.#init.dropped, () => performance.now())
      this.#queues.set(key, queue)
      queue.add(letter)
      void this.#serve(key, to, queue)
    } else queue.add(letter)
  }

  /** A connection came up: whoever waits to try again tries now. */
  wake(): void {
    for (const wake of this.#pauses) wake()
  }

  stop(): void {
    this.#stopping.abort(new ChannelError('CLOSED'))
    this.wake()
  }

  /** While there are letters for this guest, or were a moment ago. Never throws. */
  async #serve(key: string, to: Uint8Array, queue: LetterQueue): Promise<void> {
    const { log } = this.#init
    let retryMs = this.#timings.retryMs
    while (!this.#stopping.signal.aborted && queue.size > 0) {
      try {
        const channel = await this.#open(to)
        if (channel !== undefined) {
          retryMs = this.#timings.retryMs
          await this.#burst(channel, queue)
          continue
        }
      } catch (error) {
        // The peer, the network or our own stop ended it: what waits is tried again or grows too old.
        log.debug('letters-ended', { reason: error instanceof Error ? error.message : 'unknown' })
      }
      await this.#pause(retryMs)
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)
      queue.expire()
    }
    this.#queues.delete(key)
  }

  async #open(to: Uint8Array): Promise<FrameChannel | undefined> {
    const { find, connect, guestSig } = this.#init
    const bounded = AbortSignal.timeout(Math.min(REACH_MS, MAX_AGE_MS))
    const signal = AbortSignal.any([bounded, this.#stopping.signal])
    const peer = await find(to, signal)
    const connection = peer === undefined ? undefined : await connect(peer, signal)
    if (connection === undefined) return undefined
    const stream = await connection.newStream(COMMITTEE_PROTOCOL, { signal })
    const channel = new FrameChannel(stream, COMMITTEE_FRAMES)
    await channel.write(encodeRequest({ ask: 'letters', from: guestSig }))
    return channel
  }

  /** Sends what there is and what comes, until nothing came for a while. Throws when the stream ended before. */
  async #burst(channel: FrameChannel, queue: LetterQueue): Promise<void> {
    const { idleMs, receiptMs } = this.#timings
    const gone = new AbortController()
    const window = new Window(receiptMs, () => channel.abort('STALLED'))
    const receipts = this.#receipts(channel, window).catch((cause: unknown) => gone.abort(cause))
    const ending = AbortSignal.any([gone.signal, this.#stopping.signal])
    try {
      for (;;) {
        await window.below(WINDOW, ending)
        const idle = AbortSignal.any([ending, AbortSignal.timeout(idleMs)])
        if (queue.size === 0 && !(await queue.waiting(idle))) break
        const letter = queue.take()
        if (letter === undefined) continue
        window.out()
        await channel.write(letter)
      }
      await window.below(1, ending)
      await channel.close(AbortSignal.timeout(idleMs))
    } finally {
      channel.abort('CLOSED') // nothing more is read of it; after a close in peace it changes nothing
      await receipts
      window.close()
      if (window.open > 0) this.#init.dropped('lost', window.open)
    }
  }

  async #receipts(channel: FrameChannel, window: Window): Promise<void> {
    for (;;) {
      assertReceipt(await channel.read())
      window.in()
      this.#init.sent()
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted) return
    const over = Promise.withResolvers<void>()
    const wake = () => over.resolve()
    const timer = setTimeout(wake, ms)
    this.#pauses.add(wake)
    await over.promise
    this.#pauses.delete(wake)
    clearTimeout(timer)
  }
}

/** Letters without a receipt yet; `stalled` is called when none comes for `stallMs`. */
class Window {
  readonly #stallMs: number
  readonly #stalled: () => void
  #open = 0
  #stall: NodeJS.Timeout | undefined
  #onFewer: (() => void) | undefined

  constructor(stallMs: number, stalled: () => void) {
    this.#stallMs = stallMs
    this.#stalled = stalled
  }

  get open(): number {
    return this.#open
  }

  /** Waits until fewer than `count` are open; rejects with the signal's reason. */
  async below(count: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (this.#open >= count) {
      const fewer = Promise.withResolvers<void>()
      const wake = () => fewer.resolve()
      this.#onFewer = wake
      signal.addEventListener('abort', wake, { once: true })
      await fewer.promise
      signal.removeEventListener('abort', wake)
      signal.throwIfAborted()
    }
  }

  out(): void {
    this.#open++
    if (this.#open === 1) this.#stall = setTimeout(this.#stalled, this.#stallMs)
  }

  in(): void {
    this.#open--
    if (this.#open === 0) clearTimeout(this.#stall)
    else this.#stall?.refresh()
    this.#onFewer?.()
  }

  close(): void {
    clearTimeout(this.#stall)
  }
}

const keyOf = (guestSig: Uint8Array): string => Buffer.from(guestSig).toString('hex')
