import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { compare } from 'uint8arrays/compare'
import type { PeerLimits } from '../limits.ts'
import type { Log } from '../log.ts'
import type { NetworkMetrics } from '../metrics.ts'
import { calmWindow } from './calm-window.ts'
import { FrameChannel, LINK_FRAMES } from './frame-channel.ts'
import { LINK_TIMINGS, Link, type LinkEnd, type LinkTimings } from './link.ts'
import { BYE, type Hello } from './link-frames.ts'
import type { StateListener } from './links.ts'
import { type Lane, LinkError, type LinkState, type Links, type PeerName } from './links.ts'

export const ENVELOPE_PROTOCOL = '/holdfast/envelope/1.0.0'
const OUR_PROTOCOLS = '/holdfast/'
const STREAMS = 2 // per connection: the link, and the one that replaces it
const OPEN_MS = 10_000 // to open a stream: one round trip
const SPARE_MS = 10_000 // how long a second connection of a pair may wait for a use

export interface PeerLinksInit {
  readonly node: Libp2p
  /** Party index of every member by its peer id, until `follow`: nobody else may open an envelope link. */
  readonly members: ReadonlyMap<PeerName, number>
  readonly networkId: Uint8Array
  /** Eight bytes, drawn at each start. */
  readonly startId: Uint8Array
  readonly limits: PeerLimits
  readonly metrics: NetworkMetrics
  readonly log: Log
  readonly now: () => number
  readonly timings?: LinkTimings
  /** The epoch that serves, said in hello. */
  epoch?(): number
  onWant(peers: ReadonlyMap<PeerName, readonly string[]>): void
  onUp(peer: PeerName): void
  onDown(peer: PeerName, end: LinkEnd): void
}

interface Pair {
  readonly peer: PeerName
  readonly id: PeerId
  readonly index: number
  readonly label: string
  /** Whether this side has the smaller peer id, by the bytes of the multihash (07 §6.1). */
  readonly isOpener: boolean
  link: Link | undefined
  /** Before its hello. */
  coming: Link | undefined
  isOpening: boolean
  state: LinkState
}

type Taker = (from: PeerName, envelope: Uint8Array) => Promise<void>

/** Exactly one link with each member, however many connections there are (spec "Network", 07 §6). */
export class PeerLinks implements Links {
  readonly #init: PeerLinksInit
  readonly #pairs = new Map<PeerName, Pair>()
  readonly #listeners = new Set<StateListener>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #take: Taker | undefined
  #isStopping = false

  constructor(init: PeerLinksInit) {
    this.#init = init
    for (const [peer, index] of init.members) this.#add(peer, index)
  }

  /** Links with these from now on, and with nobody else: those that are no members any more are told and left. */
  follow(members: ReadonlyMap<PeerName, number>): void {
    for (const [peer, pair] of this.#pairs)
      if (members.get(peer) !== pair.index) this.#remove(pair, !members.has(peer))
    for (const [peer, index] of members)
      if (!this.#pairs.has(peer)) {
        const pair = this.#add(peer, index)
        const open = pair?.isOpener === true ? this.#connections(pair).at(-1) : undefined
        if (pair !== undefined && open !== undefined) void this.#openOn(pair, open)
      }
  }

  #add(peer: PeerName, index: number): Pair | undefined {
    const { node, now } = this.#init
    if (peer === node.peerId.toString()) return undefined
    const id = peerIdFromString(peer)
    const isOpener = compare(node.peerId.toMultihash().bytes, id.toMultihash().bytes) < 0
    const state = { up: false, suspect: false, rttMs: undefined, since: now() }
    const none = { link: undefined, coming: undefined, isOpening: false }
    const pair: Pair = { peer, id, index, label: String(index), isOpener, state, ...none }
    this.#pairs.set(peer, pair)
    return pair
  }

  #remove(pair: Pair, isGone: boolean): void {
    const { metrics } = this.#init
    const { link, coming, label } = pair
    this.#pairs.delete(pair.peer)
    pair.link = undefined
    pair.coming = undefined
    for (const each of [link, coming])
      void each?.leave(isGone ? BYE.stopping : BYE.replaced, isGone ? 'stopping' : 'replaced')
    metrics.linkUp.remove({ member: label })
    metrics.linkRtt.remove({ member: label })
    for (const lane of ['urgent', 'bulk'] as const)
      metrics.linkQueue.remove({ member: label, lane })
    if (link !== undefined) this.#setState(pair, { up: false, suspect: false, rttMs: undefined })
  }

  /** Before libp2p starts, or the first peer finds no handler. */
  async start(): Promise<void> {
    const { node } = this.#init
    node.addEventListener('connection:open', this.#onConnection)
    await node.handle(ENVELOPE_PROTOCOL, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: STREAMS,
      maxOutboundStreams: STREAMS,
      runOnLimitedConnection: false,
    })
  }

  /** BYE to every peer; no link comes up after it. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#init.node.removeEventListener('connection:open', this.#onConnection)
    for (const timer of this.#timers) clearTimeout(timer)
    const links = [...this.#pairs.values()].flatMap(({ link, coming }) => [link, coming])
    await Promise.all(links.map((link) => link?.leave(BYE.stopping, 'stopping')))
  }

  async send(peer: PeerName, envelope: Uint8Array, lane: Lane, signal: AbortSignal): Promise<void> {
    const pair = this.#pairs.get(peer)
    if (pair?.link === undefined) throw new LinkError('UNREACHABLE')
    await pair.link.send(envelope, lane, signal)
    this.#countBytes(pair, lane, 'out', envelope)
  }

  onEnvelope(take: Taker): void {
    this.#take = take
  }

  state(peer: PeerName): LinkState {
    return this.#pairs.get(peer)?.state ?? { up: false, suspect: false, rttMs: undefined, since: 0 }
  }

  onState(listener: StateListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  want(peers: ReadonlyMap<PeerName, readonly string[]>): void {
    this.#init.onWant(peers)
  }

  /** Sets the gauges of the queues: bytes that wait for members. */
  measure(): void {
    for (const { link, label } of this.#pairs.values())
      for (const lane of ['urgent', 'bulk'] as const)
        this.#init.metrics.linkQueue.set({ member: label, lane }, link?.queued(lane) ?? 0)
  }

  /** Uses a connection that exists; false: there is none, dial. */
  async ensure(peer: PeerName): Promise<boolean> {
    const pair = this.#pairs.get(peer)
    if (pair === undefined) return false
    if (pair.link !== undefined) return true
    const open = this.#connections(pair)
    if (pair.isOpener)
      for (const connection of open.toReversed())
        if (await this.#openOn(pair, connection)) return true
    return open.length > 0
  }

  readonly #onConnection = ({ detail }: CustomEvent<Connection>): void => {
    const pair = this.#pairs.get(detail.remotePeer.toString())
    if (pair?.isOpener === true) void this.#openOn(pair, detail)
  }

  #connections({ id }: Pair): Connection[] {
    return this.#init.node
      .getConnections(id)
      .filter(({ status, limits }) => status === 'open' && limits === undefined)
  }

  /** Two simultaneous dials give two connections: whoever comes second finds the link begun. */
  async #openOn(pair: Pair, connection: Connection): Promise<boolean> {
    if (this.#isStopping || this.#pairs.get(pair.peer) !== pair) return false
    if (pair.isOpening || pair.coming !== undefined || pair.link !== undefined) return true
    pair.isOpening = true
    try {
      const signal = AbortSignal.timeout(OPEN_MS)
      const stream = await connection.newStream(ENVELOPE_PROTOCOL, {
        signal,
        runOnLimitedConnection: false,
      })
      if (this.#pairs.get(pair.peer) !== pair) {
        stream.abort(new Error('no member any more'))
        return false
      }
      this.#adopt(pair, stream)
      return true
    } catch (error) {
      const reason = error instanceof Error ? error.name : 'unknown'
      this.#init.log.debug('link-open-failed', { peer: pair.peer, reason })
      return false
    } finally {
      pair.isOpening = false
    }
  }

  #accept(stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const pair = this.#pairs.get(peer)
    if (pair === undefined || pair.isOpener || this.#isStopping) {
      const reason = pair === undefined ? 'stranger' : pair.isOpener ? 'opener' : 'stopping'
      this.#init.metrics.linkRefused.inc({ reason })
      stream.abort(new Error(reason))
      // A stranger may be a newcomer whose START this side has not heard of yet: it comes again.
      if (reason === 'stranger') this.#init.limits.mayOpenStream(peer)
      if (reason === 'opener') this.#init.limits.protocolError(peer)
      return
    }
    this.#adopt(pair, stream)
  }

  /** The newer stream is right, as soon as it said hello: the opener knows that it lost the old one. */
  #adopt(pair: Pair, stream: Stream): void {
    const { networkId, startId, now, timings = LINK_TIMINGS, metrics, log } = this.#init
    calmWindow(stream)
    const channel = new FrameChannel(stream, LINK_FRAMES)
    const epoch = this.#init.epoch?.() ?? 0
    const hello: Hello = { networkId, startId, epoch, features: 0, sentAt: now() }
    const link: Link = new Link(channel, hello, timings, {
      up: () => this.#up(pair, link),
      suspect: (suspect) => {
        if (suspect) metrics.linkSuspect.inc()
        if (pair.link === link) this.#setState(pair, { suspect })
      },
      rtt: (rttMs) => {
        metrics.linkRtt.set({ member: pair.label }, rttMs / 1000)
        if (pair.link === link) pair.state = { ...pair.state, rttMs }
      },
      envelope: (envelope, lane) => this.#deliver(pair, envelope, lane),
      ignored: () => metrics.linkIgnored.inc(),
      ended: (end) => this.#ended(pair, link, end),
    })
    pair.coming?.abort('replaced')
    pair.coming = link
    link.run().catch((error: Error) => log.error('link-defect', { reason: error.name }))
  }

  #up(pair: Pair, link: Link): void {
    const old = pair.link
    pair.coming = undefined
    pair.link = link
    if (old !== undefined) {
      this.#init.metrics.linkReplaced.inc()
      old.abort('replaced')
    }
    this.#init.metrics.linkUp.set({ member: pair.label }, 1)
    this.#init.log.info('link-up', { peer: pair.peer })
    this.#setState(pair, { up: true, suspect: false })
    this.#init.onUp(pair.peer)
    if (pair.isOpener) this.#later(SPARE_MS, () => this.#closeSpare(pair))
  }

  #ended(pair: Pair, link: Link, end: LinkEnd): void {
    const { limits, metrics, log } = this.#init
    if (pair.coming === link) pair.coming = undefined
    metrics.linkRefused.inc({ reason: end })
    metrics.linkPaused.inc(link.pausedMs / 1000)
    if (end === 'protocol' || end === 'hello') limits.protocolError(pair.peer)
    if (pair.link === link) {
      pair.link = undefined
      metrics.linkUp.set({ member: pair.label }, 0)
      log.info('link-down', { peer: pair.peer, reason: end })
      // A frozen peer keeps its sockets; while they are open, libp2p would not dial it again.
      if (end === 'silent')
        for (const connection of this.#connections(pair)) connection.abort(new Error('silent'))
      this.#setState(pair, { up: false, suspect: false, rttMs: undefined })
    }
    if (end !== 'replaced' && !this.#isStopping) this.#init.onDown(pair.peer, end)
  }

  async #deliver(pair: Pair, envelope: Uint8Array, lane: Lane): Promise<void> {
    this.#countBytes(pair, lane, 'in', envelope)
    try {
      await this.#take?.(pair.peer, envelope)
    } catch (error) {
      // Our own guest refused it: no fault of the link, and senders rely on deadlines, not on replies.
      const reason = error instanceof Error ? error.name : 'unknown'
      this.#init.log.warn('envelope-refused', { peer: pair.peer, reason })
    }
  }

  #setState(pair: Pair, change: Partial<LinkState>): void {
    const since =
      change.up === undefined || change.up === pair.state.up ? pair.state.since : this.#init.now()
    pair.state = { ...pair.state, ...change, since }
    for (const listener of this.#listeners) listener(pair.peer, pair.state)
  }

  #countBytes(pair: Pair, lane: Lane, direction: 'in' | 'out', { length }: Uint8Array): void {
    this.#init.metrics.linkBytes.inc({ member: pair.label, lane, direction }, length)
  }

  /** Two dials at once leave a second connection behind; one that carries a stream of ours stays. */
  #closeSpare(pair: Pair): void {
    const open = this.#connections(pair)
    const isUsed = ({ streams }: Connection): boolean =>
      streams.some(({ protocol }) => protocol.startsWith(OUR_PROTOCOLS))
    if (open.length < 2 || !open.some(isUsed)) return
    for (const connection of open)
      if (!isUsed(connection))
        connection
          .close()
          .catch((error: Error) => this.#init.log.debug('close-failed', { reason: error.name }))
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      run()
    }, ms)
    this.#timers.add(timer)
  }
}
