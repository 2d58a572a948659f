import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHoldfast, type Holdfast } from '../../src/sdk/client.ts'
import { keySigner } from '../../src/sdk/key-signer.ts'
import { createTestnet } from '../../src/testnet/create.ts'
import { readState, type Testnet, type TestnetNode } from '../../src/testnet/state.ts'
import { killNodes, signalNodes, stopNodes } from '../../src/testnet/stop.ts'
import { networkReady, startNodes } from '../../src/testnet/up.ts'

const READY_MS = 180_000 // ten pair setups with the reference kernel on two busy cores

/** A local network of real processes in a temporary folder, for tests that kill them. */
export class RealNetwork {
  readonly dir: string

  private constructor(dir: string) {
    this.dir = dir
  }

  /** Makes the directories; starts nothing. */
  static async create(nodes: number, threshold: number): Promise<RealNetwork> {
    const dir = join(await mkdtemp(join(tmpdir(), 'holdfast-')), 'net')
    await createTestnet({ dir, nodes, threshold, rpcPort: 0 })
    return new RealNetwork(dir)
  }

  /** Starts the nodes that do not run, or only these, and waits until all that run are ready. */
  async start(only?: readonly number[]): Promise<Testnet> {
    const signal = AbortSignal.timeout(READY_MS)
    const options = { lifeline: true, signal, ...(only === undefined ? {} : { only }) }
    const state = await startNodes(this.dir, options)
    await networkReady(state, { deadlineMs: READY_MS, signal })
    return state
  }

  state(): Promise<Testnet> {
    return readState(this.dir)
  }

  async node(number: number): Promise<TestnetNode> {
    const found = (await this.state()).nodes.find(({ node }) => node === number)
    if (found === undefined) throw new Error(`no node ${number}`)
    return found
  }

  kill(...nodes: number[]): Promise<Testnet> {
    return killNodes(this.dir, nodes)
  }

  freeze(...nodes: number[]): Promise<Testnet> {
    return signalNodes(this.dir, nodes, 'SIGSTOP')
  }

  thaw(...nodes: number[]): Promise<Testnet> {
    return signalNodes(this.dir, nodes, 'SIGCONT')
  }

  stop(): Promise<Testnet> {
    return stopNodes(this.dir)
  }

  async remove(): Promise<void> {
    await this.stop()
    await rm(join(this.dir, '..'), { recursive: true, force: true })
  }

  /** A client that asks these nodes, the first one first; it keeps its key through restarts of the network. */
  async client(pkcs8: Uint8Array, ...nodes: number[]): Promise<Holdfast> {
    const rpcs = await Promise.all(nodes.map(async (node) => (await this.node(node)).rpc))
    return createHoldfast({
      nodes: rpcs.filter((rpc) => rpc !== null),
      signer: keySigner({ pkcs8 }),
      deadlineMs: 60_000,
    })
  }
}

/** A new developer key on P-256. */
export const developerKey = (): Uint8Array =>
  new Uint8Array(
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
      publicKeyEncoding: { type: 'spki', format: 'der' },
    }).privateKey,
  )
