import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { benchCommittee } from './committee.ts'
import { compareKernels } from './kernel.ts'
import { benchLeaks } from './leak.ts'
import { parseScenario, type Scenario, type Stage } from './network/scenario.ts'
import { runScenario } from './network.ts'
import { benchPeers } from './peers.ts'
import { FORMS, measureProtocol, OPS } from './protocol.ts'
import { report } from './report.ts'
import { smoke } from './smoke.ts'
import { soak } from './soak.ts'

const USAGE = `npm run bench -- kernel
npm run bench -- protocol --op ${OPS.join('|')} [--form ${FORMS.join('|')}] [--count 1] [--kernel wasm|reference]
                        [--n 3] [--t 2] [--runs 20] [--warmup 3] [--json] [--details]
npm run bench -- peers [--n 2 --t 2] [--runs 20]       (all comparisons, or one size; HOLDFAST_PEERS names the folder of the peers' drivers)
npm run bench -- network [--scenario bench/scenarios/loopback.toml | --form a|b|c [--runs 40] [--rate 50 --minutes 1] [--delay 25]]
                        [--n 5] [--t 3]     (real processes on this machine; --delay: ms one way on each node's emulated link)
npm run bench -- soak [--minutes 30] [--rate 10] [--n 5] [--t 3]
npm run bench -- leak [--runs 100000]                  (timing classes of the kernel, a planted leak first)
npm run bench -- committee [--n 5] [--t 3] [--runs 20]  (what a stranger's check of the committee costs)
npm run bench -- report [--short]                       (all of the above, into docs/performance.md; about an hour, short: a quarter)
npm run bench -- smoke                                  (one iteration of each, no numbers)`

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    op: { type: 'string' },
    form: { type: 'string', default: 'a' },
    kernel: { type: 'string', default: 'wasm' },
    count: { type: 'string' },
    n: { type: 'string' },
    t: { type: 'string' },
    runs: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    details: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    rate: { type: 'string' },
    minutes: { type: 'string' },
    delay: { type: 'string' },
  },
})

await main()

async function main(): Promise<void> {
  switch (positionals[0]) {
    case 'kernel':
      return compareKernels(print)
    case 'protocol':
      return protocol()
    case 'peers':
      return benchPeers({
        folder: process.env['HOLDFAST_PEERS'],
        ...(values.n !== undefined && { n: integer('n', 2, 2), t: integer('t', 2, 2) }),
        runs: integer('runs', 20, 1),
        print,
      })
    case 'network':
      await runScenario(await scenario(), print)
      return
    case 'soak': {
      const plan = { minutes: decimal('minutes', 30), perSecond: decimal('rate', 10) }
      const steady = await soak(
        { ...plan, nodes: integer('n', 5, 3), threshold: integer('t', 3, 2) },
        print,
      )
      process.exitCode = steady ? 0 : 1
      return
    }
    case 'leak': {
      const silent = await benchLeaks(integer('runs', 100_000, 1_000), print)
      process.exitCode = silent ? 0 : 1
      return
    }
    case 'committee': {
      const [n, t] = [integer('n', 5, 3), integer('t', 3, 2)]
      return benchCommittee(n, t, integer('runs', 20, 1), print)
    }
    case 'report':
      return report(process.env['HOLDFAST_PEERS'], print, { short: values.short })
    case 'smoke':
      return smoke(print)
    default:
      stop(positionals[0] === undefined ? 'which bench?' : `no bench called ${positionals[0]}`)
  }
}

async function protocol(): Promise<void> {
  const op = OPS.find((known) => known === values.op)
  if (op === undefined) stop(`--op must be one of ${OPS.join(', ')}`)
  const form = FORMS.find((known) => known === values.form)
  if (form === undefined) stop(`--form must be one of ${FORMS.join(', ')}`)
  const { kernel } = values
  if (kernel !== 'wasm' && kernel !== 'reference') stop('--kernel must be wasm or reference')
  const options = {
    op,
    form,
    kernel,
    count: integer('count', 1, 1),
    n: integer('n', 3, 2),
    t: integer('t', 2, 2),
    runs: integer('runs', 20, 1),
    warmup: integer('warmup', 3, 0),
  } as const
  if (options.t > options.n) stop('--t must not exceed --n')
  const { details, ...line } = await measureProtocol(options)
  if (values.json) print(JSON.stringify(values.details ? { ...line, details } : line))
  else {
    const { min, median } = line.perPartyMs
    print(
      `${op} ${options.t}-of-${options.n}: ${min} ms at best, ${median} ms median, per party; ${line.bytesPerParty} B sent per party`,
    )
    if (details.void !== undefined) print(`VOID: ${details.void}`)
    if (values.details) print(JSON.stringify(details, null, 2))
  }
}

/** The scenario of a file, or the one that the options describe. */
async function scenario(): Promise<Scenario> {
  const { scenario: file = positionals[1], rate, form } = values
  if (file !== undefined) return parseScenario(await readFile(file, 'utf8'))
  if (form !== 'a' && form !== 'b' && form !== 'c') stop('--form must be a, b or c')
  const stage: Stage =
    rate === undefined
      ? { kind: 'sequential', form, runs: integer('runs', 40, 1), pauseMs: 300 }
      : {
          kind: 'rate',
          form,
          perSecond: decimal('rate', 10),
          minutes: decimal('minutes', 1),
          accounts: Math.max(1, Math.ceil(2 * decimal('rate', 10))),
        }
  return {
    nodes: integer('n', 5, 3),
    threshold: integer('t', 3, 2),
    kernel: 'default',
    stages: [stage],
    ...(values.delay !== undefined && {
      link: { delayMs: decimal('delay', 25), jitterMs: 0, loss: 0, mbit: 0 },
    }),
  }
}

function decimal(name: 'rate' | 'minutes' | 'delay', fallback: number): number {
  const value = Number(values[name] ?? fallback)
  if (!(value > 0)) stop(`--${name} must be a number above 0`)
  return value
}

function integer(
  name: 'n' | 't' | 'runs' | 'warmup' | 'count',
  fallback: number,
  least: number,
): number {
  const value = Number(values[name] ?? fallback)
  if (!Number.isInteger(value) || value < least)
    stop(`--${name} must be an integer of at least ${least}`)
  return value
}

function stop(reason: string): never {
  process.stderr.write(`${reason}\n\n${USAGE}\n`)
  process.exit(2)
}
