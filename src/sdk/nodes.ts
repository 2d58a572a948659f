import { NODE_STATUS } from '../wire/status.ts'
import { HoldfastError } from './holdfast-error.ts'
import type { Network } from './network.ts'
import { type Fetch, post } from './post.ts'
import type { Trust } from './trust.ts'

const SHUNNED_MS = 600_000 // 06 §3: a node of another network is not asked again for ten minutes
const STALE_MS = 30_000 // a node that lacks the newest stamp has it soon

/** The nodes of a client: which served last, and that each serves the one network. */
export class Nodes {
  readonly #urls: readonly string[]
  readonly #fetch: Fetch
  readonly #trust: Trust
  readonly #checked = new Map<string, Network>()
  readonly #shunned = new Map<string, number>()
  #last: string | undefined
  /** In the order in which they refused something; asked last until they serve again. */
  readonly #refusing = new Set<string>()
  readonly #peers = new Map<string, string>()

  constructor(urls: readonly string[], trust: Trust, fetch: Fetch) {
    this.#urls = [...new Set(urls)]
    this.#trust = trust
    this.#fetch = fetch
  }

  /** The one network of these nodes, once any of them described it. */
  get known(): Network | undefined {
    const [network] = this.#checked.values()
    return network
  }

  /** All that were given. */
  get urls(): readonly string[] {
    return this.#urls
  }

  /**
   * Whom to ask: the last good one first, those that refused last; those of another network only when there
   * is no other.
   */
  inOrder(): readonly string[] {
    const last = this.#last
    const willing = this.#urls.filter((url) => url !== last && !this.#refusing.has(url))
    const order = [...(last === undefined ? [] : [last]), ...willing, ...this.#refusing]
    const now = performance.now()
    const rest = order.filter((url) => (this.#shunned.get(url) ?? 0) <= now)
    return rest.length > 0 ? rest : order
  }

  good(url: string): void {
    this.#last = url
    this.#refusing.delete(url)
  }

  /** It said no where others may say yes. */
  refused(url: string): void {
    if (this.#last === url) this.#last = undefined
    this.#refusing.delete(url)
    this.#refusing.add(url)
  }

  /** The peer id that a node claims, asked once: two addresses of one peer are one node. Nothing proves it. */
  async peer(url: string, signal: AbortSignal): Promise<string> {
    const known = this.#peers.get(url)
    if (known !== undefined) return known
    const { result } = await post(this.#fetch, url, { method: 'getStatus', params: [] }, signal)
    const parsed = NODE_STATUS.safeParse(result)
    if (!parsed.success) throw new HoldfastError('NO_NODE', { message: `${url} gave no status` })
    this.#peers.set(url, parsed.data.peerId)
    return parsed.data.peerId
  }

  /**
   * The network that the node serves, asked once, and again when its stamp ended or a newer epoch is known. Throws
   * MANIFEST_INVALID for any but the pinned one, STALE_COMMITTEE for any committee but the present one.
   */
  async network(url: string, signal: AbortSignal): Promise<Network> {
    const known = this.#checked.get(url)
    if (known !== undefined && this.#trust.isCurrent(known)) return known
    return this.networkAnew(url, signal)
  }

  /** The same, asked again in any case. */
  async networkAnew(url: string, signal: AbortSignal): Promise<Network> {
    const { result } = await post(this.#fetch, url, { method: 'getNetwork', params: [] }, signal)
    try {
      const network = this.#trust.read(result)
      this.#checked.set(url, network)
      return network
    } catch (error) {
      this.#checked.delete(url)
      if (error instanceof HoldfastError) {
        const ms = error.id === 'STALE_COMMITTEE' ? STALE_MS : SHUNNED_MS
        this.#shunned.set(url, performance.now() + ms)
      }
      throw error
    }
  }
}
