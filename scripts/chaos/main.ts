import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createTestnet } from '../../src/testnet/create.ts'
import { stopNodes } from '../../src/testnet/stop.ts'
import { networkReady, startNodes } from '../../src/testnet/up.ts'
import type { ChaosClock } from './play.ts'
import { chaosLines, runChaos } from './run.ts'
import { schedule } from './schedule.ts'
import { TestnetWorld } from './testnet-world.ts'

const USAGE = `npm run chaos -- [--seed 1] [--minutes 5] [--n 5] [--t 3] [--rate 2] [--accounts 3]
  joins, leaves and refreshes of a real network on this machine under a signing load, with killed, frozen, isolated
  nodes and full disks; the same seed plays the same schedule.
--plan: only print what would happen     --keep: leave the directory for a look`

const READY_MS = 180_000 // ten pair setups on two busy cores
const ACCOUNTS_MS = 120_000

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '5' },
    n: { type: 'string', default: '5' },
    t: { type: 'string', default: '3' },
    rate: { type: 'string', default: '2' },
    accounts: { type: 'string', default: '3' },
    plan: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const clock: ChaosClock = {
  now: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', abort)
        resolve()
      }, ms)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
    }),
}

process.exitCode = values.help ? usage() : values.plan ? plan() : await chaos()

function usage(): number {
  print(USAGE)
  return 0
}

function plan(): number {
  const [seed, minutes, n] = [number('seed'), number('minutes'), number('n')]
  for (const { atMs, ...step } of schedule(seed, minutes, n, { least: 4, most: 7 }))
    print(`${(atMs / 1000).toFixed(1)} s ${JSON.stringify(step)}`)
  return 0
}

async function chaos(): Promise<number> {
  const dir = join(await mkdtemp(join(tmpdir(), 'holdfast-chaos-')), 'net')
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Error(`stopped by ${name}`)))
  const { signal } = stop
  try {
    await createTestnet({ dir, nodes: number('n'), threshold: number('t'), rpcPort: 0 })
    const state = await startNodes(dir, { lifeline: true, signal })
    await networkReady(state, { deadlineMs: READY_MS, signal })
    const world = new TestnetWorld(dir)
    const within = AbortSignal.any([signal, AbortSignal.timeout(ACCOUNTS_MS)])
    const accounts = await world.accounts(number('accounts'), within)
    const report = await runChaos(
      { seed: number('seed'), minutes: number('minutes'), perSecond: number('rate'), accounts },
      world,
      clock,
      print,
      signal,
    )
    const { good, lines } = chaosLines(report)
    for (const line of lines) print(line)
    return good ? 0 : 1
  } finally {
    await stopNodes(dir)
    if (values.keep) print(`kept: ${dir}`)
    else await rm(join(dir, '..'), { recursive: true, force: true })
  }
}

function number(name: 'seed' | 'minutes' | 'n' | 't' | 'rate' | 'accounts'): number {
  const value = Number(values[name])
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`)
  return value
}
