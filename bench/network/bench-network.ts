import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { createTestnet } from '../../src/testnet/create.ts'
import type { Testnet } from '../../src/testnet/state.ts'
import { stopNodes } from '../../src/testnet/stop.ts'
import { startNodes } from '../../src/testnet/up.ts'
import { Agent } from './agent.ts'
import { parseMetrics, type Scrape } from './metrics-text.ts'
import { linkTool, makeNamespaces, type Namespaces } from './namespaces.ts'
import { type Form, guestTable, type Scenario } from './scenario.ts'

const READY_MS = 180_000
const POLL_MS = 200
const P2P_PORT = 4001 // inside namespaces, where nothing else listens
const METRICS_PORT = 9100

/** What a gateway lets one address do, so that one client can stand for many; accounts keep their own rates. */
const GATEWAY = {
  limits: {
    address: { perMinute: 60_000, burst: 2_000 },
    registrations: { perMinute: 6_000, burst: 200 },
    open: 2_000,
  },
}

/** A network of real processes for measuring: nodes, a client, and emulated links where the scenario has some. */
export class BenchNetwork {
  readonly #scenario: Scenario
  readonly #home: string
  readonly #dir: string
  readonly #namespaces: Namespaces | undefined
  readonly #agents: readonly Agent[]
  #testnet: Testnet
  #metrics: readonly string[] = []
  #closing: Promise<void> | undefined

  private constructor(
    scenario: Scenario,
    home: string,
    testnet: Testnet,
    namespaces: Namespaces | undefined,
  ) {
    this.#scenario = scenario
    this.#home = home
    this.#dir = join(home, 'net')
    this.#testnet = testnet
    this.#namespaces = namespaces
    this.#agents = namespaces
      ? testnet.nodes.map(({ node }) => new Agent(namespaces.within(node)))
      : [new Agent()]
  }

  /** Makes the directories and, where asked for, the links; nothing runs yet. */
  static async create(scenario: Scenario): Promise<BenchNetwork> {
    const { nodes, threshold, link } = scenario
    const home = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
    try {
      const testnet = await createTestnet({ dir: join(home, 'net'), nodes, threshold, rpcPort: 0 })
      const tool = linkTool()
      const namespaces =
        link !== undefined && 'path' in tool
          ? await makeNamespaces(tool.path, nodes, link)
          : undefined
      return new BenchNetwork(scenario, home, testnet, namespaces)
    } catch (error) {
      await rm(home, { recursive: true, force: true })
      throw error
    }
  }

  /** The client: beside node 1, or inside its namespace. */
  get client(): Agent {
    return this.#agentOf(1)
  }

  /** The gateway of node 1. */
  get entry(): string {
    return this.#rpc(1)
  }

  /** Processes by name. */
  get pids(): ReadonlyMap<string, number> {
    const pids = new Map<string, number>()
    for (const { node, host, guest } of this.#testnet.nodes) {
      if (host !== null) pids.set(`host ${node}`, host.pid)
      if (guest !== null) pids.set(`guest ${node}`, guest.pid)
    }
    pids.set('client', this.client.pid)
    pids.set('bench', process.pid)
    for (const [i, pid] of (this.#namespaces?.pids ?? []).entries()) pids.set(`link ${i + 1}`, pid)
    return pids
  }

  get kernel(): Promise<string> {
    return this.#settingsOf(1).then(({ kernel }) => String(kernel ?? 'wasm'))
  }

  /** (Re)starts every node, held to a form, and waits until all pairs are set up. Milliseconds. */
  async start(form: Form): Promise<number> {
    await stopNodes(this.#dir)
    const numbers = this.#testnet.nodes.map(({ node }) => node)
    const places = await Promise.all(
      numbers.map(async (node) => ({
        host: this.#namespaces?.addressOf(node) ?? '127.0.0.1',
        port: this.#namespaces === undefined ? await freePort() : METRICS_PORT,
      })),
    )
    this.#metrics = places.map(({ host, port }) => `http://${host}:${port}/metrics`)
    for (const [i, node] of numbers.entries()) await this.#configure(node, form, places[i])
    const began = performance.now()
    const namespaces = this.#namespaces
    this.#testnet = await startNodes(this.#dir, {
      lifeline: true,
      signal: AbortSignal.timeout(READY_MS),
      ...(namespaces && { within: (node: number) => namespaces.within(node) }),
    })
    for (const node of numbers) await this.#ready(node, began + READY_MS)
    return performance.now() - began
  }

  /** The metrics of every node, in their order. */
  scrape(): Promise<Scrape[]> {
    return Promise.all(
      this.#metrics.map(async (url) =>
        parseMetrics(await this.client.ask<'get'>({ do: 'get', url })),
      ),
    )
  }

  /** Everything that node 1's guest counts: keys, pools, secrets held. */
  async pools(): Promise<string> {
    const status = await this.client.ask<'status'>({ do: 'status', rpc: this.entry })
    const { guest } = (status ?? {}) as { guest?: Record<string, unknown> }
    return numbersIn(guest ?? {}).join(', ')
  }

  /** Stops and removes everything; the same promise for whoever asks again. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      await stopNodes(this.#dir)
    } finally {
      for (const agent of this.#agents) agent.end()
      this.#namespaces?.remove()
      await rm(this.#home, { recursive: true, force: true })
    }
  }

  async #configure(
    node: number,
    form: Form,
    metrics: { host: string; port: number } | undefined,
  ): Promise<void> {
    const { kernel } = this.#scenario
    const settings = {
      ...(await this.#settingsOf(node)),
      ...(kernel === 'default' ? {} : { kernel }),
      ...(this.#namespaces && {
        listen: [`/ip4/${this.#namespaces.addressOf(node)}/tcp/${P2P_PORT}`],
      }),
      ...(metrics && { metrics }),
      gateway: GATEWAY,
      guest: guestTable(form, this.#scenario.guest),
    }
    await writeFile(join(this.#dir, `node-${node}`, 'node.toml'), stringify(settings))
  }

  async #settingsOf(node: number): Promise<Record<string, unknown>> {
    return parse(await readFile(join(this.#dir, `node-${node}`, 'node.toml'), 'utf8'))
  }

  async #ready(node: number, end: number): Promise<void> {
    const url = new URL('readyz', this.#rpc(node)).href
    for (;;) {
      const answer = await this.#agentOf(node).ask<'get'>({ do: 'get', url })
      if ((JSON.parse(answer) as { complete?: boolean }).complete === true) return
      if (performance.now() > end) throw new Error(`node ${node} is not ready: ${answer}`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  #rpc(node: number): string {
    const url = this.#testnet.nodes[node - 1]?.rpc
    if (url == null) throw new Error(`node ${node} does not run`)
    return `${url}/`
  }

  #agentOf(node: number): Agent {
    const agent = this.#namespaces === undefined ? this.#agents[0] : this.#agents[node - 1]
    if (agent === undefined) throw new Error(`bug: no agent for node ${node}`)
    return agent
  }
}

/** Every number in a value, with the way to it. */
function numbersIn(value: unknown, at = ''): string[] {
  if (typeof value === 'number') return [`${at} ${value}`]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    numbersIn(inner, at === '' ? key : `${at}.${key}`),
  )
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
