import { DecodeError } from '../../protocols/session/codec.ts'
import {
  decodeHeader,
  type EnvelopeHeader,
  type EnvelopeMessage,
  type HandshakeFacts,
  headerEpoch,
  prologue,
} from '../../protocols/session/envelope.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { NoiseKeyPair } from '../../protocols/session/noise-kk.ts'
import type { Priority } from '../port/messages.ts'
import { ChannelError } from './channel-error.ts'
import {
  type ChannelEvents,
  type ChannelsDeps,
  type DropReason,
  PeerChannel,
  REKEY_MESSAGES,
} from './peer-channel.ts'

/** Who speaks with whom in one epoch: from the genesis file, a certified record or the accepted proposal, never from the wire (04 §11). */
export interface ChannelsInit<Key> {
  readonly me: PartyIndex
  /** GC, the X25519 key whose public half stands in the own entry. */
  readonly identity: NoiseKeyPair<Key>
  /** All members; the own entry is skipped. */
  readonly members: readonly { readonly index: PartyIndex; readonly guestEnc: Uint8Array }[]
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  readonly e: number
  /** Names the attempt that made the epoch (03 §1.2): another one's handshake does not authenticate. */
  readonly epochId: Uint8Array
  /** 16 bytes, new at every start. */
  readonly bootId: Uint8Array
  /** Fewer than 2^20 in tests. */
  readonly rekeyMessages?: number
}

/** The secure channels of this guest in one epoch, one per other member. */
export class Channels<Key = unknown> {
  readonly #me: PartyIndex
  readonly #epoch: number
  readonly #peers: ReadonlyMap<PartyIndex, PeerChannel<Key>>
  #up: ReadonlySet<PartyIndex> = new Set()
  readonly #dropped = new Map<DropReason, number>()
  #take: ChannelEvents['message'] = () => {}
  #restarted: ChannelEvents['restarted'] = () => {}
  #malformed: ChannelEvents['malformed'] = () => {}

  constructor(init: ChannelsInit<Key>, deps: ChannelsDeps<Key>) {
    this.#me = init.me
    this.#epoch = headerEpoch(init.e)
    const others = init.members.filter(({ index }) => index !== init.me)
    this.#peers = new Map(
      others.map(({ index, guestEnc }) => [
        index,
        new PeerChannel<Key>(
          {
            me: init.me,
            peer: index,
            epoch: this.#epoch,
            statics: { mine: init.identity, theirs: guestEnc },
            prologue: prologue({
              ...init,
              epoch: BigInt(init.e),
              initiator: Math.min(init.me, index),
              responder: Math.max(init.me, index),
            }),
            bootId: init.bootId,
            rekeyMessages: init.rekeyMessages ?? REKEY_MESSAGES,
          },
          deps,
          {
            message: (from, message) => this.#take(from, message),
            restarted: (peer) => this.#restarted(peer),
            malformed: (peer, reason) => this.#malformed(peer, reason),
            dropped: (reason) => this.#drop(reason),
          },
        ),
      ]),
    )
  }

  /** How many envelopes were dropped, and why. Never blame: the host can forge what does not authenticate. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped
  }

  /** Authenticated messages, in the order in which they arrive. */
  onMessage(take: ChannelEvents['message']): void {
    this.#take = take
  }

  /** The peer started anew: what ran with it is over, without blame. Called before its first message. */
  onRestarted(take: ChannelEvents['restarted']): void {
    this.#restarted = take
  }

  /** The peer sealed something that is no message: a fault of the party. */
  onMalformed(take: ChannelEvents['malformed']): void {
    this.#malformed = take
  }

  /**
   * Sends a message, after a handshake when there is no channel yet; resolves when the host took it.
   * Throws `ChannelError`: UNREACHABLE (also when `signal` ends the wait) or OVERLOADED.
   */
  async send(
    to: PartyIndex,
    message: EnvelopeMessage,
    signal: AbortSignal,
    priority: Priority = 0,
  ): Promise<void> {
    const peer = this.#peers.get(to)
    if (peer === undefined) throw new ChannelError('UNREACHABLE', to)
    return peer.send(message, signal, priority)
  }

  /** An envelope that the host says came from `from`; `known`: its header, where that was read before. */
  receive(from: PartyIndex, bytes: Uint8Array, known?: EnvelopeHeader): void {
    const header = known ?? this.#header(bytes)
    if (header === undefined) return
    const peer = this.#peers.get(from)
    if (header.epoch !== this.#epoch) this.#drop('epoch')
    else if (peer === undefined || header.from !== from || header.to !== this.#me)
      this.#drop('address')
    else peer.receive(header, bytes)
  }

  /** Whose hosts are connected now: channels are made before they are needed. */
  links(up: readonly PartyIndex[]): void {
    for (const index of up) if (!this.#up.has(index)) this.#peers.get(index)?.prepare()
    this.#up = new Set(up)
  }

  /** What the peer said of itself in its newest proven handshake. */
  facts(peer: PartyIndex): HandshakeFacts | undefined {
    return this.#peers.get(peer)?.facts
  }

  close(): void {
    for (const peer of this.#peers.values()) peer.close()
  }

  #header(bytes: Uint8Array): EnvelopeHeader | undefined {
    try {
      return decodeHeader(bytes)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#drop('header')
      return undefined
    }
  }

  #drop(reason: DropReason): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
  }
}
