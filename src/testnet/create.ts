import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MAX_MEMBERS } from '../../protocols/agreement/objects/items.ts'
import { quorums } from '../../protocols/agreement/quorums.ts'
import { adoptGenesis } from '../node/adopt-genesis.ts'
import { assembleGenesis } from '../node/assemble-genesis.ts'
import { ConfigError } from '../node/config.ts'
import { initialiseNode } from '../node/initialise-node.ts'
import { type Testnet, writeState } from './state.ts'

export interface TestnetPlan {
  readonly dir: string
  readonly nodes: number
  readonly threshold: number
  /** Port of node 1's gateway, the next one for node 2 and so on; 0: free ports, others at each start. */
  readonly rpcPort: number
}

const MIN_NODES = 3 // with two, a threshold below n would be one node that signs alone (03 §1.3 R4)
const HIGHEST_PORT = 65_535

/**
 * Makes the directories of a local network: every node with its keys, one development genesis. Starts
 * nothing. What fails is undone.
 * @throws ConfigError when the numbers or the directory are wrong.
 */
export async function createTestnet(plan: TestnetPlan): Promise<Testnet> {
  assertSizes(plan)
  const dir = resolve(plan.dir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if ((await readdir(dir)).length > 0)
    throw new ConfigError([`${dir} is not empty: choose another directory for a new network`])
  try {
    return await fill(dir, plan)
  } catch (error) {
    for (const name of await readdir(dir))
      await rm(join(dir, name), { recursive: true, force: true })
    throw error
  }
}

async function fill(dir: string, plan: TestnetPlan): Promise<Testnet> {
  const numbers = Array.from({ length: plan.nodes }, (_, position) => position + 1)
  const made = await Promise.all(
    numbers.map((node) =>
      initialiseNode({
        dir: join(dir, `node-${node}`),
        label: `node-${node}`,
        settings: {
          profile: 'local',
          allowPlain: true,
          rpc: { host: '127.0.0.1', port: plan.rpcPort === 0 ? 0 : plan.rpcPort + node - 1 },
        },
      }),
    ),
  )
  const { file, networkId } = assembleGenesis({
    name: 'testnet',
    members: made.map(({ member }) => member),
    threshold: plan.threshold,
    environment: 'development',
    salt: new Uint8Array(randomBytes(16)),
    createdAt: Date.now(),
  })
  for (const { dir: node } of made) await adoptGenesis(node, file)
  const state: Testnet = {
    version: 1,
    networkId: Buffer.from(networkId).toString('hex'),
    threshold: plan.threshold,
    nodes: made.map(({ dir: nodeDir, member }, position) => ({
      node: position + 1,
      dir: nodeDir,
      peerId: member.peerId,
      host: null,
      guest: null,
      rpc: null,
    })),
  }
  await writeState(dir, state)
  return state
}

function assertSizes({ nodes, threshold, rpcPort }: TestnetPlan): void {
  const problems: string[] = []
  const { q } = quorums(nodes, threshold)
  if (nodes < MIN_NODES || nodes > MAX_MEMBERS)
    problems.push(`${nodes} nodes: a network has ${MIN_NODES} to ${MAX_MEMBERS}`)
  else if (threshold * 2 <= nodes || threshold > Math.min(nodes - 1, q))
    problems.push(
      `threshold ${threshold} of ${nodes}: it must be from ${Math.floor(nodes / 2) + 1} to ${Math.min(nodes - 1, q)}`,
    )
  if (rpcPort !== 0 && rpcPort + nodes - 1 > HIGHEST_PORT)
    problems.push(
      `rpc port ${rpcPort}: the ports of ${nodes} nodes do not fit below ${HIGHEST_PORT}`,
    )
  if (problems.length > 0) throw new ConfigError(problems)
}
