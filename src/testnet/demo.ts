import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningFile } from '../node/running-file.ts'
import { CHAIN_ID, findAnvil, type LocalChain, startAnvil } from './anvil.ts'
import {
  CheckError,
  check,
  checkRaw,
  type MinedTransfer,
  openChain,
  plainTransfer,
} from './chain.ts'
import { createTestnet } from './create.ts'
import type { DemoWallet } from './demo-wallet.ts'
import { bar, runSteps, type Step, seconds } from './steps.ts'
import { stopNodes } from './stop.ts'
import { networkReady, startNodes } from './up.ts'

/** What happened, one object per line under --json. */
export type DemoEvent =
  | { readonly event: 'node-ready'; node: number; pid: number; peerId: string }
  | { readonly event: 'key-created'; keyId: string; publicKey: string; address: string }
  | ({ readonly event: 'transaction-mined'; signers: readonly number[] } & MinedTransfer)
  | {
      readonly event: 'transaction-signed'
      hash: string
      from: string
      signers: readonly number[]
      reason: string
    }
  | { readonly event: 'done' }

export interface DemoOptions {
  /** End after success instead of serving until the signal. */
  readonly once: boolean
  readonly nodes: number
  readonly threshold: number
  /** Directory to keep; null: a temporary one, removed at the end. */
  readonly dir: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Whether a person watches. */
  readonly terminal: boolean
  event(event: DemoEvent): void
  say(line: string): void
}

/** The developer's side of the demonstration, so that this file needs no client of its own. */
export type OpenWallet = (nodes: readonly string[], signal: AbortSignal) => Promise<DemoWallet>

const READY_TIMEOUT_MS = 90_000 // the whole of it should take less
const FUNDING_WEI = 10n ** 18n
const VALUE_WEI = 123_456_789_000_000_000n
const NO_CHAIN =
  'there is no local chain on this machine to mine the transaction: install anvil or name it in ANVIL; ANVIL=none goes without'
const RECIPIENT = '0x00000000000000000000000000000000000a11ce' // nobody's: its balance starts at zero

/** The whole story: a network, a key, a transaction that a chain mined. */
export async function runDemo(options: DemoOptions, openWallet: OpenWallet): Promise<void> {
  checkChain(findAnvil(options.env), options)
  const began = performance.now()
  const temporary = options.dir === null
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'holdfast-demo-')))
  const network = join(dir, 'network')
  const demo: Demo = { options, network, made: false, chain: undefined, listening: new Map() }
  try {
    await runSteps(stepsOf(demo, openWallet), options)
    const took = performance.now() - began
    options.event({ event: 'done' })
    options.say(`done in ${seconds(took)}`)
    if (!options.once) await serve(demo)
  } finally {
    await demo.chain?.stop()
    if (demo.made) await stopNodes(network)
    if (temporary) await rm(dir, { recursive: true, force: true })
  }
}

/** Whoever asks for the whole story once must not take half of it for success, unless half was asked for. */
export function checkChain(
  executable: string | undefined,
  { once, env }: Pick<DemoOptions, 'once' | 'env'>,
): void {
  if (executable === undefined && once && env['ANVIL'] !== 'none') throw new CheckError(NO_CHAIN)
}

interface Demo {
  readonly options: DemoOptions
  readonly network: string
  made: boolean
  chain: LocalChain | undefined
  readonly listening: Map<number, RunningFile>
}

function stepsOf(demo: Demo, openWallet: OpenWallet): Step[] {
  const { options, network } = demo
  const { nodes, threshold, signal } = options
  let wallet: DemoWallet | undefined
  let address = ''
  const opened = (): DemoWallet => {
    if (wallet === undefined) throw new Error('bug: there is no wallet yet')
    return wallet
  }
  return [
    {
      title: `keys and genesis of ${nodes} nodes, threshold ${threshold}`,
      run: async () => {
        await createTestnet({ dir: network, nodes, threshold, rpcPort: 0 })
        demo.made = true
      },
    },
    {
      title: `${nodes} processes`,
      run: async (report) => {
        await startNodes(network, {
          lifeline: true,
          signal,
          onListening: (node, said) => {
            demo.listening.set(node, said)
            report(bar(demo.listening.size, nodes))
          },
        })
      },
    },
    { title: 'discovery and pair setups', run: (report) => pairUp(demo, report) },
    {
      title: 'local chain',
      run: async (report) => {
        const executable = findAnvil(options.env)
        if (executable === undefined) {
          report('none on this machine: the transaction will be signed and verified, not sent')
          return
        }
        demo.chain = await startAnvil(executable)
        report(demo.chain.url)
      },
    },
    {
      title: 'distributed key generation',
      run: async (report) => {
        wallet = await openWallet(rpcsOf(demo), signal)
        const { keyId, publicKey } = wallet
        address = wallet.address
        options.event({ event: 'key-created', keyId, publicKey, address })
        report(address)
      },
    },
    {
      title: `EIP-1559 transfer signed by ${threshold} of ${nodes}`,
      run: (report) => transfer(demo, opened(), report),
    },
  ]
}

/** Waits until every node has found the others and set up its pairs, and says so of each. */
async function pairUp(demo: Demo, report: (text: string) => void): Promise<void> {
  const { options, listening, network } = demo
  const { nodes, signal } = options
  const told = new Set<number>()
  const order = [...listening].sort(([a], [b]) => a - b)
  const pairs = nodes * (nodes - 1)
  const state = await startNodes(network, { lifeline: true, signal }) // reads it; all run already
  await networkReady(state, {
    deadlineMs: READY_TIMEOUT_MS,
    signal,
    onProgress: (seen) => {
      const ends = seen.reduce((sum, one) => sum + Math.max(0, (one?.signers ?? 1) - 1), 0)
      report(`${bar(ends / 2, pairs / 2)} pairs`)
      seen.forEach((one, at) => {
        const [node, said] = order[at] ?? []
        if (node === undefined || said === undefined || told.has(node)) return
        if (one?.ready !== true || !one.complete) return
        told.add(node)
        const { pid, peerId } = said
        options.event({ event: 'node-ready', node, pid, peerId })
      })
    },
  })
}

async function transfer(
  demo: Demo,
  wallet: DemoWallet,
  report: (text: string) => void,
): Promise<void> {
  const { options, chain } = demo
  const { address } = wallet
  if (chain === undefined) {
    const asked = plainTransfer(RECIPIENT, VALUE_WEI, CHAIN_ID)
    const { raw, signers } = await wallet.signTransaction(asked, options.signal)
    const hash = await checkRaw(raw, asked, address)
    checkSigners(signers, options)
    const reason = 'there is no local chain to send it to'
    options.event({ event: 'transaction-signed', hash, from: address, signers, reason })
    report(`${hash} signed by nodes ${signers.join(', ')} and verified; not sent: ${reason}`)
    return
  }
  const local = await openChain(chain, CHAIN_ID)
  await local.fund(address, FUNDING_WEI)
  const asked = await local.transfer(address, RECIPIENT, VALUE_WEI)
  report('signing')
  const { raw, signers } = await wallet.signTransaction(asked, options.signal)
  const hash = await checkRaw(raw, asked, address)
  checkSigners(signers, options)
  report('waiting for the receipt')
  const mined = await local.send(raw, asked, address)
  check(mined.hash === hash, 'the chain gave the transaction another hash')
  const { blockNumber, status, from } = mined
  options.event({ event: 'transaction-mined', hash, blockNumber, status, from, signers })
  report(`${hash} in block ${blockNumber}, signed by nodes ${signers.join(', ')}`)
}

/** Exactly threshold different members signed. */
function checkSigners(signers: readonly number[], { nodes, threshold }: DemoOptions): void {
  const different = new Set(signers.filter((party) => party >= 1 && party <= nodes))
  check(
    different.size === threshold && signers.length === threshold,
    `nodes ${signers.join(', ')} signed, where ${threshold} of ${nodes} should have`,
  )
}

/** Keeps the network up until the signal. */
async function serve({ options, listening, chain, network }: Demo): Promise<void> {
  const { signal, say } = options
  say('')
  for (const [node, { rpc }] of [...listening].sort(([a], [b]) => a - b))
    say(`node ${node}  ${rpc}`)
  if (chain !== undefined) say(`chain   ${chain.url}`)
  say('')
  say('serving until Ctrl-C; in another terminal, for example:')
  say(`  npm run -s holdfast -- account create --dir ${network}`)
  say(`  npm run -s holdfast -- sign message hello --dir ${network} --account ID`)
  say(`  npm run -s holdfast -- testnet kill 2 --dir ${network}`)
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  say('stopping')
}

const rpcsOf = ({ listening }: Demo): string[] =>
  [...listening].sort(([a], [b]) => a - b).map(([, { rpc }]) => rpc)
