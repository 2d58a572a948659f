import type { PeerName } from './channels/links.ts'

/** Limits against abuse, by peer id; all of them expire (spec "Network", 07 §8). */
export interface AbuseLimits {
  /** Connections of all non-members together, of one, and from one IP (/64 for IPv6). */
  readonly strangers: number
  readonly connectionsPerPeer: number
  readonly connectionsPerIp: number
  /** Streams that a non-member may open in `streamWindowMs`. */
  readonly streams: number
  readonly streamWindowMs: number
  /** Times within `strikeWindowMs` above the stream limit that block. */
  readonly streamStrikes: number
  readonly requests: number
  readonly requestWindowMs: number
  /** Questions and letters about the committee in `requestWindowMs`: of one non-member, and of all together. */
  readonly committeeAsks: number
  readonly committeeAsksInAll: number
  /** Broken rules within `strikeWindowMs` that block. */
  readonly protocolErrors: number
  readonly strikeWindowMs: number
  readonly blockMs: number
  readonly memberBlockMs: number
  /** A non-member's connection without a stream for so long is closed. */
  readonly idleMs: number
  /** Peers that are counted at once; the one unseen for longest is forgotten. */
  readonly peers: number
}

export const ABUSE_LIMITS: AbuseLimits = {
  strangers: 200,
  connectionsPerPeer: 8,
  connectionsPerIp: 32,
  streams: 60,
  streamWindowMs: 10_000,
  streamStrikes: 5,
  requests: 300,
  requestWindowMs: 60_000,
  committeeAsks: 240, // a joiner asks where its network is every two seconds, and for a chain of epochs
  committeeAsksInAll: 1200, // each costs the guest a signature verification at most
  protocolErrors: 3,
  strikeWindowMs: 600_000,
  blockMs: 600_000,
  memberBlockMs: 60_000,
  idleMs: 60_000,
  peers: 10_000,
}

/** One open connection, as far as limits are concerned. */
export interface CountedConnection {
  readonly peer: PeerName
  /** IP of the remote end, when it has one. */
  readonly ip: string | undefined
}

type Bucket = 'streams' | 'stream-strikes' | 'requests' | 'committee' | 'protocol-errors'

const EVERYBODY = '*' // no peer id

interface Counter {
  from: number
  count: number
}

/**
 * Who may do how much. Blocking is a host matter and no fault in the sense of 02: only guests ban.
 * `clock` is monotonic, in milliseconds.
 */
export class PeerLimits {
  readonly #isMember: (peer: PeerName) => boolean
  readonly #clock: () => number
  readonly #limits: AbuseLimits
  readonly #counters = new Map<string, Counter>()
  readonly #blocked = new Map<PeerName, number>()
  readonly #onBlock: (peer: PeerName, isMember: boolean) => void

  constructor(
    isMember: (peer: PeerName) => boolean,
    onBlock: (peer: PeerName, isMember: boolean) => void,
    clock: () => number = () => performance.now(),
    limits: AbuseLimits = ABUSE_LIMITS,
  ) {
    this.#isMember = isMember
    this.#onBlock = onBlock
    this.#clock = clock
    this.#limits = limits
  }

  get idleMs(): number {
    return this.#limits.idleMs
  }

  isBlocked(peer: PeerName): boolean {
    const until = this.#blocked.get(peer)
    if (until === undefined) return false
    if (until > this.#clock()) return true
    this.#blocked.delete(peer)
    return false
  }

  /** Peers blocked at present. */
  get blocked(): number {
    return [...this.#blocked.keys()].filter((peer) => this.isBlocked(peer)).length
  }

  /** Whether one more connection from outside may stay, given those that are open. */
  mayConnect(next: CountedConnection, open: readonly CountedConnection[]): boolean {
    if (this.isBlocked(next.peer)) return false
    if (this.#isMember(next.peer)) return true
    const strangers = open.filter(({ peer }) => !this.#isMember(peer))
    const network = networkOf(next.ip)
    return (
      strangers.length < this.#limits.strangers &&
      strangers.filter(({ peer }) => peer === next.peer).length < this.#limits.connectionsPerPeer &&
      (network === undefined ||
        strangers.filter(({ ip }) => networkOf(ip) === network).length <
          this.#limits.connectionsPerIp)
    )
  }

  /** Counts a stream that the peer opened; false: reset it. */
  mayOpenStream(peer: PeerName): boolean {
    if (this.isBlocked(peer)) return false
    if (this.#isMember(peer)) return true
    const { streams, streamWindowMs, streamStrikes, strikeWindowMs } = this.#limits
    const count = this.#count('streams', peer, streamWindowMs)
    if (count <= streams) return true
    // One strike per window, however many streams above the limit it holds.
    if (
      count === streams + 1 &&
      this.#count('stream-strikes', peer, strikeWindowMs) >= streamStrikes
    )
      this.#block(peer)
    return false
  }

  /** Counts a request; false: answer LIMIT_EXCEEDED. */
  mayRequest(peer: PeerName): boolean {
    if (this.isBlocked(peer)) return false
    if (this.#isMember(peer)) return true
    return this.#count('requests', peer, this.#limits.requestWindowMs) <= this.#limits.requests
  }

  /** Counts a question or a letter about the committee; false: it is not taken. */
  mayAskCommittee(peer: PeerName): boolean {
    if (this.isBlocked(peer)) return false
    if (this.#isMember(peer)) return true
    const { committeeAsks, committeeAsksInAll, requestWindowMs } = this.#limits
    return (
      this.#count('committee', peer, requestWindowMs) <= committeeAsks &&
      this.#count('committee', EVERYBODY, requestWindowMs) <= committeeAsksInAll
    )
  }

  /** A broken rule of a protocol: frame size, kind, hello, wrong opener. */
  protocolError(peer: PeerName): void {
    const count = this.#count('protocol-errors', peer, this.#limits.strikeWindowMs)
    if (count >= this.#limits.protocolErrors) this.#block(peer)
  }

  #block(peer: PeerName): void {
    const isMember = this.#isMember(peer)
    const ms = isMember ? this.#limits.memberBlockMs : this.#limits.blockMs
    if (this.#blocked.size >= this.#limits.peers)
      this.#blocked.delete(this.#blocked.keys().next().value ?? '')
    this.#blocked.set(peer, this.#clock() + ms)
    for (const bucket of ['stream-strikes', 'protocol-errors'] as const)
      this.#counters.delete(`${bucket} ${peer}`)
    this.#onBlock(peer, isMember)
  }

  #count(bucket: Bucket, peer: PeerName, windowMs: number): number {
    const key = `${bucket} ${peer}`
    const now = this.#clock()
    let counter = this.#counters.get(key)
    if (counter === undefined || now - counter.from >= windowMs) counter = { from: now, count: 0 }
    counter.count++
    this.#counters.delete(key) // to the end of the order: the first is the one unseen for longest
    this.#counters.set(key, counter)
    if (this.#counters.size > this.#limits.peers)
      this.#counters.delete(this.#counters.keys().next().value ?? '')
    return counter.count
  }
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: one customer has all of the rest. */
function networkOf(ip: string | undefined): string | undefined {
  if (ip === undefined || !ip.includes(':')) return ip
  const [left = '', right = ''] = ip.toLowerCase().split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === '' ? [] : right.split(':')
  const zeros = ip.includes('::') ? 8 - head.length - tail.length : 0
  const groups = [...head, ...Array<string>(Math.max(0, zeros)).fill('0'), ...tail]
  return groups.slice(0, 4).join(':')
}
