import type { ChaosAccount, ChaosNode, ChaosWorld, NodeView } from '../../scripts/chaos/world.ts'

type Health = 'up' | 'killed' | 'frozen' | 'cut-off' | 'full'

/** A network that is nothing but its state: changes succeed at once, and it notes the most that was ever down together. */
export class ModelWorld implements ChaosWorld {
  readonly done: string[] = []
  nodes: (ChaosNode & { health: Health })[]
  t: number
  e = 0
  #mostDown = 0
  /** The most that were down together before the network was asked to settle. */
  mostInTrouble = 0
  #next: number
  readonly #accounts: readonly ChaosAccount[]

  constructor(n: number, t: number, accounts: readonly ChaosAccount[]) {
    this.nodes = Array.from({ length: n }, (_, i) => ({ node: i + 1, index: i + 1, health: 'up' }))
    this.t = t
    this.#next = n + 1
    this.#accounts = accounts
  }

  async members(): Promise<readonly ChaosNode[]> {
    return this.nodes
  }
  async threshold(): Promise<number> {
    return this.t
  }
  async refresh(): Promise<void> {
    this.done.push('refresh')
    this.e++
  }
  async join(): Promise<void> {
    this.done.push('join')
    const node = this.#next++
    this.nodes.push({ node, index: node, health: 'up' })
    this.e++
  }
  async leave(node: number): Promise<void> {
    this.done.push(`leave ${node}`)
    this.nodes = this.nodes.filter((one) => one.node !== node)
    this.e++
  }
  kill = (node: number): Promise<void> => this.#become(node, 'killed')
  restart = (node: number): Promise<void> => this.#become(node, 'up')
  freeze = (node: number): Promise<void> => this.#become(node, 'frozen')
  thaw = (node: number): Promise<void> => this.#become(node, 'up')
  fillDisk = (node: number): Promise<void> => this.#become(node, 'full')
  isolate = (node: number): Promise<void> => this.#become(node, 'cut-off')
  async heal(): Promise<void> {
    for (const { node, health } of this.nodes)
      if (health === 'cut-off') await this.#become(node, 'up')
  }
  async sign(
    account: ChaosAccount,
    text: string,
    _signal: AbortSignal,
    nodes?: readonly number[],
  ): Promise<string> {
    const awake = this.nodes.filter(
      ({ node, health }) => health === 'up' && (nodes?.includes(node) ?? true),
    )
    if (awake.length < this.t) throw new Error('too few')
    return `${account.address} ${text}`
  }
  async addressOf(accountId: string): Promise<string> {
    const found = this.#accounts.find((account) => account.accountId === accountId)
    if (found === undefined) throw new Error('lost')
    return found.address
  }
  async settled(): Promise<void> {
    const ill = this.nodes.filter(({ health }) => health !== 'up')
    this.mostInTrouble = this.#mostDown
    if (ill.length > 0) throw new Error(`${ill.map(({ node }) => node).join()} are not well`)
  }
  async views(): Promise<readonly NodeView[]> {
    return this.nodes.map(({ node }) => ({
      node,
      e: this.e,
      recordHash: `record ${this.e}`,
      isVerified: true,
      receipts: [{ e: this.e - 1, have: this.nodes.length, of: this.nodes.length }],
    }))
  }

  async #become(node: number, health: Health): Promise<void> {
    this.done.push(`${health} ${node}`)
    this.nodes = this.nodes.map((one) => (one.node === node ? { ...one, health } : one))
    const down = this.nodes.filter((one) => one.health !== 'up').length
    this.#mostDown = Math.max(this.#mostDown, down)
  }
}
