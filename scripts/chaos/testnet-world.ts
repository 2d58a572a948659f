import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { EpochChain } from '../../protocols/agreement/chain/epoch-chain.ts'
import { EpochCert } from '../../protocols/agreement/objects/certificates.ts'
import { baseOf, fromHex, readGenesis } from '../../src/node/operator/base-of.ts'
import type { OperatorNode } from '../../src/node/operator/client.ts'
import type { OperatorStatus } from '../../src/node/operator/messages.ts'
import { silentOf } from '../../src/node/operator/missing.ts'
import { createHoldfast, type Holdfast } from '../../src/sdk/client.ts'
import { keySigner } from '../../src/sdk/key-signer.ts'
import { atDoor, genesisOf, runningOf } from '../../src/testnet/doors.ts'
import { addNode, refreshShares, removeNode } from '../../src/testnet/members.ts'
import { healNodes, partitionNodes } from '../../src/testnet/partition.ts'
import { readState, type TestnetNode } from '../../src/testnet/state.ts'
import { killNodes, signalNodes } from '../../src/testnet/stop.ts'
import { startNodes } from '../../src/testnet/up.ts'
import type { ChaosAccount, ChaosNode, ChaosWorld, NodeView } from './world.ts'

const LOOK_MS = 1_000
const QUICK_LOOKS = 3 // a settled network stays so while it is looked at
const KEY = (): Uint8Array =>
  new Uint8Array(
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
      publicKeyEncoding: { type: 'spki', format: 'der' },
    }).privateKey,
  )

/** A local network of real processes in `dir`, as chaos plays with it. Its nodes end when this process does. */
export class TestnetWorld implements ChaosWorld {
  readonly #dir: string
  readonly #signer: ReturnType<typeof keySigner>
  readonly #known = new Map<string, Parameters<Holdfast['signMessage']>[0]['account']>()

  constructor(dir: string, key: Uint8Array = KEY()) {
    this.#dir = dir
    this.#signer = keySigner({ pkcs8: key })
  }

  /** Makes accounts, each with a key of its own. */
  async accounts(count: number, signal: AbortSignal): Promise<readonly ChaosAccount[]> {
    const made: ChaosAccount[] = []
    for (let i = 0; i < count; i++) {
      const account = await (await this.#client()).createAccount({}, { signal, deadlineMs: 60_000 })
      const { accountId, address } = account
      this.#known.set(accountId, account)
      made.push({ accountId, address })
    }
    return made
  }

  async members(): Promise<readonly ChaosNode[]> {
    const { nodes } = await readState(this.#dir)
    const { members } = await this.#base()
    return members.flatMap(({ index, peerId }) => {
      const found = nodes.find((node) => node.peerId === peerId)
      return found === undefined ? [] : [{ node: found.node, index }]
    })
  }

  async threshold(): Promise<number> {
    return (await this.#base()).t
  }

  refresh(signal: AbortSignal): Promise<void> {
    return refreshShares(this.#dir, signal)
  }
  async join(signal: AbortSignal): Promise<void> {
    await addNode(this.#dir, { signal, lifeline: true })
  }
  async leave(node: number, signal: AbortSignal): Promise<void> {
    await removeNode(this.#dir, node, signal)
  }
  async kill(node: number): Promise<void> {
    if (await this.#has(node)) await killNodes(this.#dir, [node])
  }
  async restart(node: number, signal: AbortSignal): Promise<void> {
    if (await this.#has(node)) await startNodes(this.#dir, { only: [node], lifeline: true, signal })
  }
  async freeze(node: number): Promise<void> {
    if (await this.#has(node)) await signalNodes(this.#dir, [node], 'SIGSTOP')
  }
  async thaw(node: number): Promise<void> {
    if (await this.#has(node)) await signalNodes(this.#dir, [node], 'SIGCONT')
  }

  /** No file of the node's host grows any more (RLIMIT_FSIZE): what LevelDB appends fails as on a full disk. */
  async fillDisk(node: number): Promise<void> {
    const found = await this.#node(node)
    if (found === undefined || found.host === null) return
    await promisify(execFile)('prlimit', ['--pid', String(found.host.pid), '--fsize=0:0'])
  }

  async isolate(node: number, signal: AbortSignal): Promise<void> {
    if (await this.#has(node)) await partitionNodes(this.#dir, [[node]], signal)
  }
  async heal(signal: AbortSignal): Promise<void> {
    await healNodes(this.#dir, signal)
  }

  async sign(
    { accountId }: ChaosAccount,
    text: string,
    signal: AbortSignal,
    nodes?: readonly number[],
  ): Promise<string> {
    const account = this.#known.get(accountId)
    if (account === undefined) throw new Error(`no account ${accountId}`)
    return await (await this.#client(nodes)).signMessage({ account, message: text }, { signal })
  }

  async addressOf(accountId: string, signal: AbortSignal): Promise<string> {
    const [address = 'nothing'] = await (await this.#client()).getAccounts(
      { accountId },
      { signal },
    )
    return address
  }

  async settled(signal: AbortSignal): Promise<void> {
    let calm = 0
    while (calm < QUICK_LOOKS) {
      calm = (await this.#isSettled(signal)) ? calm + 1 : 0
      await pause(LOOK_MS, undefined, { signal })
    }
  }

  async views(signal: AbortSignal): Promise<readonly NodeView[]> {
    const views: NodeView[] = []
    for (const { node } of await this.members()) {
      const found = await this.#node(node)
      if (found === undefined) continue
      views.push(
        await atDoor(found, signal, async (door) => {
          const status = await door.ask('status', {}, signal)
          const receipts = status.receipts.map(({ e, have, missing }) => ({
            e,
            have: have.length,
            of: have.length + missing.length,
          }))
          return {
            node,
            e: status.epoch?.e ?? -1,
            recordHash: status.baseHash,
            isVerified: await isVerified(found, door, status, signal),
            receipts,
          }
        }),
      )
    }
    return views
  }

  async #isSettled(signal: AbortSignal): Promise<boolean> {
    const state = await readState(this.#dir)
    const epochs = new Set<string>()
    for (const { node } of await this.members()) {
      const found = state.nodes.find((one) => one.node === node)
      const runs = found !== undefined && (await runningOf(state)).includes(found)
      if (!runs) return false
      const status = await atDoor(found, signal, (door) => door.ask('status', {}, signal))
      epochs.add(status.baseHash)
      if (status.standing !== 'member' || status.attempt !== null) return false
      if (silentOf(status, 0).length > 0) return false
      if (
        status.receipts.some(
          ({ e, missing }) => e === (status.epoch?.e ?? 0) - 1 && missing.length > 0,
        )
      )
        return false
    }
    return epochs.size === 1
  }

  /** The committee as the newest of the running nodes knows it. */
  async #base(): Promise<Awaited<ReturnType<typeof baseOf>>> {
    const signal = AbortSignal.timeout(10_000)
    const seen = await Promise.allSettled(
      (await runningOf(await readState(this.#dir))).map((node) =>
        atDoor(node, signal, async (door) =>
          baseOf(await door.ask('status', {}, signal), genesisOf(node)),
        ),
      ),
    )
    const bases = seen.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const newest = bases.toSorted((a, b) => b.next - a.next)[0]
    if (newest === undefined) throw new Error('no node says who the members are')
    return newest
  }

  async #client(nodes?: readonly number[]): Promise<Holdfast> {
    const running = await runningOf(await readState(this.#dir))
    const rpcs = running
      .filter(({ node }) => nodes?.includes(node) ?? true)
      .flatMap(({ rpc }) => (rpc === null ? [] : [rpc]))
    return createHoldfast({ nodes: rpcs, signer: this.#signer })
  }

  async #node(node: number): Promise<TestnetNode | undefined> {
    return (await readState(this.#dir)).nodes.find((one) => one.node === node)
  }
  async #has(node: number): Promise<boolean> {
    return (await this.#node(node)) !== undefined
  }
}

/** Whether every epoch that a node shows follows from the genesis file, up to the one that it is in. */
async function isVerified(
  node: TestnetNode,
  door: OperatorNode,
  status: OperatorStatus,
  signal: AbortSignal,
): Promise<boolean> {
  const chain = new EpochChain(await readGenesis(genesisOf(node)))
  for (let from: number | null = 0; from !== null; ) {
    const page: { certs: readonly string[]; next: number | null } = await door.ask(
      'history',
      { from },
      signal,
    )
    for (const cert of page.certs)
      if (chain.add(EpochCert.decode(fromHex(cert))).added !== 'next') return false
    from = page.next
  }
  return chain.newest?.record.e === status.epoch?.e
}
