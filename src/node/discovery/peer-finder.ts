import type { Connection, Libp2p } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { addressOfPeer, learntAddresses, parseAddress } from '../addresses.ts'
import type { PeerName } from '../channels/links.ts'
import type { NetworkMetrics } from '../metrics.ts'
import { tableSize } from './dht-directory.ts'
import type { Directory } from './directory.ts'
import { nodeRecordKey } from './node-records.ts'
import type { RedialTarget } from './redial.ts'

const ASK_MS = 5_000 // for one question to the DHT
const MIN_DIAL_MS = 2_000 // share of one address in a dial of ten seconds, at least

export interface PeerFinderInit {
  readonly node: Libp2p
  readonly dht: KadDHT
  readonly directory: Directory
  readonly metrics: NetworkMetrics
  readonly dialPrivate: boolean
  readonly dialMs: number
  /** The guest key behind a peer that takes part. */
  guestOf(peer: PeerName): Uint8Array | undefined
  /** Uses a connection that exists (channels/peer-links.ts). */
  ensure(peer: PeerName): Promise<boolean>
}

/** Knows where peers were seen, and how to ask; the order of 07 §3.6. */
export class PeerFinder {
  readonly #init: PeerFinderInit
  readonly #worked = new Map<PeerName, string>()
  readonly #recorded = new Map<PeerName, readonly string[]>()
  readonly #peerOf = new Map<string, PeerName>()
  #configured: ReadonlyMap<PeerName, readonly string[]> = new Map()

  constructor(init: PeerFinderInit) {
    this.#init = init
  }

  /** Addresses that the operator wrote. */
  configure(addresses: ReadonlyMap<PeerName, readonly string[]>): void {
    this.#configured = addresses
  }

  /** Addresses of a record; true when they are news. */
  learn(peer: PeerName, texts: readonly string[]): boolean {
    const kept = learntAddresses(texts, peer, this.#init.dialPrivate)
    const isNews = kept.join() !== (this.#recorded.get(peer) ?? []).join()
    this.#recorded.set(peer, kept)
    return isNews
  }

  /** The address that worked last, or those of the newest record: what to begin with after a restart (03 §9.5). */
  lastKnown(peer: PeerName): readonly string[] {
    const worked = this.#worked.get(peer)
    const recorded = this.#recorded.get(peer) ?? []
    return worked === undefined ? recorded : [worked, ...recorded.filter((text) => text !== worked)]
  }

  /** The peer that answered at a bootstrap address without a peer id. */
  peerAt(address: string): PeerName | undefined {
    return this.#peerOf.get(address)
  }

  /** For the redial loop: true when a connection is there; a link is up only after its hello. */
  async reach(target: RedialTarget, signal: AbortSignal): Promise<boolean> {
    if ('address' in target) return this.#reachAddress(target.address, signal)
    const { peer } = target
    if (await this.#init.ensure(peer)) return true
    const known = [
      ...(this.#worked.has(peer) ? [this.#worked.get(peer) ?? ''] : []),
      ...(this.#recorded.get(peer) ?? []),
      ...(this.#configured.get(peer) ?? []),
    ]
    if (await this.#dialAny(peer, known, signal)) return true
    if (tableSize(this.#init.dht) === 0) return false // a question would only wait for its deadline
    return this.#dialAny(peer, await this.#ask(peer, known, signal), signal)
  }

  async #reachAddress(text: string, signal: AbortSignal): Promise<boolean> {
    const address = parseAddress(text)
    if (address === undefined) return false
    const connection = await this.#dial(() => this.#init.node.dial(address, { signal }))
    if (connection !== undefined) this.#peerOf.set(text, connection.remotePeer.toString())
    return connection !== undefined
  }

  async #dialAny(peer: PeerName, texts: readonly string[], signal: AbortSignal): Promise<boolean> {
    const addresses = [...new Set(texts)]
      .map((text) => addressOfPeer(text, peer))
      .filter((address) => address !== undefined)
    const even = Math.floor(this.#init.dialMs / Math.max(1, addresses.length)) // timeouts are whole
    const share = Math.max(MIN_DIAL_MS, even)
    for (const address of addresses) {
      if (signal.aborted) return false
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(share)])
      const dial = (): Promise<Connection> => this.#init.node.dial(address, { signal: bounded })
      if ((await this.#dial(dial)) === undefined) continue
      this.#worked.set(peer, address.toString())
      return true
    }
    return false
  }

  async #dial(dial: () => Promise<Connection>): Promise<Connection | undefined> {
    try {
      const connection = await dial()
      this.#init.metrics.dials.inc({ result: 'connected' })
      return connection
    } catch {
      this.#init.metrics.dials.inc({ result: 'failed' }) // the loop tries again, whatever it was
      return undefined
    }
  }

  /** First the member's own record, then what others saw; both are hints. */
  async #ask(
    peer: PeerName,
    known: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const isNew = (text: string): boolean => !known.includes(text)
    const guest = this.#init.guestOf(peer)
    if (guest !== undefined) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)])
      await this.#init.directory.find(nodeRecordKey(guest), bounded) // its record arrives by `learn`
      const recorded = (this.#recorded.get(peer) ?? []).filter(isNew)
      if (recorded.length > 0) return recorded
    }
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)])
    const id = peerIdFromString(peer)
    const seen: string[] = []
    try {
      for await (const event of this.#init.dht.findPeer(id, { signal: bounded }))
        if (event.name === 'FINAL_PEER' && event.peer.id.equals(id))
          seen.push(...event.peer.multiaddrs.map((address) => address.toString()))
    } catch {
      // Nobody knows it, or the question took too long: the loop asks again.
    }
    return learntAddresses(seen, peer, this.#init.dialPrivate).filter(isNew)
  }
}
