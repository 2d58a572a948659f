import { ADDRESSES } from '../wire/accounts.ts'
import { pause, raced } from './deadline.ts'
import { HoldfastError, toHoldfastError } from './holdfast-error.ts'

export interface Agreement {
  /** What the client knows already; nodes that do not name it do not count. */
  readonly address: string | undefined
  /** How many different nodes must say the same; all of them where fewer are given. */
  readonly needed: number
  readonly signal: AbortSignal
}

/** What one address of a node answered. */
export interface Named {
  /** The peer id it claims. */
  readonly peer: string
  readonly addresses: unknown
}

/** A guest that has just stored a key may be a moment, under load seconds, behind the one that told us. */
const ROUND_DELAYS_MS = [0, 50, 100, 200, 400, 800, 1_600]
const ASK_MS = 3_000 // an answer needs no session; a node that takes longer is as good as silent

/**
 * The addresses that `needed` of the given nodes name, or every one of them where fewer are given. A node
 * that is silent, busy or behind does not count, and does not lower the number either: one node's word is
 * enough only where one node is given, and then it is no more than that. Peers are told apart by the id
 * they claim: two URLs of one peer that say the same are one node; who runs several peers counts as many.
 * Throws ACCOUNT_DISPUTED when nodes name other addresses, ACCOUNT_UNCONFIRMED when too few name any.
 */
export async function agreedAddresses(
  nodes: readonly string[],
  ask: (node: string, signal: AbortSignal) => Promise<Named>,
  { address, needed, signal }: Agreement,
): Promise<readonly string[]> {
  const tally = new Tally(nodes, address, needed)
  for (const delayMs of ROUND_DELAYS_MS) {
    await pause(delayMs, signal)
    signal.throwIfAborted()
    await askAll(tally, ask, signal)
    const agreed = tally.agreed()
    if (agreed !== undefined) return agreed
    if (tally.over()) break
  }
  throw tally.error()
}

/** Asks all whose answer is missing; resolves when they ended or enough agree. */
async function askAll(
  tally: Tally,
  ask: (node: string, signal: AbortSignal) => Promise<Named>,
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController()
  const ended = new AbortController()
  const each = tally.missing().map(async (node) => {
    const late = AbortSignal.timeout(ASK_MS)
    const limited = AbortSignal.any([signal, late, ended.signal])
    try {
      tally.said(node, await raced(ask(node, limited), limited))
    } catch (error) {
      const silent = limited.aborted
      tally.failed(node, silent ? new HoldfastError('NO_NODE', { cause: error }) : error)
    }
    if (tally.agreed() !== undefined) enough.abort(new Error('enough nodes agree'))
  })
  const agreement = new Promise<void>((resolve) => {
    enough.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  try {
    await raced(Promise.race([Promise.all(each), agreement]), signal)
  } finally {
    ended.abort(new Error('enough nodes agree'))
  }
}

interface Said {
  readonly peer: string
  readonly addresses: readonly string[]
  readonly name: string
}

/** What the nodes have answered so far. */
class Tally {
  readonly #nodes: readonly string[]
  readonly #address: string | undefined
  readonly #needed: number
  readonly #said = new Map<string, Said>()
  /** Said no: they do not know the account, or not yet. */
  readonly #denied = new Map<string, HoldfastError>()
  readonly #gone = new Set<string>()
  #last: HoldfastError | undefined

  constructor(nodes: readonly string[], address: string | undefined, needed: number) {
    this.#nodes = nodes
    this.#address = address
    this.#needed = needed
  }

  missing(): string[] {
    return this.#nodes.filter((node) => !this.#said.has(node) && !this.#gone.has(node))
  }

  said(node: string, { peer, addresses }: Named): void {
    const parsed = ADDRESSES.safeParse(addresses)
    if (!parsed.success) {
      const message = 'the answer is no list of addresses'
      throw new HoldfastError('SIGNATURE_INVALID', { message })
    }
    this.#said.set(node, { peer, addresses: parsed.data, name: parsed.data.join() })
    this.#denied.delete(node)
  }

  failed(node: string, error: unknown): void {
    const known = toHoldfastError(error)
    this.#last = known
    if (known.id === 'NO_NODE') this.#gone.add(node)
    else if (!known.retryable) this.#denied.set(node, known)
  }

  agreed(): readonly string[] | undefined {
    const most = this.#mostNamed()
    return most !== undefined && most.times >= this.#wanted() ? most.addresses : undefined
  }

  /** Whether asking again cannot help: nobody is behind, or nobody at all knows the account. */
  over(): boolean {
    const missing = this.missing()
    const unknown = this.#address === undefined && this.#said.size === 0
    return missing.length === 0 || (unknown && missing.every((node) => this.#denied.has(node)))
  }

  error(): HoldfastError {
    const last = this.#last
    const silent = this.#said.size === 0 && (this.#denied.size === 0 || this.#address === undefined)
    if (silent && last !== undefined) return last
    const most = this.#mostNamed()
    const times = most?.times ?? 0
    const others = [...this.#said.values()].filter(({ name }) => name !== most?.addresses.join())
    const id = others.length > 0 ? 'ACCOUNT_DISPUTED' : 'ACCOUNT_UNCONFIRMED'
    const quiet = this.#nodes.length - this.#said.size - this.#denied.size
    return new HoldfastError(id, {
      message: `${times} of ${this.#wanted()} needed nodes name the account's address; ${others.length} name another, ${this.#denied.size} do not know it, ${quiet} did not answer. Nothing is lost: the account stays as it is`,
      details: Object.fromEntries([
        ...[...this.#said].map(([node, { addresses }]) => [node, addresses] as const),
        ...[...this.#denied].map(([node, { id: why }]) => [node, why] as const),
      ]),
      cause: last,
    })
  }

  /**
   * One URL less for each that claims the peer of another and says the same. One that claims it and says
   * something else stays: else a liar with an honest peer's name would lower what is needed to itself.
   */
  #wanted(): number {
    const answers = [...this.#said.values()]
    const different = new Set(answers.map(({ peer, name }) => `${peer} ${name}`)).size
    return Math.min(this.#needed, this.#nodes.length - answers.length + different)
  }

  #mostNamed(): { addresses: readonly string[]; times: number } | undefined {
    const counts = new Map<string, { addresses: readonly string[]; peers: Set<string> }>()
    for (const { peer, addresses, name } of this.#said.values()) {
      if (this.#address !== undefined && !addresses.includes(this.#address)) continue
      const count = counts.get(name) ?? { addresses, peers: new Set<string>() }
      count.peers.add(peer)
      counts.set(name, count)
    }
    const [most] = [...counts.values()].sort((a, b) => b.peers.size - a.peers.size)
    return most === undefined ? undefined : { addresses: most.addresses, times: most.peers.size }
  }
}
