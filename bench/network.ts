import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHoldfast } from '../src/sdk/client.ts'
import { keySigner } from '../src/sdk/key-signer.ts'
import { createTestnet } from '../src/testnet/create.ts'
import { stopNodes } from '../src/testnet/stop.ts'
import { networkReady, startNodes } from '../src/testnet/up.ts'
import { round } from './measure.ts'

const READY_MS = 180_000
const CALL_MS = 60_000
const PAUSE_MS = 1_100 // an account may ask 60 times a minute

export interface NetworkRow {
  readonly what: string
  readonly ms: { readonly p50: number; readonly p99: number } | number
}

/**
 * Real processes on loopback: from nothing to ready, a new key, and signatures one after another, from the
 * SDK's call to the signature that it verified. All nodes and the client share this machine.
 */
export async function benchNetwork(options: {
  readonly nodes: number
  readonly threshold: number
  readonly runs: number
}): Promise<NetworkRow[]> {
  const { nodes, threshold, runs } = options
  const home = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const dir = join(home, 'net')
  try {
    const began = performance.now()
    await createTestnet({ dir, nodes, threshold, rpcPort: 0 })
    const signal = AbortSignal.timeout(READY_MS)
    const state = await startNodes(dir, { lifeline: true, signal })
    await networkReady(state, { deadlineMs: READY_MS, signal })
    const readyMs = performance.now() - began
    const holdfast = createHoldfast({
      nodes: state.nodes.flatMap(({ rpc }) => (rpc === null ? [] : [rpc])),
      signer: keySigner({ pkcs8: developerKey() }),
      deadlineMs: CALL_MS,
    })
    const beforeKey = performance.now()
    const account = await holdfast.createAccount()
    const keyMs = performance.now() - beforeKey
    const times: number[] = []
    for (let run = 0; run < runs; run++) {
      const start = performance.now()
      await holdfast.signMessage({ account, message: `run ${run}` })
      const spent = performance.now() - start
      times.push(spent)
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, PAUSE_MS - spent)))
    }
    return [
      { what: `${nodes} nodes, from nothing to ready`, ms: round(readyMs) },
      { what: 'a new account with its key', ms: round(keyMs) },
      { what: `a signature by ${threshold} of ${nodes}, form (a)`, ms: percentiles(times) },
    ]
  } finally {
    await stopNodes(dir)
    await rm(home, { recursive: true, force: true })
  }
}

function percentiles(times: readonly number[]): { p50: number; p99: number } {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN)
  return { p50: at(0.5), p99: at(0.99) }
}

const developerKey = (): Uint8Array =>
  new Uint8Array(
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
      publicKeyEncoding: { type: 'spki', format: 'der' },
    }).privateKey,
  )

/** Rows as a table. */
export const networkTable = (rows: readonly NetworkRow[]): string[] => [
  '| what | ms |',
  '|---|---|',
  ...rows.map(
    ({ what, ms }) =>
      `| ${what} | ${typeof ms === 'number' ? ms : `p50 ${ms.p50}, p99 ${ms.p99}`} |`,
  ),
]
