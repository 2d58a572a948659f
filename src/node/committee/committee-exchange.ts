import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerName } from '../channels/links.ts'
import type { PeerLimits } from '../limits.ts'
import type { Log } from '../log.ts'
import type { NetworkMetrics } from '../metrics.ts'
import { askNewest, offerJoin } from './ask-committee.ts'
import { CertCache } from './cert-cache.ts'
import type { KnownCommittee } from './known-committee.ts'
import { LetterPost } from './letter-post.ts'
import type { Roster } from './roster.ts'
import { serveCommittee } from './serve-committee.ts'
import { type NodeRecords, Whereabouts } from './whereabouts.ts'

/** What the committee's guests tell each other by their hosts, and what others may ask (07 §7). */
export interface CommitteeNetwork {
  /** To the guest with this key: one-way, in order, and may be lost. */
  send(to: Uint8Array, letter: Uint8Array): void
  /** Takes what comes for the own guest; awaited before more is read of the same peer. Before it is set, letters are lost. */
  onLetter(take: (letter: Uint8Array) => Promise<void>): void
  /** Who knows the certificates of epochs: the own guest. */
  onHistory(cert: (e: number, signal: AbortSignal) => Promise<Uint8Array | null>): void
  /** Open connections with those who take part, to ask them something. */
  connections(): readonly Connection[]
  /** Takes signed joins that candidates leave for the operator; false: not taken. */
  onJoin(take: (join: Uint8Array) => boolean): void
  /** Leaves a signed join with the members that can be reached; how many took it. */
  offerJoin(join: Uint8Array, signal: AbortSignal): Promise<number>
}

export interface CommitteeExchangeInit {
  readonly node: Libp2p
  readonly roster: Roster
  readonly genesis: Uint8Array
  readonly guestSig: Uint8Array | null
  readonly known: KnownCommittee
  readonly limits: PeerLimits
  readonly metrics: NetworkMetrics
  readonly log: Log
  readonly records: NodeRecords
  /** Dials the peer wherever it may be; true when a connection is there. */
  reach(peer: PeerName, signal: AbortSignal): Promise<boolean>
}

/** The host's side of the committee: letters both ways, and answers to strangers. */
export class CommitteeExchange implements CommitteeNetwork {
  readonly #init: CommitteeExchangeInit
  readonly #whereabouts: Whereabouts
  readonly #post: LetterPost | undefined
  readonly #certs: CertCache
  #take: ((letter: Uint8Array) => Promise<void>) | undefined
  #takeJoin: (join: Uint8Array) => boolean = () => false
  #cert: (e: number, signal: AbortSignal) => Promise<Uint8Array | null> = async () => null

  constructor(init: CommitteeExchangeInit) {
    this.#init = init
    const { guestSig, metrics, log } = init
    this.#whereabouts = new Whereabouts(init.roster, init.records)
    this.#certs = new CertCache(
      (e, signal) => this.#cert(e, signal),
      () => Math.max(init.roster.epoch?.e ?? -1, init.known.newest?.committee.cert.record.e ?? -1),
    )
    if (guestSig === null) return
    this.#post = new LetterPost({
      guestSig,
      find: (to, signal) => this.#whereabouts.find(to, signal),
      connect: (peer, signal) => this.#connect(peer, signal),
      sent: () => metrics.letters.inc({ direction: 'out' }),
      dropped: (reason, count) => metrics.lettersDropped.inc({ reason }, count),
      log,
    })
  }

  /** Before libp2p starts, or the first peer finds no handler. */
  async start(): Promise<void> {
    this.#init.node.addEventListener('connection:open', this.#onConnection)
    const { node, genesis, known, limits, log, metrics } = this.#init
    await serveCommittee(
      node,
      {
        genesis,
        newest: () => known.newest?.bytes ?? null,
        cert: (e, signal) => this.#certs.get(e, signal),
        takeJoin: (join) => this.#takeJoin(join),
        takeLetter: async (letter) => {
          metrics.letters.inc({ direction: 'in' })
          await this.#take?.(letter)
        },
        hint: (guestSig, peer) => this.#whereabouts.hint(guestSig, peer),
      },
      limits,
      log,
    )
  }

  stop(): void {
    this.#init.node.removeEventListener('connection:open', this.#onConnection)
    this.#post?.stop()
  }

  send(to: Uint8Array, letter: Uint8Array): void {
    this.#post?.send(to, letter)
  }

  onLetter(take: (letter: Uint8Array) => Promise<void>): void {
    this.#take = take
  }

  onHistory(cert: (e: number, signal: AbortSignal) => Promise<Uint8Array | null>): void {
    this.#cert = cert
  }

  onJoin(take: (join: Uint8Array) => boolean): void {
    this.#takeJoin = take
  }

  connections(): readonly Connection[] {
    return this.#init.roster.everybody.flatMap(({ peerId }) => this.#open(peerId) ?? [])
  }

  async offerJoin(join: Uint8Array, signal: AbortSignal): Promise<number> {
    const taken = await Promise.all(
      this.#init.roster.members.map(async ({ peerId }) => {
        try {
          const connection = await this.#connect(peerId, signal)
          return connection !== undefined && (await offerJoin(connection, join, signal))
        } catch (error) {
          this.#init.log.debug('join-not-taken', {
            peer: peerId,
            reason: error instanceof Error ? error.message : 'unknown',
          })
          return false
        }
      }),
    )
    return taken.filter(Boolean).length
  }

  /** The newest committee that any of these has, in turn, until one has something newer than this host. */
  async askNewest(signal: AbortSignal): Promise<void> {
    const { known, log } = this.#init
    for (const connection of this.connections()) {
      if (signal.aborted) return
      try {
        const bytes = await askNewest(connection, signal)
        const before = known.newest
        if (bytes !== null) await known.take(bytes)
        if (known.newest !== before) return
      } catch (error) {
        log.debug('newest-unanswered', {
          peer: connection.remotePeer.toString(),
          reason: error instanceof Error ? error.name : 'unknown',
        })
      }
    }
  }

  /** Whoever takes part is dialled by the redial loop: only others are dialled here. */
  async #connect(peer: PeerName, signal: AbortSignal): Promise<Connection | undefined> {
    const { node, roster, reach } = this.#init
    if (peer === node.peerId.toString()) return undefined
    const open = this.#open(peer)
    if (open !== undefined || roster.isKnown(peer)) return open
    await reach(peer, signal)
    return this.#open(peer)
  }

  readonly #onConnection = (): void => this.#post?.wake()

  #open(peer: PeerName): Connection | undefined {
    return this.#init.node
      .getConnections(peerIdFromString(peer))
      .findLast(({ status, limits }) => status === 'open' && limits === undefined)
  }
}
