import { parseArgs } from 'node:util'
import { benchKernel } from './kernel.ts'
import { benchNetwork, networkTable } from './network.ts'
import { benchPeers } from './peers.ts'
import { measureProtocol, OPS } from './protocol.ts'
import { report } from './report.ts'
import { smoke } from './smoke.ts'

const USAGE = `npm run bench -- kernel
npm run bench -- protocol --op ${OPS.join('|')} [--form a|c] [--n 3] [--t 2] [--runs 20] [--warmup 3] [--json] [--details]
npm run bench -- peers [--n 2] [--t 2] [--runs 20]     (HOLDFAST_PEERS names the folder of the peers' drivers)
npm run bench -- network [--n 5] [--t 3] [--runs 20]    (real processes on this machine)
npm run bench -- report                                 (all of the above, into docs/performance.md)
npm run bench -- smoke                                  (one iteration of each, no numbers)`

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    op: { type: 'string' },
    form: { type: 'string', default: 'a' },
    n: { type: 'string' },
    t: { type: 'string' },
    runs: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    details: { type: 'boolean', default: false },
  },
})

await main()

async function main(): Promise<void> {
  switch (positionals[0]) {
    case 'kernel':
      for (const row of benchKernel()) print(`| ${row.operation} | ${row.min} | ${row.median} |`)
      return
    case 'protocol':
      return protocol()
    case 'peers':
      return benchPeers({
        folder: process.env['HOLDFAST_PEERS'],
        n: integer('n', 2, 2),
        t: integer('t', 2, 2),
        runs: integer('runs', 20, 1),
        print,
      })
    case 'network': {
      const [nodes, threshold] = [integer('n', 5, 3), integer('t', 3, 2)]
      const rows = await benchNetwork({ nodes, threshold, runs: integer('runs', 20, 1) })
      for (const line of networkTable(rows)) print(line)
      return
    }
    case 'report':
      return report(process.env['HOLDFAST_PEERS'], print)
    case 'smoke':
      return smoke(print)
    default:
      stop(positionals[0] === undefined ? 'which bench?' : `no bench called ${positionals[0]}`)
  }
}

async function protocol(): Promise<void> {
  const op = OPS.find((known) => known === values.op)
  if (op === undefined) stop(`--op must be one of ${OPS.join(', ')}`)
  if (values.form !== 'a' && values.form !== 'c') stop('--form must be a or c: b comes later')
  const options = {
    op,
    form: values.form,
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

function integer(name: 'n' | 't' | 'runs' | 'warmup', fallback: number, least: number): number {
  const value = Number(values[name] ?? fallback)
  if (!Number.isInteger(value) || value < least)
    stop(`--${name} must be an integer of at least ${least}`)
  return value
}

function stop(reason: string): never {
  process.stderr.write(`${reason}\n\n${USAGE}\n`)
  process.exit(2)
}
