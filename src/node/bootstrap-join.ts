import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { parse, stringify } from 'smol-toml'
import { decodeGenesis } from '../../protocols/agreement/genesis.ts'
import type { NetworkAddress } from '../../protocols/agreement/network-address.ts'
import { CommitteeFile } from './committee/committee-file.ts'
import { type FetchedNetwork, fetchNetwork, JoinRefused } from './committee/fetch-network.ts'
import { ConfigError, parseConfig } from './config.ts'
import { createDialler } from './libp2p.ts'
import type { Log } from './log.ts'
import { nodeFiles } from './node-files.ts'

const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
const DIAL_MS = 10_000
const FETCH_MS = 120_000 // a long chain over a slow line: 10,000 small epochs are some 20 MB

export interface JoinOptions {
  readonly signal: AbortSignal
  readonly log: Log
  /** Unix ms. */
  readonly now?: () => number
  /** Shorter for tests. */
  readonly firstRetryMs?: number
}

/** What the operator of the new node is shown. */
export interface JoinedNetwork {
  readonly networkId: string
  readonly name: string
  /** Of the newest epoch. */
  readonly e: number
  readonly members: readonly { readonly index: number; readonly label: string }[]
  readonly t: number
}

/**
 * Makes the node in `dir` one that asks to join this network: dials for ever until it has its genesis file and verified
 * chain, writes both, and pins network and address in node.toml (03 §3.2). The node then starts as joining.
 * Throws `JoinRefused` when whoever answers shows another network or an altered chain, `ConfigError` when the node
 * belongs to another network, and the signal's reason.
 */
export async function bootstrapJoin(
  dir: string,
  address: NetworkAddress,
  options: JoinOptions,
): Promise<JoinedNetwork> {
  const networkId = Buffer.from(address.networkId).toString('hex')
  const paths = nodeFiles({ dir, dataDir: dir })
  const text = await readFile(paths.config, 'utf8')
  const config = parseConfig({ dir, text, env: {} })
  if (config.networkId !== null && config.networkId !== networkId)
    throw new ConfigError([
      `${dir} belongs to network ${config.networkId} already: make a new node for another network`,
    ])
  const files = nodeFiles(config)
  const fetched = await fetchForEver(address, options)
  const file = new CommitteeFile(files.committee, address.networkId)
  await mkdir(dirname(files.committee), { recursive: true, mode: 0o700 })
  await file.load()
  await file.save({ published: fetched.published })
  await writeFile(files.genesis, fetched.genesis)
  const bootstrap = [...new Set([...config.bootstrap, address.multiaddr])]
  try {
    await writeFile(files.config, stringify({ ...parse(text), networkId, bootstrap }))
  } catch (error) {
    await rm(files.genesis, { force: true })
    throw error
  }
  const { e, t, members } = fetched.record
  const { name } = decodeGenesis(fetched.genesis)
  return { networkId, name, e, t, members: members.map(({ index, label }) => ({ index, label })) }
}

/** Whoever cannot be reached is dialled again, more and more slowly; whoever answers wrongly is not. */
async function fetchForEver(
  { networkId, multiaddr: text }: NetworkAddress,
  { signal, log, now = Date.now, firstRetryMs = FIRST_RETRY_MS }: JoinOptions,
): Promise<FetchedNetwork> {
  const node = await createDialler()
  let retryMs = firstRetryMs
  try {
    for (;;) {
      try {
        return await fetchOnce(node, text, networkId, now(), signal)
      } catch (error) {
        if (error instanceof JoinRefused) throw error
        signal.throwIfAborted()
        const reason = error instanceof Error ? error.name : 'unknown'
        log.info('network-unreached', { address: text, reason, ms: retryMs })
      }
      await delay(retryMs, undefined, { signal })
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)
    }
  } finally {
    await node.stop()
  }
}

async function fetchOnce(
  node: Libp2p,
  text: string,
  networkId: Uint8Array,
  now: number,
  signal: AbortSignal,
): Promise<FetchedNetwork> {
  const dialling = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)])
  const connection = await node.dial(multiaddr(text), { signal: dialling })
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)])
    return await fetchNetwork(connection, networkId, now, bounded)
  } finally {
    await connection.close().catch(() => connection.abort(new Error('closed')))
  }
}
