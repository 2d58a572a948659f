import { HoldfastError } from './holdfast-error.ts'
import { type Network, readManifest } from './network.ts'
import { type Fetch, post } from './post.ts'

const SHUNNED_MS = 600_000 // 06 §3: a node of another network is not asked again for ten minutes

/** The nodes of a client: which served last, and that each serves the one network. */
export class Nodes {
  readonly #urls: readonly string[]
  readonly #fetch: Fetch
  readonly #checked = new Map<string, Network>()
  readonly #shunned = new Map<string, number>()
  /** Given, or that of the first node to answer. */
  #pinned: Uint8Array | undefined
  #last: string | undefined

  constructor(urls: readonly string[], pinned: Uint8Array | undefined, fetch: Fetch) {
    this.#urls = [...new Set(urls)]
    this.#pinned = pinned
    this.#fetch = fetch
  }

  /** Whom to ask: the last good one first; those of another network only when there is no other. */
  inOrder(): readonly string[] {
    const last = this.#last
    const order = last === undefined ? this.#urls : [last, ...this.#urls.filter((u) => u !== last)]
    const now = performance.now()
    const rest = order.filter((url) => (this.#shunned.get(url) ?? 0) <= now)
    return rest.length > 0 ? rest : order
  }

  good(url: string): void {
    this.#last = url
  }

  /** The network that the node serves, asked once. Throws MANIFEST_INVALID for any but the pinned one. */
  async network(url: string, signal: AbortSignal): Promise<Network> {
    const known = this.#checked.get(url)
    if (known !== undefined) return known
    const { result } = await post(this.#fetch, url, { method: 'getNetwork', params: [] }, signal)
    try {
      const network = readManifest(result, this.#pinned)
      this.#pinned ??= network.networkId
      this.#checked.set(url, network)
      return network
    } catch (error) {
      if (error instanceof HoldfastError) this.#shunned.set(url, performance.now() + SHUNNED_MS)
      throw error
    }
  }
}
