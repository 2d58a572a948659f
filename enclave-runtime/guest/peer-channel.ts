import { DecodeError } from '../../protocols/session/codec.ts'
import {
  decodeFacts,
  ENVELOPE_KINDS,
  type EnvelopeHeader,
  type EnvelopeKind,
  type EnvelopeMessage,
  encodeFacts,
  encodeHeader,
  type HandshakeFacts,
  HEADER_BYTES,
  NO_CHANNEL,
  type Opened,
  SecureChannel,
} from '../../protocols/session/envelope.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import {
  type Initiation,
  initiate,
  type KkStatics,
  NoiseError,
  type NoiseSuite,
  respond,
} from '../../protocols/session/noise-kk.ts'
import { MESSAGE_TYPES } from '../../protocols/session/numbers.ts'
import type { Priority } from '../port/messages.ts'
import { ChannelError } from './channel-error.ts'

export const REKEY_MESSAGES: number = 2 ** 20 // 04 §11
const REKEY_MS = 3_600_000 // 04 §11
const OLD_RECEIVES_MS = 60_000 // 04 §11: the old channel, after a new one
const MAX_HALF_OPEN = 4 // 04 §11, per pair
const MAX_FAILURES = 16 // 04 §11: then a new handshake
const FAILURES_MS = 10_000
const SPENT_AFTER = 65_536 // messages more: an old channel still sends so far while the new one is made
const SPENT_MS: number = REKEY_MS + OLD_RECEIVES_MS
const RETRY_MS = 1000 // a handshake takes two crossings; doubled each time
const MAX_RETRY_MS = 8000
const MAX_DEAD_BOOTS = 64 // starts of the peer's guest that are remembered as over
const MAX_QUEUED = 1024 // messages that wait for the first handshake
const MAX_QUEUED_BYTES: number = 8 * 1024 * 1024 // two rounds of the largest session with one peer

export type DropReason =
  | 'header'
  | 'address'
  | 'epoch'
  | 'sequence'
  | 'unauthentic'
  | 'unknown-channel'
  | 'handshake'

export interface ChannelsDeps<Key> {
  readonly suite: NoiseSuite<Key>
  unixMs(): number
  monotonicMs(): number
  /** Runs `run` once after `ms`; gives back how to call it off. */
  after(ms: number, run: () => void): () => void
  vaultSeq(): number
  /**
   * Asks the host to carry an envelope: undefined when it took it at once, as it nearly always does. A rejection with
   * `code` OVERLOADED says so, any other means UNREACHABLE.
   */
  transmit(to: PartyIndex, bytes: Uint8Array, priority: Priority): Promise<void> | undefined
}

/** What the channels tell the rest of the guest. */
export interface ChannelEvents {
  message(from: PartyIndex, message: EnvelopeMessage): void
  restarted(peer: PartyIndex): void
  malformed(peer: PartyIndex, reason: string): void
}

export interface PeerInit<Key> {
  readonly me: PartyIndex
  readonly peer: PartyIndex
  /** As headers carry it. */
  readonly epoch: number
  readonly statics: KkStatics<Key>
  readonly prologue: Uint8Array
  readonly bootId: Uint8Array
  readonly rekeyMessages: number
}

interface Events extends ChannelEvents {
  dropped(reason: DropReason): void
}

interface Made {
  readonly channel: SecureChannel
  readonly facts: HandshakeFacts
  readonly since: number
}
interface HalfOpen extends Made {
  /** The initiator's ephemeral key: a replayed first message makes nothing new. */
  readonly ephemeral: Uint8Array
}
interface Waiting {
  readonly message: EnvelopeMessage
  readonly priority: Priority
  leave(outcome: Promise<void>): void
}

/** Handshakes, rekeying and the queue of one pair (04 §11). The lower party index initiates. */
export class PeerChannel<Key> {
  readonly #init: PeerInit<Key>
  readonly #deps: ChannelsDeps<Key>
  readonly #events: Events
  readonly #initiates: boolean
  #current: Made | undefined
  /** Whether messages leave on the current channel; not while the peer says that it has lost it. */
  #sends = false
  #old: { readonly channel: SecureChannel; readonly until: number }[] = []
  #halfOpen: HalfOpen[] = []
  #begun: Initiation[] = []
  #queue: Waiting[] = []
  #queuedBytes = 0
  #failures: number[] = []
  #stopRetry: (() => void) | undefined
  #retries = 0
  #hintAt = Number.NEGATIVE_INFINITY
  #known: HandshakeFacts | undefined
  #deadBoots: Uint8Array[] = []

  constructor(init: PeerInit<Key>, deps: ChannelsDeps<Key>, events: Events) {
    this.#init = init
    this.#deps = deps
    this.#events = events
    this.#initiates = init.me < init.peer
  }

  get facts(): HandshakeFacts | undefined {
    return this.#known
  }

  /** The host reached the peer's host: makes a channel if there is none. */
  prepare(): void {
    if (this.#usable()) return
    this.#stopRetry?.()
    this.#stopRetry = undefined
    this.#retries = 0
    this.#ask()
  }

  send(message: EnvelopeMessage, signal: AbortSignal, priority: Priority): Promise<void> {
    if (signal.aborted) return Promise.reject(this.#gaveUp(signal))
    if (!this.#usable()) return this.#enqueue(message, signal, priority)
    const outcome = this.#seal(message, priority)
    return outcome === undefined ? Promise.resolve() : this.#unlessAborted(outcome, signal)
  }

  #enqueue(message: EnvelopeMessage, signal: AbortSignal, priority: Priority): Promise<void> {
    const { peer } = this.#init
    const { length } = message.body
    if (this.#queue.length >= MAX_QUEUED || this.#queuedBytes + length > MAX_QUEUED_BYTES)
      return Promise.reject(new ChannelError('OVERLOADED', peer))
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting: Waiting = { message, priority, leave: resolve }
    this.#queue.push(waiting)
    this.#queuedBytes += length
    this.#ask()
    return this.#unlessAborted(promise, signal, () => {
      const rest = this.#queue.filter((other) => other !== waiting)
      if (rest.length < this.#queue.length) this.#queuedBytes -= length
      this.#queue = rest
    })
  }

  /** The outcome, or the end of the wait for it; then `forget` is called. */
  #unlessAborted(
    outcome: Promise<void>,
    signal: AbortSignal,
    forget: () => void = () => undefined,
  ): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>()
    const onAbort = () => {
      forget()
      reject(this.#gaveUp(signal))
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    const over = () => signal.removeEventListener('abort', onAbort)
    outcome.then(over, over)
    return Promise.race([outcome, promise])
  }

  #gaveUp(signal: AbortSignal): ChannelError {
    return new ChannelError('UNREACHABLE', this.#init.peer, { cause: signal.reason })
  }

  receive(header: EnvelopeHeader, bytes: Uint8Array): void {
    this.#forgetOld()
    if (header.kind === ENVELOPE_KINDS.data) this.#data(header, bytes)
    else if (header.kind === ENVELOPE_KINDS.close) this.#hint(header, bytes)
    else this.#handshake(header.kind, bytes.slice(HEADER_BYTES))
  }

  close(): void {
    this.#stopRetry?.()
    this.#stopRetry = undefined
    for (const { channel } of [...this.#old, ...this.#halfOpen]) channel.destroy()
    this.#current?.channel.destroy()
    this.#current = undefined
    this.#old = []
    this.#halfOpen = []
    this.#begun = []
    this.#failQueue(new ChannelError('UNREACHABLE', this.#init.peer))
  }

  // ---- sending ----

  #usable(): boolean {
    const { current, age } = this.#state()
    if (current === undefined || !this.#sends) return false
    if (current.used >= this.#init.rekeyMessages + SPENT_AFTER || age >= SPENT_MS) return false
    if (this.#initiates && (current.used >= this.#init.rekeyMessages || age >= REKEY_MS))
      this.#ask()
    return true
  }

  #state(): { current: SecureChannel | undefined; age: number } {
    const made = this.#current
    return { current: made?.channel, age: made ? this.#deps.monotonicMs() - made.since : 0 }
  }

  /** Seals a message and hands it to the host. */
  #seal(message: EnvelopeMessage, priority: Priority): Promise<void> | undefined {
    const channel = this.#current?.channel
    if (channel === undefined) throw new Error('bug: no channel')
    return this.#transmit(channel.seal(message), priority)
  }

  #transmit(bytes: Uint8Array, priority: Priority): Promise<void> | undefined {
    const { peer } = this.#init
    return this.#deps.transmit(peer, bytes, priority)?.catch((cause: unknown) => {
      const overloaded = cause instanceof Error && 'code' in cause && cause.code === 'OVERLOADED'
      throw new ChannelError(overloaded ? 'OVERLOADED' : 'UNREACHABLE', peer, { cause })
    })
  }

  #flush(): void {
    const waiting = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    for (const { message, priority, leave } of waiting)
      leave(this.#seal(message, priority) ?? Promise.resolve())
  }

  #failQueue(error: ChannelError): void {
    const waiting = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    for (const { leave } of waiting) leave(Promise.reject(error))
  }

  // ---- making channels ----

  /** Begins a handshake, or asks the initiator for one; again until there is a channel or no need. */
  #ask(): void {
    if (this.#stopRetry !== undefined) return
    if (this.#initiates) this.#begin()
    else this.#speak(ENVELOPE_KINDS.close, new Uint8Array(), NO_CHANNEL)
    const wait = Math.min(RETRY_MS * 2 ** this.#retries++, MAX_RETRY_MS)
    this.#stopRetry = this.#deps.after(wait, () => {
      this.#stopRetry = undefined
      if (this.#queue.length > 0) this.#ask()
    })
  }

  #begin(): void {
    const { statics, prologue } = this.#init
    const initiation = initiate(this.#deps.suite, statics, prologue, this.#facts())
    this.#begun = [...this.#begun, initiation].slice(-MAX_HALF_OPEN)
    this.#speak(ENVELOPE_KINDS.first, initiation.message, NO_CHANNEL)
  }

  #facts(): Uint8Array {
    return encodeFacts({
      bootId: this.#init.bootId,
      unixMs: this.#deps.unixMs(),
      vaultSeq: this.#deps.vaultSeq(),
    })
  }

  /** Sends what is no message. When the host cannot carry it, nothing that waits for it can leave. */
  #speak(kind: EnvelopeKind, body: Uint8Array, channel: Uint8Array): void {
    const { me, peer, epoch } = this.#init
    const header = encodeHeader({ kind, from: me, to: peer, epoch, channel, sequence: 0 })
    const bytes = new Uint8Array(header.length + body.length)
    bytes.set(header)
    bytes.set(body, header.length)
    this.#transmit(bytes, 0)?.catch((error: unknown) => {
      if (!(error instanceof ChannelError)) throw error
      this.#stopRetry?.() // the next message asks again at once, and fails as fast
      this.#stopRetry = undefined
      this.#failQueue(error)
    })
  }

  #handshake(kind: EnvelopeKind, message: Uint8Array): void {
    try {
      if (kind === ENVELOPE_KINDS.first && !this.#initiates) this.#respond(message)
      else if (kind === ENVELOPE_KINDS.second && this.#initiates) this.#finish(message)
      else this.#events.dropped('handshake')
    } catch (error) {
      if (!(error instanceof NoiseError || error instanceof DecodeError)) throw error
      this.#events.dropped('handshake')
    }
  }

  /** The channel stays half open until data comes on it: a replayed first message proves nothing. */
  #respond(message: Uint8Array): void {
    const ephemeral = message.slice(0, 32)
    if (this.#halfOpen.some((half) => sameBytes(half.ephemeral, ephemeral))) {
      this.#events.dropped('handshake')
      return
    }
    const { statics, prologue, me, peer, epoch } = this.#init
    const response = respond(this.#deps.suite, statics, prologue, message)
    const facts = decodeFacts(response.payload)
    if (this.#isDead(facts)) {
      this.#events.dropped('handshake')
      return
    }
    const { message: answer, secrets } = response.answer(this.#facts())
    const channel = new SecureChannel(this.#deps.suite, me, peer, epoch, secrets)
    this.#halfOpen.push({ channel, facts, since: this.#deps.monotonicMs(), ephemeral })
    if (this.#halfOpen.length > MAX_HALF_OPEN) this.#halfOpen.shift()?.channel.destroy()
    this.#speak(ENVELOPE_KINDS.second, answer, NO_CHANNEL)
  }

  #finish(message: Uint8Array): void {
    const { me, peer, epoch } = this.#init
    for (const initiation of this.#begun.toReversed()) {
      const finished = attempt(() => initiation.finish(message))
      if (finished === undefined) continue
      const facts = decodeFacts(finished.payload)
      if (this.#isDead(facts)) break
      const channel = new SecureChannel(this.#deps.suite, me, peer, epoch, finished.secrets)
      this.#begun = []
      this.#establish({ channel, facts, since: this.#deps.monotonicMs() })
      return
    }
    this.#events.dropped('handshake')
  }

  #establish(made: Made): void {
    const before = this.#known
    const restarted = before !== undefined && !sameBytes(before.bootId, made.facts.bootId)
    if (restarted) this.#bury(before.bootId)
    else this.#retire()
    this.#current = made
    this.#sends = true
    this.#failures = []
    this.#retries = 0
    this.#stopRetry?.()
    this.#stopRetry = undefined
    this.#known = made.facts
    if (restarted) this.#events.restarted(this.#init.peer)
    if (this.#initiates && this.#queue.length === 0) this.#confirm(made.channel)
    this.#flush()
  }

  /** The responder sends only after data came: so the initiator says something at once. */
  #confirm(channel: SecureChannel): void {
    const message: EnvelopeMessage = {
      session: new Uint8Array(32),
      attempt: 0,
      round: 0,
      type: MESSAGE_TYPES.confirm,
      body: new Uint8Array(),
    }
    this.#transmit(channel.seal(message), 0)?.catch((error: unknown) => {
      if (!(error instanceof ChannelError)) throw error // lost as on the way: the next message confirms too
    })
  }

  /**
   * The peer's guest started anew: nothing that the one before said is taken any more. A host could hold
   * back its letters and deliver them beside those of the new one, as two stories of one party.
   */
  #bury(bootId: Uint8Array): void {
    this.#current?.channel.destroy()
    this.#current = undefined
    for (const { channel } of this.#old) channel.destroy()
    this.#old = []
    this.#halfOpen = this.#halfOpen.filter(({ channel, facts }) => {
      if (!sameBytes(facts.bootId, bootId)) return true
      channel.destroy()
      return false
    })
    this.#deadBoots = [...this.#deadBoots, bootId].slice(-MAX_DEAD_BOOTS)
  }

  #isDead({ bootId }: HandshakeFacts): boolean {
    return this.#deadBoots.some((dead) => sameBytes(dead, bootId))
  }

  #retire(): void {
    if (this.#current === undefined) return
    const until = this.#deps.monotonicMs() + OLD_RECEIVES_MS
    this.#old.push({ channel: this.#current.channel, until })
    if (this.#old.length > MAX_HALF_OPEN) this.#old.shift()?.channel.destroy()
    this.#current = undefined
  }

  #forgetOld(): void {
    const now = this.#deps.monotonicMs()
    this.#old = this.#old.filter(({ channel, until }) => {
      if (until > now) return true
      channel.destroy()
      return false
    })
  }

  // ---- receiving ----

  #data(header: EnvelopeHeader, bytes: Uint8Array): void {
    const known = [this.#current, ...this.#old].find(
      (made) => made !== undefined && sameBytes(made.channel.id, header.channel),
    )
    if (known !== undefined) {
      this.#take(known.channel.open(bytes, header.sequence))
      return
    }
    const half = this.#halfOpen.find((made) => sameBytes(made.channel.id, header.channel))
    if (half === undefined) {
      this.#events.dropped('unknown-channel')
      this.#lost(header.channel)
      return
    }
    const opened = half.channel.open(bytes, header.sequence)
    if (opened.kind !== 'dropped') {
      this.#halfOpen = this.#halfOpen.filter((other) => other !== half)
      this.#establish(half)
    }
    this.#take(opened)
  }

  #take(opened: Opened): void {
    const { peer } = this.#init
    if (opened.kind === 'malformed') this.#events.malformed(peer, opened.reason)
    else if (opened.kind === 'dropped') {
      this.#events.dropped(opened.why)
      if (opened.why === 'unauthentic') this.#failed()
    } else if (opened.message.type !== MESSAGE_TYPES.confirm)
      this.#events.message(peer, opened.message)
    this.#usable() // a channel that is due is renewed by whoever initiates, also when only the peer speaks
  }

  #failed(): void {
    const now = this.#deps.monotonicMs()
    this.#failures = [...this.#failures, now].filter((at) => now - at < FAILURES_MS)
    if (this.#failures.length < MAX_FAILURES) return
    this.#failures = []
    this.#ask()
  }

  /** The peer uses a channel that we do not have: one of us started anew. At most one hint a second. */
  #lost(channel: Uint8Array): void {
    if (this.#initiates) {
      this.#ask()
      return
    }
    const now = this.#deps.monotonicMs()
    if (now - this.#hintAt < RETRY_MS) return
    this.#hintAt = now
    this.#speak(ENVELOPE_KINDS.close, new Uint8Array(), channel)
  }

  /**
   * The peer, or a lying host, says that our channel is gone. A host gains nothing that dropping would
   * not give it: what we send waits for the handshake, what the peer sends is still taken.
   */
  #hint(header: EnvelopeHeader, bytes: Uint8Array): void {
    const about = header.channel
    const current = this.#current
    const concerns =
      current === undefined || sameBytes(about, NO_CHANNEL) || sameBytes(about, current.channel.id)
    if (!this.#initiates || bytes.length !== HEADER_BYTES || !concerns) {
      this.#events.dropped('handshake')
      return
    }
    if (current !== undefined && this.#deps.monotonicMs() - current.since < RETRY_MS) return // it crossed our handshake
    this.#sends = false
    this.#ask()
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

/** A second message that answers another of our first ones does not authenticate. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof NoiseError) return undefined
    throw error
  }
}
