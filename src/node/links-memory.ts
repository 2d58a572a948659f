import type { Lane, LinkState, Links, PeerName, StateListener } from './channels/links.ts'
import { LinkError } from './channels/links.ts'

export interface MemoryLinksOptions {
  /** A number in [0, 1), seeded: the same run gives the same network. */
  readonly random: () => number
  /** Milliseconds on the way, between the two; default [0, 0]. */
  readonly delayMs?: readonly [number, number]
  /** Share of envelopes that never arrive. */
  readonly loss?: number
  /** Whether envelopes with a shorter delay overtake; a real link keeps the order of a lane. */
  readonly reorder?: boolean
}

/** A network of links in one process, for tests of what runs above links (spec "Network", 07 §11). */
export class MemoryNetwork {
  readonly #options: MemoryLinksOptions
  readonly #nodes: ReadonlyMap<PeerName, MemoryLinks>
  readonly #cut = new Set<string>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #underWay = new Map<string, Uint8Array[]>()

  constructor(peers: readonly PeerName[], options: MemoryLinksOptions) {
    this.#options = options
    this.#nodes = new Map(peers.map((peer) => [peer, new MemoryLinks(peer, this)]))
  }

  links(peer: PeerName): MemoryLinks {
    const node = this.#nodes.get(peer)
    if (node === undefined) throw new Error(`bug: no peer ${peer} in this network`)
    return node
  }

  /** Both sides learn at once that the link is down. */
  cut(a: PeerName, b: PeerName): void {
    this.#cut.add(pairKey(a, b))
    this.links(a).tell(b)
    this.links(b).tell(a)
  }

  heal(a: PeerName, b: PeerName): void {
    this.#cut.delete(pairKey(a, b))
    this.links(a).tell(b)
    this.links(b).tell(a)
  }

  isUp(a: PeerName, b: PeerName): boolean {
    return a !== b && this.#nodes.has(b) && !this.#cut.has(pairKey(a, b))
  }

  /** What is under way never arrives. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#underWay.clear()
  }

  /** Milliseconds until arrival, or undefined when the envelope is lost. */
  #fate(): number | undefined {
    const { random, delayMs = [0, 0], loss = 0 } = this.#options
    const isLost = random() < loss
    const delay = delayMs[0] + random() * (delayMs[1] - delayMs[0])
    return isLost ? undefined : delay
  }

  carry(from: PeerName, to: PeerName, envelope: Uint8Array): void {
    const delay = this.#fate()
    if (delay === undefined) return
    const target = this.links(to)
    const now = performance.now()
    const isOrdered = this.#options.reorder !== true
    const at = isOrdered ? target.after(from, now + delay) : now + delay
    const key = `${from} ${to}`
    const underWay = this.#underWay.get(key) ?? []
    this.#underWay.set(key, underWay)
    underWay.push(envelope)
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        // Timers of nearly the same time fire in any order: each delivers the oldest.
        const index = isOrdered ? 0 : underWay.indexOf(envelope)
        const [next] = underWay.splice(index, 1)
        if (next !== undefined && this.isUp(from, to)) target.receive(from, next)
      },
      Math.max(0, at - now),
    )
    this.#timers.add(timer)
  }
}

/** One node's view; made by `MemoryNetwork`. */
export class MemoryLinks implements Links {
  readonly #me: PeerName
  readonly #network: MemoryNetwork
  readonly #listeners = new Set<StateListener>()
  readonly #lastArrival = new Map<PeerName, number>()
  readonly #inbox = new Map<PeerName, Promise<void>>()
  #take: ((from: PeerName, envelope: Uint8Array) => Promise<void>) | undefined

  constructor(me: PeerName, network: MemoryNetwork) {
    this.#me = me
    this.#network = network
  }

  async send(
    peer: PeerName,
    envelope: Uint8Array,
    _lane: Lane,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) throw new LinkError('CANCELLED', { cause: signal.reason })
    if (!this.#network.isUp(this.#me, peer)) throw new LinkError('UNREACHABLE')
    this.#network.carry(this.#me, peer, new Uint8Array(envelope))
  }

  onEnvelope(take: (from: PeerName, envelope: Uint8Array) => Promise<void>): void {
    this.#take = take
  }

  state(peer: PeerName): LinkState {
    const up = this.#network.isUp(this.#me, peer)
    return { up, suspect: false, rttMs: up ? 1 : undefined, since: 0 }
  }

  onState(listener: StateListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  want(): void {
    // Every peer of the network is linked from the start.
  }

  /** For the network: the state of a peer changed. */
  tell(peer: PeerName): void {
    for (const listener of this.#listeners) listener(peer, this.state(peer))
  }

  /** For the network: no earlier than what the same peer sent before. */
  after(from: PeerName, arriveAt: number): number {
    const at = Math.max(arriveAt, this.#lastArrival.get(from) ?? 0)
    this.#lastArrival.set(from, at)
    return at
  }

  /** For the network: one envelope of a peer at a time, as on a stream. */
  receive(from: PeerName, envelope: Uint8Array): void {
    const before = this.#inbox.get(from) ?? Promise.resolve()
    const taken = before.then(() => this.#take?.(from, envelope))
    // A taker's refusal ends nothing here either; the real links count and log it.
    this.#inbox.set(
      from,
      taken.catch(() => {}),
    )
  }
}

const pairKey = (a: PeerName, b: PeerName): string => (a < b ? `${a} ${b}` : `${b} ${a}`)
