import { AsyncLocalStorage } from 'node:async_hooks'
import type { PeerId } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import type { PeerName } from '../channels/links.ts'

type Handle = (peer: PeerId, message: unknown) => Promise<unknown>

/**
 * Who asks the DHT's server something, for what it calls meanwhile: kad-dht does not tell a validator whose record it
 * is given (07 §3.2), and its interface does not name the function that takes messages.
 */
export class StoringPeer {
  readonly #now = new AsyncLocalStorage<PeerName>()

  /** undefined: nobody, this host looks for something itself. */
  get name(): PeerName | undefined {
    return this.#now.getStore()
  }

  /** Before the DHT starts. Throws where kad-dht is another than the one that this was written for. */
  watch(dht: KadDHT): void {
    const rpc: unknown = 'rpc' in dht ? dht.rpc : undefined
    if (!takesMessages(rpc)) throw new Error('bug: kad-dht takes messages elsewhere')
    const handle = rpc.handleMessage.bind(rpc)
    rpc.handleMessage = (peer, message) =>
      this.#now.run(peer.toString(), () => handle(peer, message))
  }
}

const takesMessages = (rpc: unknown): rpc is { handleMessage: Handle } =>
  typeof rpc === 'object' &&
  rpc !== null &&
  'handleMessage' in rpc &&
  typeof rpc.handleMessage === 'function'
